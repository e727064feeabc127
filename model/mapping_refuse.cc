// What cannot be asked of a state of the pmap world. Each reason is one line.
#include <algorithm>
#include <type_traits>

#include "model/mapping.h"
#include "model/world.h"

namespace vmref::model {

namespace {

using Reason = std::optional<std::string>;

Reason unless(bool good, const char* problem) {
    return good ? std::nullopt : Reason(problem);
}
Reason unless(bool good, const char* thing, std::uint64_t value, const char* problem) {
    if (good) {
        return std::nullopt;
    }
    std::string text = thing;
    return text.append(" ").append(std::to_string(value)).append(" ").append(problem);
}
Reason unless_at(bool good, Va va, const char* problem) {
    return good ? std::nullopt : Reason("address " + hex(va) + " " + problem);
}

// The first reason there is.
template <typename... More>
Reason first_of(Reason first, More... more) {
    if constexpr (sizeof...(more) == 0) {
        return first;
    } else {
        return first ? first : first_of(std::move(more)...);
    }
}

constexpr Va kRangeEnd = kUserEnd;

}  // namespace

struct Refusal {
    const Mappings& model;

    Reason cpu(CpuId cpu) const { return unless(cpu < model.config().cpus, "cpu", cpu, "does not exist"); }
    Reason pmap(PmapNumber pmap) const { return unless(model.space(pmap) != nullptr, "pmap", pmap, "does not exist"); }
    Reason user_pmap(PmapNumber pmap) const {
        return first_of(unless(pmap != kKernelPmap, "pmap 0 is the kernel's"), this->pmap(pmap));
    }
    Reason page(PageNumber page) const { return unless(model.page(page) != nullptr, "page", page, "does not exist"); }
    Reason page_or_device(PageNumber page) const { return is_device(page) ? std::nullopt : this->page(page); }
    Reason managed(PageNumber page) const {
        const PageState* const state = model.page(page);
        return first_of(this->page(page), unless(state == nullptr || state->managed, "page", page, "is not managed"));
    }
    // Where a pmap may map something.
    Reason address(PmapNumber pmap, Va va) const {
        const bool good = pmap == kKernelPmap ? kEnterRange.holds(va) : va < kUserEnd;
        return first_of(this->pmap(pmap), unless_at(good, va, "is none that this pmap maps"));
    }
    Reason range(PmapNumber pmap, Va va, std::uint32_t pages) const {
        const KernelRange range = pmap == kKernelPmap ? kEnterRange : KernelRange{0, kRangeEnd};
        return first_of(this->pmap(pmap), unless_at((va & kPageMask) == 0, va, "is not page aligned"),
                        unless_at(range.holds(va, pages), va, "begins a range that this pmap does not map"));
    }
    Reason wired_page(PageNumber page) const {
        const PageState* const state = model.page(page);
        return unless(state != nullptr && state->wirings > 0, "page", page, "is not wired");
    }
    // Kernel addresses without pv entries.
    Reason kernel_range(Va va, std::uint32_t pages) const {
        const KernelRange grown{kKernelFirstEnd, model.kernel_end()};
        return first_of(unless_at((va & kPageMask) == 0, va, "is not page aligned"),
                        unless_at(kUnmanagedRange.holds(va, pages) || grown.holds(va, pages), va,
                                  "begins no range of unmanaged kernel mappings"));
    }
    Reason mapped(Va va) const { return unless_at(model.kernel_leaf(va) != nullptr, va, "is not mapped"); }
    Reason runs_on(PmapNumber pmap, CpuId cpu) const {
        return first_of(this->cpu(cpu), unless(cpu < model.config().cpus && model.running(cpu) == pmap, "pmap", pmap,
                                               "does not run on that cpu"));
    }
    std::uint32_t cpus_running(PmapNumber pmap) const {
        std::uint32_t count = 0;
        for (CpuId cpu = 0; cpu < model.config().cpus; ++cpu) {
            count += model.running(cpu) == pmap ? 1 : 0;
        }
        return count;
    }

    Reason reason(const PageCall& op) const;
    Reason reason(const PmapZeroPageArea& op) const {
        return first_of(page(op.page), unless(op.offset <= kPageSize && op.length <= kPageSize - op.offset,
                                              "the range leaves its page"));
    }
    Reason reason(const PmapCopyPage& op) const {
        const std::uint32_t farthest = std::max(op.from_offset, op.to_offset);
        return first_of(page(op.from), page(op.to),
                        unless(farthest <= kPageSize && op.length <= kPageSize - farthest, "a range leaves its page"));
    }
    Reason reason(const PmapPageProtect& op) const { return managed(op.page); }
    Reason reason(const PmapCall& op) const;
    Reason reason(const PmapSwitch& op) const;
    Reason reason(const PmapEnter& op) const;
    Reason reason(const PmapEnterQuick& op) const {
        return first_of(user_pmap(op.pmap), address(op.pmap, op.va), page_or_device(op.page), runs_on(op.pmap, op.cpu),
                        unless_at(model.big(op.pmap, op.va) == nullptr, op.va, "lies in a 4 MiB mapping"));
    }
    Reason reason(const PmapObjectInitPt& op) const;
    Reason reason(const PmapInstall4m& op) const;
    Reason reason(const PmapRange& op) const {
        const bool kernel_may = op.call == RangeCallName::pmap_remove;
        return first_of(kernel_may ? pmap(op.pmap) : user_pmap(op.pmap), range(op.pmap, op.va, op.pages));
    }
    Reason reason(const PmapProtect& op) const { return range(op.pmap, op.va, op.pages); }
    Reason reason(const PmapAddress& op) const;
    Reason reason(const PmapPair& op) const { return first_of(pmap(op.pmap), managed(op.page)); }
    Reason reason(const PmapCollect& /*op*/) const { return std::nullopt; }
    Reason reason(const KernelEnter& op) const {
        const bool temporary = op.call == KernelEnterName::pmap_kenter_temporary;
        return first_of(page_or_device(op.page),
                        temporary ? unless(op.va < 16, "the crash dump map has 16 pages") : kernel_range(op.va, 1));
    }
    Reason reason(const KernelAddress& op) const;
    Reason reason(const KernelPages& op) const;
    Reason reason(const PmapMapdev& op) const {
        constexpr std::uint32_t size = kDevicePages * kPageSize;
        return unless(op.length > 0 && op.offset < size && op.length <= size - op.offset,
                      "the device ends before that");
    }
    Reason reason(const PmapUnmapdev& op) const {
        return unless_at(model.devices().contains(op.va), op.va, "was not given by pmap_mapdev");
    }
    Reason reason(const PmapGrowkernel& op) const {
        return unless_at(op.end >= kKernelStart && op.end < kKernelLastEnd, op.end, "is no end of the kernel");
    }
    Reason reason(const PmapAddrHint& op) const { return unless_at(op.va < kUserEnd, op.va, "is no user address"); }
    Reason reason(const HardwareAccess& op) const;
    Reason reason(const EvictTlb& /*op*/) const { return std::nullopt; }
    Reason kernel_access(const HardwareAccess& op, Va va) const;
};

Reason Refusal::reason(const PageCall& op) const {
    const PageState* const state = model.page(op.page);
    switch (op.call) {
        case PageCallName::page_alloc:
        case PageCallName::page_alloc_unmanaged:
            return first_of(unless(op.page < kMaxDataPages, "page", op.page, "cannot be made: numbers end at 4095"),
                            unless(state == nullptr, "page", op.page, "exists already"));
        case PageCallName::page_free: {
            const Reason missing = page(op.page);
            return missing ? missing
                           : first_of(unless(state->wirings == 0, "page", op.page, "is wired"),
                                      unless(state->kernel_places == 0, "page", op.page, "is mapped by the kernel"),
                                      unless(state->managed || state->places.empty(), "page", op.page,
                                             "is unmanaged and mapped"));
        }
        case PageCallName::page_wire:
        case PageCallName::pmap_zero_page:
        case PageCallName::pmap_page_assertzero:
            return page(op.page);
        case PageCallName::page_unwire: {
            const Reason missing = first_of(page(op.page), wired_page(op.page));
            const auto wired = [this](const PageState::Place& place) {
                return model.leaf(place.pmap, place.va)->wired;
            };
            return missing
                       ? missing
                       : unless(state->wirings > 1 || std::none_of(state->places.begin(), state->places.end(), wired),
                                "page", op.page, "has a wired mapping");
        }
        default:
            return managed(op.page);
    }
}

Reason Refusal::reason(const PmapCall& op) const {
    switch (op.call) {
        case PmapCallName::pmap_pinit:
            return first_of(unless(op.pmap != kKernelPmap && op.pmap < kMaxPmaps, "pmap", op.pmap,
                                   "cannot be made: numbers are 1 to 63"),
                            unless(model.space(op.pmap) == nullptr, "pmap", op.pmap, "exists already"));
        case PmapCallName::pmap_release:
            return first_of(user_pmap(op.pmap), unless(cpus_running(op.pmap) == 0, "pmap", op.pmap, "runs on a cpu"),
                            unless(model.space(op.pmap) == nullptr || model.space(op.pmap)->references == 1, "pmap",
                                   op.pmap, "has more references"));
        case PmapCallName::pmap_puninit:
            return unless(op.pmap == 0, "pmap_puninit names no pmap");
        case PmapCallName::pmap_reference:
            return user_pmap(op.pmap);
        case PmapCallName::pmap_destroy:
            return first_of(user_pmap(op.pmap),
                            unless(model.space(op.pmap) == nullptr || model.space(op.pmap)->references > 1, "pmap",
                                   op.pmap, "has one reference left"));
    }
    return std::nullopt;
}

Reason Refusal::reason(const PmapSwitch& op) const {
    const Reason missing = first_of(cpu(op.cpu), pmap(op.pmap));
    if (missing || op.call == SwitchCallName::pmap_setlwpvm) {
        return missing;
    }
    const PmapNumber now = model.running(op.cpu);
    return unless(now == kKernelPmap || cpus_running(now) == 1, "pmap", now, "runs on another cpu too");
}

Reason Refusal::reason(const PmapEnter& op) const {
    return first_of(address(op.pmap, op.va), page_or_device(op.page),
                    unless(op.prot != kProtNone && op.prot <= kProtAll, "a mapping has some right"),
                    op.wired ? wired_page(op.page) : std::nullopt);
}

Reason Refusal::reason(const PmapObjectInitPt& op) const {
    const Reason bad = first_of(user_pmap(op.pmap), range(op.pmap, op.va, op.pages), runs_on(op.pmap, op.cpu),
                                unless(op.page < kMaxDataPages && op.pages <= kMaxDataPages - op.page, "page", op.page,
                                       "begins a range that ends behind page 4095"));
    if (bad || op.pages == 0) {
        return bad;
    }
    const auto& bigs = model.space(op.pmap)->bigs;
    const auto big = bigs.lower_bound(op.va >> 22);
    const Va last = op.va + ((op.pages - 1) << kPageShift);
    return unless_at(big == bigs.end() || big->first > last >> 22, op.va, "begins a range with a 4 MiB mapping");
}

Reason Refusal::reason(const PmapInstall4m& op) const {
    const Reason bad = first_of(user_pmap(op.pmap), address(op.pmap, op.va),
                                unless_at(op.va % kBigPageSize == 0, op.va, "is not a multiple of 4 MiB"));
    return bad ? bad
               : unless_at(!model.space(op.pmap)->tables.contains(op.va >> 22) &&
                               !model.space(op.pmap)->bigs.contains(op.va >> 22),
                           op.va, "begins 4 MiB in which something is mapped");
}

Reason Refusal::reason(const PmapAddress& op) const {
    const bool kernel_may = op.call != AddressCallName::pmap_prefault_ok && op.call != AddressCallName::pmap_mincore;
    if (op.call == AddressCallName::pmap_extract && op.pmap == kKernelPmap && kUnmanagedRange.holds(op.va)) {
        return std::nullopt;
    }
    const Reason bad = first_of(kernel_may ? pmap(op.pmap) : user_pmap(op.pmap), address(op.pmap, op.va));
    if (bad || op.call == AddressCallName::pmap_extract || op.call == AddressCallName::pmap_prefault_ok ||
        op.call == AddressCallName::pmap_mincore) {
        return bad;
    }
    const Leaf* const leaf = model.leaf(op.pmap, op.va);
    return first_of(unless_at(model.big(op.pmap, op.va) == nullptr, op.va, "lies in a 4 MiB mapping"),
                    op.call == AddressCallName::pmap_wire && leaf != nullptr ? wired_page(leaf->page) : std::nullopt);
}

Reason Refusal::reason(const KernelAddress& op) const {
    switch (op.call) {
        case KernelAddressName::pmap_kmodify_rw:
        case KernelAddressName::pmap_kmodify_nc:
        case KernelAddressName::pmap_kvtom:
            return first_of(kernel_range(op.va, 1), mapped(op.va));
        case KernelAddressName::pmap_kenter_sync:
        case KernelAddressName::pmap_kenter_sync_quick:
            return kCrashRange.holds(op.va) && (op.va & kPageMask) == 0 ? std::nullopt : kernel_range(op.va, 1);
        default:
            return kernel_range(op.va, 1);
    }
}

Reason Refusal::reason(const KernelPages& op) const {
    Reason bad = kernel_range(op.va, op.pages);
    if (op.call == KernelRangeName::pmap_qremove) {
        return first_of(bad, unless(op.page == 0, "pmap_qremove names no page"));
    }
    const bool device = op.call == KernelRangeName::pmap_map;
    for (std::uint32_t n = 0; n < op.pages && !bad; ++n) {
        bad = device ? unless(is_device(op.page + n), "page", op.page + n, "is none of the device")
                     : page_or_device(op.page + n);
    }
    return bad;
}

Reason Refusal::reason(const HardwareAccess& op) const {
    const Va last = op.va + op.size - 1;
    const Reason bad = first_of(
        cpu(op.cpu), unless(op.size == 1 || op.size == 2 || op.size == 4, "access size", op.size, "is not 1, 2 or 4"),
        unless_at(last >= op.va, op.va, "begins an access that ends behind the last address"),
        unless(op.kind == AccessKind::store || op.value == 0, "only a store has a value"));
    return bad ? bad : first_of(kernel_access(op, op.va), kernel_access(op, last));
}

// The kernel uses what it has mapped for somebody, and what every CPU sees.
Reason Refusal::kernel_access(const HardwareAccess& op, Va va) const {
    if (!op.supervisor || va < kUserEnd) {
        return std::nullopt;
    }
    const bool known = kEnterRange.holds(va) || kUnmanagedRange.holds(va) || kCrashRange.holds(va) ||
                       (va >= kDeviceRange.start && va < model.kernel_end());
    return first_of(unless_at(known, va, "is the kernel's own"),
                    unless_at((model.stale(va) >> op.cpu & 1U) == 0, va, "is not synchronised on that cpu"));
}

std::optional<std::string> Mappings::refuse(const Operation& operation) const {
    if (!belongs_to<WorldName::pmap>(operation)) {
        return "the operation belongs to another world";
    }
    return visit_operation<WorldName::pmap>(
        [this](const auto& op) -> Reason {
            const Refusal refusal{*this};
            const Reason no_cpu = refusal.cpu(op.cpu);
            return no_cpu ? no_cpu : refusal.reason(op);
        },
        operation);
}

}  // namespace vmref::model
