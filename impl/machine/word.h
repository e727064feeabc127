// The words that PTE rules are written over. A rule is a template over its word type: the implementation runs it on
// std::uint32_t, a proof runs the same text on a symbolic 32-bit word. Nothing here knows about proofs.
//
// Another word type W specialises truth_of<W> and word_of<its truth type>, and provides the operators named by the
// concept and `select` in its own namespace. Its truth type needs no conversion to bool, therefore a rule never uses
// `if`, `?:` or a short-circuit on it for effect.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace vmref::impl::word {

template <class W>
struct truth_of;
template <>
struct truth_of<std::uint32_t> {
    using type = bool;
};
// The truth value that comparing two W yields.
template <class W>
using Bool = typename truth_of<W>::type;

template <class B>
struct word_of;
template <>
struct word_of<bool> {
    using type = std::uint32_t;
};
template <class B>
using WordOf = typename word_of<B>::type;

// The only conditional of a rule.
constexpr std::uint32_t select(bool condition, std::uint32_t then, std::uint32_t otherwise) {
    return condition ? then : otherwise;
}
constexpr bool select(bool condition, bool then, bool otherwise) {
    return condition ? then : otherwise;
}

// Comparisons are unsigned, additions wrap.
template <class W>
concept Word = std::constructible_from<W, std::uint32_t> &&
    requires(const W a, const W b, const Bool<W> c, const Bool<W> d) {
    { a& b } -> std::convertible_to<W>;
    { a | b } -> std::convertible_to<W>;
    { a ^ b } -> std::convertible_to<W>;
    { ~a } -> std::convertible_to<W>;
    { a + b } -> std::convertible_to<W>;
    { a - b } -> std::convertible_to<W>;
    { a == b } -> std::same_as<Bool<W>>;
    { a != b } -> std::same_as<Bool<W>>;
    { a < b } -> std::same_as<Bool<W>>;
    { a <= b } -> std::same_as<Bool<W>>;
    { c&& d } -> std::same_as<Bool<W>>;
    { c || d } -> std::same_as<Bool<W>>;
    { !c } -> std::same_as<Bool<W>>;
    { select(c, a, b) } -> std::same_as<W>;
    { select(c, c, d) } -> std::same_as<Bool<W>>;
};

// A parameter that takes part in no deduction: a plain constant may stand there beside either word type.
template <class T>
using Same = std::type_identity_t<T>;

template <Word W>
constexpr Bool<W> any(W w, Same<W> bits) {
    return (w & bits) != W(0U);
}
template <Word W>
constexpr Bool<W> none(W w, Same<W> bits) {
    return (w & bits) == W(0U);
}
template <Word W>
constexpr Bool<W> all(W w, Same<W> bits) {
    return (w & bits) == bits;
}
template <class B>
constexpr WordOf<B> bits_if(B condition, Same<WordOf<B>> bits) {
    return select(condition, bits, WordOf<B>(0U));
}
template <class B>
constexpr B implies(B a, Same<B> b) {
    return !a || b;
}
template <class B>
constexpr B iff(B a, Same<B> b) {
    return implies(a, b) && implies(b, a);
}
// What a counter of words with `bit` gains when one word goes from `before` to `after`, modulo 2^32.
template <Word W>
constexpr W delta(W before, W after, Same<W> bit) {
    return bits_if(any(after, bit), W(1U)) - bits_if(any(before, bit), W(1U));
}

}  // namespace vmref::impl::word
