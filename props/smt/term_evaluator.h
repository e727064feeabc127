// Runs Z3 terms on words, many times and fast: how the terms that the proofs are about are compared with the compiled
// functions.
#pragma once

#include <z3++.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace vmref::smt {

// Of the operations that symbolic.h builds; anything else is refused.
class TermEvaluator {
  public:
    // The n-th value given to `run` is that of the n-th input. A truth value is 0 or 1.
    explicit TermEvaluator(const std::vector<z3::expr>& inputs);

    // Returns the position of the term's value in what `run` returns. Errors: std::invalid_argument.
    std::size_t add(const z3::expr& term);
    // Of all terms added, and of their parts.
    const std::vector<std::uint32_t>& run(const std::vector<std::uint32_t>& inputs);

  private:
    enum class Op : std::uint8_t {
        input,
        constant,
        bv_not,
        bv_and,
        bv_or,
        bv_xor,
        add,
        sub,
        less,
        at_most,
        equal,
        select,
        no,
        both,
        either
    };
    struct Node {
        Op op;
        std::vector<std::size_t> arguments;
        std::uint32_t number = 0;  // of a constant; which input
    };
    static Op op_of(Z3_decl_kind kind);
    std::uint32_t evaluate(const Node& node, const std::vector<std::uint32_t>& inputs) const;
    std::uint32_t folded(const Node& node) const;

    std::vector<Node> nodes_;  // arguments first
    std::vector<std::uint32_t> values_;
    std::unordered_map<unsigned, std::size_t> known_;  // by the number of the AST
    std::vector<z3::expr> kept_;                       // so that numbers are not used again
};

}  // namespace vmref::smt
