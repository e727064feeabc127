#include "props/smt/term_evaluator.h"

#include <stdexcept>
#include <string>

namespace vmref::smt {

TermEvaluator::TermEvaluator(const std::vector<z3::expr>& inputs) {
    for (std::size_t n = 0; n < inputs.size(); ++n) {
        known_[inputs[n].id()] = nodes_.size();
        kept_.push_back(inputs[n]);
        nodes_.push_back({Op::input, {}, static_cast<std::uint32_t>(n)});
    }
}

TermEvaluator::Op TermEvaluator::op_of(Z3_decl_kind kind) {
    switch (kind) {
        case Z3_OP_BNOT:
            return Op::bv_not;
        case Z3_OP_BAND:
            return Op::bv_and;
        case Z3_OP_BOR:
            return Op::bv_or;
        case Z3_OP_BXOR:
            return Op::bv_xor;
        case Z3_OP_BADD:
            return Op::add;
        case Z3_OP_BSUB:
            return Op::sub;
        case Z3_OP_ULT:
            return Op::less;
        case Z3_OP_ULEQ:
            return Op::at_most;
        case Z3_OP_EQ:
            return Op::equal;
        case Z3_OP_ITE:
            return Op::select;
        case Z3_OP_NOT:
            return Op::no;
        case Z3_OP_AND:
            return Op::both;
        case Z3_OP_OR:
            return Op::either;
        default:
            throw std::invalid_argument("an operation that no rule uses: " + std::to_string(kind));
    }
}

std::size_t TermEvaluator::add(const z3::expr& term) {
    const auto found = known_.find(term.id());
    if (found != known_.end()) {
        return found->second;
    }
    Node node{Op::constant, {}, 0};
    if (term.is_numeral()) {
        node.number = static_cast<std::uint32_t>(term.get_numeral_uint64());
    } else if (term.is_true() || term.is_false()) {
        node.number = term.is_true() ? 1 : 0;
    } else {
        node.op = op_of(term.decl().decl_kind());
        for (unsigned n = 0; n < term.num_args(); ++n) {
            node.arguments.push_back(add(term.arg(n)));
        }
    }
    nodes_.push_back(node);
    kept_.push_back(term);
    known_[term.id()] = nodes_.size() - 1;
    return nodes_.size() - 1;
}

// Of operations that take any number of arguments.
std::uint32_t TermEvaluator::folded(const Node& node) const {
    std::uint32_t result = values_[node.arguments[0]];
    for (std::size_t n = 1; n < node.arguments.size(); ++n) {
        const std::uint32_t next = values_[node.arguments[n]];
        switch (node.op) {
            case Op::bv_and:
            case Op::both:
                result &= next;
                break;
            case Op::bv_or:
            case Op::either:
                result |= next;
                break;
            case Op::bv_xor:
                result ^= next;
                break;
            default:
                result += next;
                break;
        }
    }
    return result;
}

std::uint32_t TermEvaluator::evaluate(const Node& node, const std::vector<std::uint32_t>& inputs) const {
    const auto argument = [&](std::size_t n) { return values_[node.arguments[n]]; };
    switch (node.op) {
        case Op::input:
            return inputs[node.number];
        case Op::constant:
            return node.number;
        case Op::bv_not:
            return ~argument(0);
        case Op::no:
            return argument(0) ^ 1U;
        case Op::sub:
            return argument(0) - argument(1);
        case Op::less:
            return argument(0) < argument(1) ? 1 : 0;
        case Op::at_most:
            return argument(0) <= argument(1) ? 1 : 0;
        case Op::equal:
            return argument(0) == argument(1) ? 1 : 0;
        case Op::select:
            return argument(0) != 0 ? argument(1) : argument(2);
        case Op::bv_and:
        case Op::bv_or:
        case Op::bv_xor:
        case Op::add:
        case Op::both:
        case Op::either:
            break;
    }
    return folded(node);
}

const std::vector<std::uint32_t>& TermEvaluator::run(const std::vector<std::uint32_t>& inputs) {
    values_.resize(nodes_.size());
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        values_[n] = evaluate(nodes_[n], inputs);
    }
    return values_;
}

}  // namespace vmref::smt
