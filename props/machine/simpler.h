// How operations of the machine world are made simpler when a run is shrunk.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "ops/operation.h"

namespace vmref::props {

// `simpler.add(change)` proposes the operation of type Op with a change.
template <typename Op, typename Simpler>
void simplify_machine(Simpler& simpler) {
    if constexpr (requires { &Op::cpu; }) {
        simpler.add([](Op& op) { op.cpu = 0; });
    }
    if constexpr (std::is_same_v<Op, SetWord>) {
        for (std::uint32_t bit = 1; bit < kPageSize; bit <<= 1) {
            simpler.add([bit](Op& op) { op.value &= ~bit; });
        }
    } else if constexpr (std::is_same_v<Op, Probe>) {
        simpler.add([](Op& op) { op.user = false; });
        simpler.add([](Op& op) { op.value = op.kind == AccessKind::store ? 2 : 0; });
        simpler.add([](Op& op) { op.va = trunc_page(op.va) | (op.kind == AccessKind::store ? 8 : 0); });
    } else if constexpr (std::is_same_v<Op, LoadCr3>) {
        simpler.add([](Op& op) { op.directory = 0; });
    } else if constexpr (requires { &Op::va; }) {
        simpler.add([](Op& op) { op.va = trunc_page(op.va); });
    }
}

// Every image of tables said in words instead: those that later accesses go through.
std::vector<std::vector<Operation>> with_words_for_tables(const std::vector<Operation>& operations);

}  // namespace vmref::props
