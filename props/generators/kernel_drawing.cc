#include "props/generators/kernel_drawing.h"

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
    op.write = choices_.chance(55);
    op.addr = places_.access(pid, 4, op.write ? kProtWrite : kProtRead);
    return op;
}

KernelPut KernelDrawing::put() {
    KernelPut op{};
    op.slot = slot(true);
    op.value = model_.held(op.slot).value_or(false) ? choices_.word() : 0;
    return op;
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

}  // namespace vmref::props
