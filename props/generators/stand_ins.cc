#include "props/generators/stand_ins.h"

#include <algorithm>

namespace vmref::props {

namespace {

// Where the operation works.
struct Target {
    Pid pid = 0;
    AddressRange range{0, kPageSize};
};

Target target_of(const Operation& operation) {
    return std::visit(
        []<typename Op>(const Op& op) -> Target {
            if constexpr (requires {
                              op.pid;
                              op.addr;
                              op.length;
                          }) {
                return {op.pid, {op.addr, op.length}};
            } else if constexpr (requires {
                                     op.pid;
                                     op.addr;
                                 }) {
                return {op.pid, {op.addr, kPageSize}};
            }
            return {};
        },
        operation);
}

Access access_in_page(Choices& choices, Pid pid, Va page, std::uint32_t stores_percent = 45) {
    const bool stores = choices.chance(stores_percent);
    Access op{.pid = pid,
              .kind = stores ? AccessKind::store : AccessKind::load,
              .addr = trunc_page(page) + 4 * choices.below(4),
              .size = 4};
    op.kernel = choices.chance(4);
    op.value = stores ? choices.word() : 0;
    return op;
}

Prot some_protection(Choices& choices) {
    return choices.pick<Prot>({{kProtRead, 60}, {kProtNone, 20}, {kProtRead | kProtWrite, 20}});
}

PlanIo plan_io(Choices& choices) {
    PlanIo op{.call = choices.chance(30) ? IoCall::put : IoCall::get, .ordinal = choices.between(1, 3), .answer = {}};
    if (op.call == IoCall::put) {
        op.answer = choices.pick<IoAnswer>(
            {{IoAnswer::error, 40}, {IoAnswer::pend, 35}, {IoAnswer::pend_error, 20}, {IoAnswer::again, 5}});
        return op;
    }
    op.answer = choices.pick<IoAnswer>({{IoAnswer::error, 22},
                                        {IoAnswer::bad, 6},
                                        {IoAnswer::again, 15},
                                        {IoAnswer::pend, 15},
                                        {IoAnswer::pend_error, 8},
                                        {IoAnswer::replaced, 12},
                                        {IoAnswer::taken, 10},
                                        {IoAnswer::lost, 8},
                                        {IoAnswer::ok, 4}});
    if (choices.chance(15)) {
        op.ahead = choices.below(3);
    }
    return op;
}

}  // namespace

Operation stand_in(Pid pid, Choices& choices, Places& places) {
    enum class Kind { write_out, finish_io, reclaim, busy_page, plan_io, plan_shortage, hook };
    const auto kind = choices.pick<Kind>({{Kind::write_out, 7},
                                          {Kind::finish_io, 3},
                                          {Kind::reclaim, 9},
                                          {Kind::busy_page, 3},
                                          {Kind::plan_io, 4},
                                          {Kind::plan_shortage, 3},
                                          {Kind::hook, 5}});
    const auto page = [&] { return trunc_page(places.access(pid, 1, kProtRead)); };
    switch (kind) {
        case Kind::write_out:
            return WriteOut{pid, page(), choices.chance(50), choices.chance(12)};
        case Kind::finish_io:
            return FinishIo{};
        case Kind::reclaim:
            return Reclaim{pid, page()};
        case Kind::busy_page:
            return BusyPage{pid, page(), choices.between(1, 3)};
        case Kind::plan_io:
            return plan_io(choices);
        case Kind::plan_shortage:
            return PlanShortage{choices.pick<Scarce>({{Scarce::page, 50}, {Scarce::page_table, 20}, {Scarce::pv, 30}}),
                                choices.between(1, 4)};
        default:
            return Hook{};
    }
}

Operation kept_operation(Choices& choices, Places& places) {
    enum class Kind { mprotect, access, munmap, map_device, minherit, madvise };
    const auto kind = choices.pick<Kind>({{Kind::mprotect, 38},
                                          {Kind::access, 22},
                                          {Kind::munmap, 20},
                                          {Kind::map_device, 6},
                                          {Kind::minherit, 5},
                                          {Kind::madvise, 9}});
    const Pid pid = places.process();
    // A fault on a locked page asks for more than its access needs (B-10).
    if (kind == Kind::mprotect && choices.chance(70)) {
        if (const auto locked = places.locked_file()) {
            return Mprotect{locked->pid, locked->mapping.start, locked->mapping.pages << kPageShift, kProtRead};
        }
    }
    // A fault that goes down to a file asks two pagers (B-33).
    if (kind == Kind::munmap && choices.chance(60)) {
        if (const auto inherited = places.inherited_file(pid)) {
            return Munmap{pid, inherited->start, inherited->pages << kPageShift};
        }
    }
    if (kind == Kind::access) {
        return access_in_page(choices, pid, places.access(pid, 1, kProtRead));
    }
    const AddressRange range = places.range(pid);
    switch (kind) {
        case Kind::mprotect:
            return Mprotect{pid, range.addr, range.length, some_protection(choices)};
        case Kind::munmap:
            return Munmap{pid, range.addr, range.length};
        case Kind::map_device:
            return MapDevice{pid, static_cast<DeviceId>(choices.between(1, kUserDevices)), trunc_page(range.addr),
                             kPageSize * choices.between(1, kUserDevicePages), kProtRead | kProtWrite};
        case Kind::minherit:
            return Minherit{pid, range.addr, range.length, Inherit::share};
        default:
            return Madvise{
                pid, range.addr, range.length,
                choices.pick<Advice>({{Advice::random, 50}, {Advice::sequential, 25}, {Advice::normal, 25}})};
    }
}

Operation operation_beside(const Operation& kept, Choices& choices, Places& places) {
    const Target target = target_of(kept);
    if (choices.chance(15)) {
        return Msync{target.pid, target.range.addr, std::max(target.range.length, kPageSize), choices.chance(50)};
    }
    const Pid pid = choices.chance(80) ? target.pid : places.process();
    const std::uint32_t pages = std::clamp(page_of(target.range.length), 1U, 16U);
    const Va near = target.range.addr + (choices.below(pages) << kPageShift);
    const bool may_store = !std::holds_alternative<Mprotect>(kept);
    return access_in_page(choices, pid, choices.chance(75) ? near : places.access(pid, 1, kProtRead),
                          may_store ? 45 : 30);
}

}  // namespace vmref::props
