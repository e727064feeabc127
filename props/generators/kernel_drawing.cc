#include "props/generators/kernel_drawing.h"

#include <algorithm>

namespace vmref::props {

std::uint32_t KernelDrawing::slots_used() const {
    std::uint32_t used = 0;
    for (std::uint32_t slot = 0; slot < kHoldSlots; ++slot) {
        used += model_.held(slot) ? 1 : 0;
    }
    return used;
}

bool KernelDrawing::held_for_writing() const {
    for (std::uint32_t slot = 0; slot < kHoldSlots; ++slot) {
        if (model_.held(slot).value_or(false)) {
            return true;
        }
    }
    return false;
}

std::uint32_t KernelDrawing::slot(bool used) {
    const std::uint32_t first = choices_.below(kHoldSlots);
    for (std::uint32_t n = 0; n < kHoldSlots; ++n) {
        const std::uint32_t candidate = (first + n) % kHoldSlots;
        if (model_.held(candidate).has_value() == used) {
            return candidate;
        }
    }
    return first;
}

DebugAccess KernelDrawing::debug(Pid target) {
    DebugAccess op{};
    op.call = choices_.chance(65) ? DebugCall::debug_write : DebugCall::debug_read;
    op.target = target;
    op.pid = choices_.chance(35) ? 0 : places_.process();
    op.size = choices_.pick<std::uint8_t>({{4, 70}, {1, 15}, {2, 15}});
    // What the process may only read is what a debugger's store is about.
    const bool store = op.call == DebugCall::debug_write;
    op.addr = places_.access(target, op.size, store && choices_.chance(30) ? kProtWrite : kProtRead);
    op.value = store ? choices_.word() : 0;
    return op;
}

KernelGet KernelDrawing::get(Pid pid) {
    KernelGet op{};
    op.pid = pid;
    op.slot = slot(false);
    op.write = choices_.chance(45);
    op.addr = places_.access(pid, 4, op.write ? kProtWrite : kProtRead);
    return op;
}

KernelPut KernelDrawing::put() {
    KernelPut op{};
    op.slot = slot(true);
    op.value = model_.held(op.slot).value_or(false) ? choices_.word() : 0;
    return op;
}

Operation KernelDrawing::around_held(bool room_for_process) {
    enum class Kind { store_beside, reclaim, write_out, store, fork, exit };
    const auto kind = choices_.pick<Kind>({{Kind::store_beside, 22},
                                           {Kind::reclaim, 20},
                                           {Kind::write_out, 12},
                                           {Kind::store, 22},
                                           {Kind::fork, 10},
                                           {Kind::exit, 14}});
    const model::HeldPlace held = model_.held_at(slot(true));
    const Pid other = places_.process();
    const bool there = std::ranges::binary_search(model_.processes(), held.pid);
    const Pid pid = there && !choices_.chance(20) ? held.pid : other;
    if (kind == Kind::exit && (other != held.pid || choices_.chance(10))) {
        return Exit{other};
    }
    if (kind == Kind::fork && room_for_process) {
        return Fork{pid, places_.unused_pid()};
    }
    const Va page = trunc_page(held.va);
    const Va beside = page ^ kPageSize;
    if (kind == Kind::write_out) {
        return WriteOut{pid, beside};
    }
    if (kind == Kind::reclaim) {
        return Reclaim{pid, beside};
    }
    const Va addr = kind == Kind::store ? page : beside;
    return Access{.pid = pid, .kind = AccessKind::store, .addr = addr, .size = 4, .value = choices_.word()};
}

KernelWire KernelDrawing::wire(Pid pid) {
    const AddressRange range = choices_.chance(30) ? places_.locked_range(pid) : places_.range(pid);
    return {pid, range.addr, range.length};
}

bool KernelDrawing::any_wired(Pid pid) const {
    const std::size_t count = model_.mapping_count(pid);
    for (std::size_t n = 0; n < count; ++n) {
        if (model_.mapping(pid, n).kernel_wirings != 0) {
            return true;
        }
    }
    return false;
}

KernelUnwire KernelDrawing::unwire(Pid pid) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    const std::uint32_t first = choices_.word();
    for (std::uint32_t n = 0; n < count && !choices_.chance(3); ++n) {
        const model::MappingView candidate = model_.mapping(pid, (first % count + n) % count);
        if (candidate.kernel_wirings != 0) {
            const std::uint32_t pages = choices_.chance(70) ? candidate.pages : choices_.between(1, candidate.pages);
            return {pid, candidate.start, pages << kPageShift};
        }
    }
    const AddressRange range = places_.range(pid);
    return {pid, range.addr, range.length};
}

NofaultAccess KernelDrawing::nofault(Pid pid) {
    NofaultAccess op{};
    op.call = choices_.chance(50) ? NofaultCall::store_nofault : NofaultCall::load_nofault;
    op.pid = pid;
    op.size = choices_.pick<std::uint8_t>({{4, 70}, {1, 15}, {2, 15}});
    const bool store = op.call == NofaultCall::store_nofault;
    op.addr = places_.access(pid, op.size, store ? kProtWrite : kProtRead);
    op.value = store ? choices_.word() : 0;
    return op;
}

MapDevice KernelDrawing::map_device(Pid pid, Prot prot) {
    const std::uint32_t pages = choices_.between(1, kUserDevicePages);
    MapDevice op{};
    op.pid = pid;
    op.device = static_cast<DeviceId>(choices_.between(1, kUserDevices));
    op.addr = places_.place(pid, pages) + (choices_.chance(2) ? choices_.below(kPageSize) : 0);
    op.length = (pages << kPageShift) - (choices_.chance(10) ? choices_.below(kPageSize) : 0);
    op.prot = prot;
    // Now and then beyond the end of the device.
    op.offset = choices_.below(kUserDevicePages - pages + (choices_.chance(90) ? 1 : 2)) << kPageShift;
    return op;
}

KernelAlloc KernelDrawing::kernel_alloc() {
    KernelAlloc op{};
    op.use = choices_.pick<KernelUse>({{KernelUse::pageable, 60}, {KernelUse::stack, 30}, {KernelUse::reserved, 10}});
    op.pages = choices_.between(op.use == KernelUse::stack && !choices_.chance(3) ? 2 : 1, 3);
    op.addr = kKernelMemory + (choices_.below(kKernelPages) << kPageShift);
    return op;
}

KernelAccess KernelDrawing::kernel_access(Va page) {
    KernelAccess op{};
    op.call = choices_.chance(50) ? KernelCall::kernel_store : KernelCall::kernel_load;
    op.size = choices_.pick<std::uint8_t>({{4, 70}, {1, 15}, {2, 15}});
    op.addr = page + (choices_.chance(70) ? 0 : choices_.below(kPageSize));
    op.value = op.call == KernelCall::kernel_store ? choices_.word() : 0;
    return op;
}

// Pages are drawn from the few that there are: what is paged out is soon asked for again.
Operation KernelDrawing::kernel_memory() {
    enum class Kind { alloc, free, access, debug, write_out, reclaim };
    const auto mapped = static_cast<std::uint32_t>(model_.mapping_count(0));
    auto kind = choices_.pick<Kind>({{Kind::alloc, 16},
                                     {Kind::free, 8},
                                     {Kind::access, 40},
                                     {Kind::debug, 10},
                                     {Kind::write_out, 13},
                                     {Kind::reclaim, 13}});
    kind = mapped == 0 && !choices_.chance(10) ? Kind::alloc : kind;
    if (kind == Kind::alloc) {
        return kernel_alloc();
    }
    Va page = kKernelMemory + (choices_.below(kKernelPages) << kPageShift);
    if (mapped != 0 && choices_.chance(85)) {
        const model::MappingView mapping = model_.mapping(0, choices_.below(mapped));
        page = mapping.start + (choices_.below(mapping.pages) << kPageShift);
        page = kind == Kind::free && choices_.chance(80) ? mapping.start : page;
    }
    switch (kind) {
        case Kind::free:
            return KernelFree{page};
        case Kind::debug: {
            const auto call = choices_.chance(50) ? DebugCall::debug_write : DebugCall::debug_read;
            const Pid pid = choices_.chance(50) ? 0 : places_.process();
            const Va addr = page + (choices_.chance(80) ? 0 : kPageSize - 2);
            return DebugAccess{call, pid, 0, addr, 4, call == DebugCall::debug_write ? choices_.word() : 0};
        }
        case Kind::write_out:
            return WriteOut{0, page, choices_.chance(20), choices_.chance(10)};
        case Kind::reclaim:
            return Reclaim{0, page};
        default:
            return kernel_access(page);
    }
}

LimitResident KernelDrawing::limit_resident(Pid pid) {
    return {pid, choices_.pick<std::uint32_t>({{choices_.below(4), 30}, {choices_.below(40), 40}, {0xFFFFFFFFU, 30}})};
}

// Mostly off again soon: who locks all he has leaves little to page out.
LockFuture KernelDrawing::lock_future(Pid pid) {
    return {pid, model_.locks_future(pid) ? choices_.chance(10) : choices_.chance(70)};
}

}  // namespace vmref::props
