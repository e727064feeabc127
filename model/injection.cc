// Stand-ins: what they allow to happen, and what runs beside another operation.
#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "model/world.h"

namespace vmref::model {

namespace {

bool inside_one_page(const Access& op) {
    return page_of(op.addr) == page_of(op.addr + op.size - 1U);
}

// Whether the page of an access lies past the end of its file, or its pager could not read it.
bool is_refused(World& world, const Operation& operation, const Witness& witness) {
    const Access* const access = std::get_if<Access>(&operation);
    const Range* const range = access == nullptr ? nullptr : world.find(access->pid)->space.at(page_of(access->addr));
    if (range == nullptr) {
        return false;
    }
    const bool failed = std::ranges::any_of(witness.failed, [access](const FailedRead& read) {
        return read.pid == access->pid && read.va == trunc_page(access->addr);
    });
    return failed || range->container->refused(range->cell(page_of(access->addr)));
}

bool was_refused(const Observation& actual) {
    return actual.signal == Signal::bus || actual.status == Status::invalid_address;
}

// What was kept back joins the outcome of the operation that it ran beside.
void take_beside(World& world, const Operation& kept, const Hooked& actual, Outcome& outcome) {
    Outcome beside = take_alone(world, kept, actual.seen);
    outcome.expected.hooked.push_back({actual.time, std::move(beside.expected)});
    outcome.illegal = outcome.illegal.empty() ? beside.illegal : outcome.illegal;
}

}  // namespace

const FailedRead* failed_read(const Step& step, Pid pid, Va va) {
    const auto found = std::ranges::find_if(step.actual.witness.failed, [&](const FailedRead& read) {
        return read.pid == pid && read.va == trunc_page(va);
    });
    return found == step.actual.witness.failed.end() ? nullptr : &*found;
}

void judge_failed_reads(Step& step) {
    for (const FailedRead& read : step.actual.witness.failed) {
        std::uint32_t& planned = read.bad ? step.world.planned_bad : step.world.planned_errors;
        if (planned != 0) {
            --planned;
        } else if (step.world.config.io_errors == 0 || read.bad) {
            step.complain("a read of page " + hex(read.va) + " of process " + std::to_string(read.pid) +
                          " failed, but no such failure was planned");
        }
    }
}

void take_early_copies(Step& step) {
    for (const EarlyCopy& copy : step.actual.witness.copied) {
        const Process* const process = step.world.find(copy.pid);
        const Range* const range = process != nullptr ? process->space.at(page_of(copy.va)) : nullptr;
        const auto& hooked = step.actual.hooked;
        if (range == nullptr && !hooked.empty() && hooked.front().time == HookTime::during) {
            continue;  // what ran beside has unmapped it since
        }
        if (range == nullptr || range->container->base().get() == range->container.get()) {
            step.complain("page " + hex(copy.va) + " of process " + std::to_string(copy.pid) +
                          " was copied, but is of no private mapping");
            return;
        }
        range->container->settle(range->cell(page_of(copy.va)), 1);
    }
}

void run(Step& step, const PlanIo& op) {
    if (op.call == IoCall::get) {
        step.world.planned_errors += op.answer == IoAnswer::error ? 1 : 0;
        step.world.planned_bad += op.answer == IoAnswer::bad ? 1 : 0;
    }
}

void run(Step& step, const Hook& /*op*/) {
    step.world.keeps_next_back = true;
}

std::optional<std::string> reason_not_to_keep_back(const Operation& operation) {
    const bool fits = visit_operation<WorldName::system>(
        []<typename Op>(const Op& op) {
            if constexpr (std::is_same_v<Op, Access>) {
                return inside_one_page(op);
            } else if constexpr (std::is_same_v<Op, Madvise>) {
                return op.advice == Advice::normal || op.advice == Advice::random || op.advice == Advice::sequential;
            } else {
                return std::is_same_v<Op, Mprotect> || std::is_same_v<Op, Munmap> || std::is_same_v<Op, MapDevice> ||
                       std::is_same_v<Op, Minherit>;
            }
        },
        operation);
    return fits ? std::nullopt
                : std::optional<std::string>(
                      "a hook keeps back only mprotect, munmap, map_device, minherit, madvise normal, random or "
                      "sequential, and "
                      "accesses inside one page");
}

bool lets_others_run(const Operation& operation) {
    const Access* const access = std::get_if<Access>(&operation);
    return std::holds_alternative<Msync>(operation) || (access != nullptr && inside_one_page(*access));
}

Outcome take_step(World& world, const Operation& operation, const Observation& actual) {
    if (world.keeps_next_back) {
        world.keeps_next_back = false;
        world.kept = operation;
        return {};
    }
    const std::optional<Operation> kept = std::exchange(world.kept, std::nullopt);
    if (!kept) {
        return take_alone(world, operation, actual);
    }
    if (actual.hooked.size() != 1) {
        return {.expected = {}, .illegal = "what a hook kept back has run neither beside this operation nor after it"};
    }
    const Hooked& hooked = actual.hooked.front();
    if (hooked.time == HookTime::during && is_refused(world, operation, actual.witness) && was_refused(actual)) {
        // The fault had looked the map up before, and its pager gave nothing: nobody asks the map again then.
        Outcome outcome = take_alone(world, operation, actual);
        take_beside(world, *kept, hooked, outcome);
        return outcome;
    }
    if (hooked.time == HookTime::during) {
        Outcome first;
        take_beside(world, *kept, hooked, first);
        Outcome outcome = take_alone(world, operation, actual);
        outcome.expected.hooked = std::move(first.expected.hooked);
        outcome.illegal = !lets_others_run(operation) ? "nothing may run beside this operation"
                          : first.illegal.empty()     ? outcome.illegal
                                                      : first.illegal;
        return outcome;
    }
    Outcome outcome = take_alone(world, operation, actual);
    const bool possible = !reason_to_refuse(world, *kept);
    if (possible != (hooked.time == HookTime::after)) {
        outcome.illegal = possible ? "what a hook kept back has not run" : "what a hook kept back cannot run any more";
    } else if (possible) {
        take_beside(world, *kept, hooked, outcome);
    } else {
        outcome.expected.hooked.push_back({HookTime::never, {}});
    }
    return outcome;
}

}  // namespace vmref::model
