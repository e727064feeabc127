// The word that proofs run the rules on: a constant, or a Z3 term. Only props/smt includes this.
//
// A constant needs no context, so that a rule may write W(0U) anywhere; an operation on constants gives a constant.
// Comparisons are unsigned, as in impl/machine/word.h; Z3's own operators on bit-vectors are signed. A value must not
// outlive the context of its term.
#pragma once

#include <z3++.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

#include "impl/machine/word.h"

namespace vmref::smt {

class SymB {
  public:
    SymB() = default;
    // Of bool alone: a pointer or a number is no truth value.
    template <std::same_as<bool> T>
    explicit SymB(T constant) : constant_(constant) {}
    explicit SymB(z3::expr term) : term_(std::move(term)) {}

    bool is_constant() const { return !term_; }
    bool constant() const { return constant_; }
    z3::expr term(z3::context& context) const { return term_ ? *term_ : context.bool_val(constant_); }
    z3::context& context() const { return term_->ctx(); }  // Requires: no constant

    friend SymB operator!(const SymB& a) { return a.term_ ? SymB(!*a.term_) : SymB(!a.constant_); }
    friend SymB operator&&(const SymB& a, const SymB& b) {
        if (!a.term_ || !b.term_) {
            const SymB& other = a.term_ ? a : b;
            return (a.term_ ? b : a).constant_ ? other : SymB(false);
        }
        return SymB(*a.term_ && *b.term_);
    }
    friend SymB operator||(const SymB& a, const SymB& b) {
        if (!a.term_ || !b.term_) {
            const SymB& other = a.term_ ? a : b;
            return (a.term_ ? b : a).constant_ ? SymB(true) : other;
        }
        return SymB(*a.term_ || *b.term_);
    }
    friend SymB select(const SymB& condition, const SymB& then, const SymB& otherwise) {
        if (!condition.term_) {
            return condition.constant_ ? then : otherwise;
        }
        z3::context& context = condition.term_->ctx();
        return SymB(z3::ite(*condition.term_, then.term(context), otherwise.term(context)));
    }

  private:
    std::optional<z3::expr> term_;
    bool constant_ = false;
};

class SymW {
  public:
    SymW() = default;
    // Implicit: a plain constant may stand beside a word.
    SymW(std::uint32_t constant) : constant_(constant) {}  // NOLINT(google-explicit-constructor)
    explicit SymW(z3::expr term) : term_(std::move(term)) {}

    bool is_constant() const { return !term_; }
    std::uint32_t constant() const { return constant_; }
    z3::expr term(z3::context& context) const { return term_ ? *term_ : context.bv_val(constant_, 32); }

    friend SymW operator~(const SymW& a) { return a.term_ ? SymW(~*a.term_) : SymW(~a.constant_); }
    friend SymW operator&(const SymW& a, const SymW& b) {
        return both(
            a, b, [](auto x, auto y) { return x & y; }, [](const auto& x, const auto& y) { return x & y; });
    }
    friend SymW operator|(const SymW& a, const SymW& b) {
        return both(
            a, b, [](auto x, auto y) { return x | y; }, [](const auto& x, const auto& y) { return x | y; });
    }
    friend SymW operator^(const SymW& a, const SymW& b) {
        return both(
            a, b, [](auto x, auto y) { return x ^ y; }, [](const auto& x, const auto& y) { return x ^ y; });
    }
    friend SymW operator+(const SymW& a, const SymW& b) {
        return both(
            a, b, [](auto x, auto y) { return x + y; }, [](const auto& x, const auto& y) { return x + y; });
    }
    friend SymW operator-(const SymW& a, const SymW& b) {
        return both(
            a, b, [](auto x, auto y) { return x - y; }, [](const auto& x, const auto& y) { return x - y; });
    }
    friend SymB operator==(const SymW& a, const SymW& b) {
        return compared(
            a, b, [](auto x, auto y) { return x == y; }, [](const auto& x, const auto& y) { return x == y; });
    }
    friend SymB operator!=(const SymW& a, const SymW& b) { return !(a == b); }
    friend SymB operator<(const SymW& a, const SymW& b) {
        return compared(
            a, b, [](auto x, auto y) { return x < y; }, [](const auto& x, const auto& y) { return z3::ult(x, y); });
    }
    friend SymB operator<=(const SymW& a, const SymW& b) {
        return compared(
            a, b, [](auto x, auto y) { return x <= y; }, [](const auto& x, const auto& y) { return z3::ule(x, y); });
    }
    friend SymW select(const SymB& condition, const SymW& then, const SymW& otherwise) {
        if (condition.is_constant()) {
            return condition.constant() ? then : otherwise;
        }
        z3::context& context = condition.context();
        return SymW(z3::ite(condition.term(context), then.term(context), otherwise.term(context)));
    }

  private:
    static z3::context& context_of(const SymW& a, const SymW& b) { return (a.term_ ? *a.term_ : *b.term_).ctx(); }
    template <class Plain, class Symbolic>
    static SymW both(const SymW& a, const SymW& b, Plain plain, Symbolic symbolic) {
        if (!a.term_ && !b.term_) {
            return SymW(std::uint32_t{plain(a.constant_, b.constant_)});
        }
        z3::context& context = context_of(a, b);
        return SymW(symbolic(a.term(context), b.term(context)));
    }
    template <class Plain, class Symbolic>
    static SymB compared(const SymW& a, const SymW& b, Plain plain, Symbolic symbolic) {
        if (!a.term_ && !b.term_) {
            return SymB(bool{plain(a.constant_, b.constant_)});
        }
        z3::context& context = context_of(a, b);
        return SymB(symbolic(a.term(context), b.term(context)));
    }

    std::optional<z3::expr> term_;
    std::uint32_t constant_ = 0;
};

}  // namespace vmref::smt

namespace vmref::impl::word {

template <>
struct truth_of<smt::SymW> {
    using type = smt::SymB;
};
template <>
struct word_of<smt::SymB> {
    using type = smt::SymW;
};
static_assert(Word<smt::SymW>);

}  // namespace vmref::impl::word
