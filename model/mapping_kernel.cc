// Kernel mappings without pv entries, and what the CPUs see.
#include <algorithm>
#include <cstring>

#include "model/mapping_state.h"

namespace vmref::model {

void Mappings::take(Step& step, const KernelEnter& op) {
    if (op.call == KernelEnterName::pmap_kenter) {
        kernel_enter(op.va, op.page);
        stale_.erase(op.va);
        return;
    }
    const bool temporary = op.call == KernelEnterName::pmap_kenter_temporary;
    const Va va = temporary ? kCrashRange.start + (op.va << kPageShift) : op.va;
    const bool was_mapped = kernel_leaf(va) != nullptr;
    kernel_enter(va, op.page);
    local(va, op.cpu, was_mapped);
    step.expected.address = temporary ? kCrashRange.start : 0;
}

void Mappings::take(Step& step, const KernelAddress& op) {
    switch (op.call) {
        case KernelAddressName::pmap_kenter_sync:
            stale_.erase(op.va);
            return;
        case KernelAddressName::pmap_kremove:
            kernel_remove(op.va);
            stale_.erase(op.va);
            return;
        case KernelAddressName::pmap_kremove_quick: {
            const bool was_mapped = kernel_leaf(op.va) != nullptr;
            kernel_remove(op.va);
            local(op.va, op.cpu, was_mapped);
            return;
        }
        case KernelAddressName::pmap_kenter_sync_quick:
        case KernelAddressName::pmap_kmodify_rw:
        case KernelAddressName::pmap_kmodify_nc:
            local(op.va, op.cpu, false);
            return;
        case KernelAddressName::pmap_kvtom:
            step.expected.value = kernel_leaf(op.va)->page + 1;
            return;
    }
}

void Mappings::take(Step& step, const KernelPages& op) {
    for (std::uint32_t n = 0; n < op.pages; ++n) {
        const Va va = op.va + (n << kPageShift);
        stale_.erase(va);
        if (op.call == KernelRangeName::pmap_qremove) {
            kernel_remove(va);
        } else {
            kernel_enter(va, op.page + n);
        }
    }
    step.expected.address = op.call == KernelRangeName::pmap_map ? op.va + (op.pages << kPageShift) : 0;
}

bool Mappings::device_range_free(Va start, std::uint32_t pages) const {
    const auto next = kernel_.lower_bound(start);
    return kDeviceRange.holds(start, pages) && (next == kernel_.end() || next->first >= start + (pages << kPageShift));
}

// The implementation chooses the place.
void Mappings::take(Step& step, const PmapMapdev& op) {
    const std::uint32_t offset = op.offset & kPageMask;
    const std::uint32_t pages = pages_in(offset + op.length);
    bool room = false;
    for (Va va = kDeviceRange.start; va < kDeviceRange.end && !room; va += kPageSize) {
        room = device_range_free(va, pages);
    }
    if (!room) {
        step.expected.status = Status::no_space;
        return;
    }
    const Va va = step.actual.address;
    step.expected.address = va;
    const bool legal = (va & kPageMask) == offset && device_range_free(trunc_page(va), pages);
    step.complain(legal, "the addresses given to a device are not free");
    if (legal) {
        devices_[va] = op.length;
        for (std::uint32_t n = 0; n < pages; ++n) {
            kernel_enter(trunc_page(va) + (n << kPageShift), kDevicePage + page_of(op.offset) + n);
        }
    }
}

void Mappings::take(Step& /*step*/, const PmapUnmapdev& op) {
    const std::uint32_t pages = pages_in((op.va & kPageMask) + devices_.at(op.va));
    for (std::uint32_t n = 0; n < pages; ++n) {
        kernel_remove(trunc_page(op.va) + (n << kPageShift));
    }
    devices_.erase(op.va);
}

void Mappings::take(Step& step, const PmapGrowkernel& op) {
    const Va end = (op.end + kBigPageSize) & ~(kBigPageSize - 1);
    const std::uint32_t needed = end > kernel_end_ ? (end - kernel_end_) >> 22 : 0;
    const std::uint32_t possible = std::min(needed, free_frames());
    step.expected.status = possible < needed ? Status::resource_shortage : Status::success;
    kernel_end_ += possible * kBigPageSize;
    step.expected.address = kernel_end_;
}

void Mappings::take(Step& step, const PmapAddrHint& op) {
    const bool aligned = op.device && op.pages >= kDevicePages;
    step.expected.address = aligned ? (op.va + kBigPageSize - 1) & ~(kBigPageSize - 1) : op.va;
}

void Mappings::take(Step& /*step*/, const EvictTlb& /*op*/) {}

// --- accesses --------------------------------------------------------------------------------------------------------

Mappings::Met Mappings::meet(const HardwareAccess& op, Va va) {
    const bool store = op.kind == AccessKind::store;
    if (va >= kUserEnd) {
        if (!op.supervisor) {
            return {.status = Status::protection_failure};
        }
        if (const KernelLeaf* const kernel = kernel_leaf(va)) {
            return {.page = kernel->page};
        }
    }
    const PmapNumber pmap = va < kUserEnd ? running_[op.cpu] : kKernelPmap;
    Space& space = *spaces_[pmap];
    if (const auto big = space.bigs.find(va >> 22); pmap != kKernelPmap && big != space.bigs.end()) {
        const bool allowed = !store || big->second.writable;
        return {.status = allowed ? Status::success : Status::protection_failure,
                .page = kDevicePage + (page_of(va) & 1023U),
                .big = &big->second};
    }
    Leaf* const leaf = find(pmap, va);
    if (leaf == nullptr || (pmap == kKernelPmap && va < kUserEnd)) {
        return {.status = Status::invalid_address};
    }
    return {.status = !store || leaf->writable ? Status::success : Status::protection_failure,
            .page = leaf->page,
            .leaf = leaf};
}

void Mappings::take(Step& step, const HardwareAccess& op) {
    const Va last = op.va + op.size - 1;
    const bool crossing = trunc_page(last) != trunc_page(op.va);
    const Met first = meet(op, op.va);
    const Met second = crossing ? meet(op, last) : Met{};
    const Met* const refused = first.status != Status::success ? &first : &second;
    if (refused->status != Status::success) {
        step.expected.status = refused->status;
        step.expected.address = refused == &first ? op.va : trunc_page(last);
        // Whether the kernel has something there is nobody's business.
        if (!op.supervisor && step.expected.address >= kUserEnd && step.actual.status == Status::invalid_address) {
            step.expected.status = Status::invalid_address;
        }
        use(first, op.va, first.status == Status::success, op.kind == AccessKind::store);
        return;
    }
    use(first, op.va, true, op.kind == AccessKind::store);
    use(second, last, crossing, op.kind == AccessKind::store);
    for (std::uint32_t n = 0; n < op.size; ++n) {
        const Va va = op.va + n;
        std::uint8_t& byte = bytes(trunc_page(va) == trunc_page(op.va) ? first.page : second.page)[va & kPageMask];
        if (op.kind == AccessKind::store) {
            byte = static_cast<std::uint8_t>(op.value >> (8 * n));
        } else {
            step.expected.value |= std::uint32_t{byte} << (8 * n);
        }
    }
}

void Mappings::use(const Met& met, Va va, bool used, bool stored) {
    if (!used) {
        return;
    }
    if (met.big != nullptr) {
        met.big->stored = met.big->stored || stored;
    } else if (met.leaf != nullptr) {
        met.leaf->used = met.leaf->used || !met.leaf->vague;
        met.leaf->stored = met.leaf->stored || stored;
        if (PageState* const page = find_page(met.page); page != nullptr && stored) {
            page->written = page->written || !is_untracked(va);
        }
    }
}

}  // namespace vmref::model
