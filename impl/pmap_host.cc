#include "impl/pmap_host.h"

#include <algorithm>
#include <type_traits>

namespace vmref::impl {

namespace {

// The device takes 4 MiB out of the frames; few frames end before it.
Config with_device(Config config) {
    config.frames = std::max(config.frames, kDeviceFrame - 1) + kDevicePages;
    return config;
}

Observation of_value(std::uint32_t value) {
    return Observation{.value = value};
}

Observation of_status(Status status) {
    return Observation{.status = status};
}

Observation of_address(Va address) {
    return Observation{.address = address};
}

}  // namespace

PmapHost::PmapHost(const Config& config, const DefectSet& defects)
    : config_(with_device(config)),
      defects_(defects),
      hogged_(config_.frames - config.frames),
      journal_(config_.frames + 1),
      machine_(config_, defects_, journal_),
      pages_(config_, defects_, machine_, sched_, journal_),
      objects_(journal_),
      pmaps_(config_, defects_, machine_, pages_, objects_, sched_, journal_),
      data_(objects_.allocate(ObjectType::vnode, kMaxDataPages)),
      device_(objects_.allocate(ObjectType::default_, 2 * kPtesPerTable)) {
    // What lies between usable memory and the device belongs to nobody.
    for (Frame frame = std::min(config.frames + 1, kDeviceFrame); frame < kDeviceFrame + kDevicePages; ++frame) {
        Page& page = pages_.take(frame, device_, frame);
        page.set(kPageUnmanaged);
        pages_.set_valid_clean(page);
        pages_.wakeup(page);
    }
    pmaps_.bootstrap();
    by_number_[kKernelPmap] = &pmaps_.kernel_pmap();
    numbers_.assign(1, kKernelPmap);
    running_.assign(config.cpus, &pmaps_.initial_pmap());
    journal_.clear();
}

// Low frames are used first; the device is not used at all by most short runs.
TouchedCounts PmapHost::touched() const {
    const std::size_t used = peak_frames() + 2U;  // frame 0, and the next that is free
    return {used < kDeviceFrame && !device_touched_ ? used : used + kDeviceFrame + kDevicePages, 0};
}

Observation PmapHost::apply(const Operation& operation) {
    const ArenaScope scope(arena_);
    journal_.clear();
    return visit_operation<WorldName::pmap>(
        [this](const auto& op) {
            pmaps_.run_on(op.cpu);
            using Op = std::remove_cvref_t<decltype(op)>;
            if constexpr (std::is_same_v<Op, PmapInstall4m> || std::is_same_v<Op, PmapMapdev>) {
                device_touched_ = true;
            } else if constexpr (requires { op.page; }) {
                device_touched_ = device_touched_ || vmref::is_device(op.page);
            }
            return run(op);
        },
        operation);
}

Page* PmapHost::page(PageNumber number) {
    return vmref::is_device(number) ? &pages_.page_of_frame(kDeviceFrame + (number - kDevicePage))
                                    : pages_.lookup(data_, number);
}

PageNumber PmapHost::number_of(const Page& page) const {
    return is_data(page) ? page.pindex : kDevicePage + (page.frame - kDeviceFrame);
}

// What needs the page busied, as the VM would have it.
template <typename Call>
auto PmapHost::busied(Page& page, Call call) {
    pages_.busy_wait(page);
    if constexpr (std::is_void_v<decltype(call())>) {
        call();
        pages_.wakeup(page);
    } else {
        const auto result = call();
        pages_.wakeup(page);
        return result;
    }
}

Status PmapHost::make_page(PageNumber number, bool managed) {
    Page* const page = pages_.alloc(data_, number, AllocClass::normal);
    if (page == nullptr) {
        return Status::resource_shortage;
    }
    pmaps_.zero_page(*page);
    pages_.set_valid_clean(*page);
    if (!managed) {
        page->set(kPageUnmanaged);
    }
    pages_.wakeup(*page);
    return Status::success;
}

void PmapHost::free_page(Page& page) {
    pages_.busy_wait(page);
    if (!page.has(kPageUnmanaged)) {
        pmaps_.page_protect(page, kProtNone);
    }
    pages_.free(page);
}

Observation PmapHost::run(const PageCall& op) {
    Page* const page = this->page(op.page);
    switch (op.call) {
        case PageCallName::page_alloc:
        case PageCallName::page_alloc_unmanaged:
            return of_status(make_page(op.page, op.call == PageCallName::page_alloc));
        case PageCallName::page_free:
            free_page(*page);
            return {};
        case PageCallName::page_wire:
            busied(*page, [&] { pages_.wire(*page); });
            return {};
        case PageCallName::page_unwire:
            busied(*page, [&] { pages_.unwire(*page, false); });
            return {};
        case PageCallName::pmap_remove_all:
            busied(*page, [&] { pmaps_.remove_all(*page); });
            return {};
        case PageCallName::pmap_clear_modify:
            busied(*page, [&] {
                pmaps_.clear_modify(*page);
                pages_.undirty(*page);
            });
            return {};
        case PageCallName::pmap_clear_reference:
            pmaps_.clear_reference(*page);
            page->clear(kPageReferenced);
            return {};
        case PageCallName::pmap_ts_referenced:
            return of_value(pmaps_.ts_referenced(*page));
        case PageCallName::pmap_is_modified:
            return of_value((pmaps_.is_modified(*page) ? 1U : 0U) + (page->dirty != 0 ? 2U : 0U));
        case PageCallName::pmap_is_referenced:
            return of_value(pmaps_.is_referenced(*page) ? 1 : 0);
        case PageCallName::pmap_zero_page:
            busied(*page, [&] {
                pmaps_.zero_page(*page);
                pages_.dirty(*page);
            });
            return {};
        case PageCallName::pmap_page_assertzero:
            return of_status(pmaps_.page_is_zero(*page) ? Status::success : Status::failure);
    }
    return {};
}

Observation PmapHost::run(const PmapZeroPageArea& op) {
    Page& page = *this->page(op.page);
    busied(page, [&] {
        pmaps_.zero_page_area(page, op.offset, op.length);
        pages_.dirty(page);
    });
    return {};
}

Observation PmapHost::run(const PmapCopyPage& op) {
    const Page& from = *page(op.from);
    Page& to = *page(op.to);
    busied(to, [&] {
        if (op.from_offset == 0 && op.to_offset == 0 && op.length == 0) {
            pmaps_.copy_page(from, to);
        } else {
            pmaps_.copy_page_frag(from, op.from_offset, to, op.to_offset, op.length);
        }
        pages_.dirty(to);
    });
    return {};
}

Observation PmapHost::run(const PmapPageProtect& op) {
    Page& page = *this->page(op.page);
    busied(page, [&] { pmaps_.page_protect(page, op.prot); });
    return {};
}

Observation PmapHost::run(const PmapCall& op) {
    Pmap* const pmap = by_number_[op.pmap];
    switch (op.call) {
        case PmapCallName::pmap_pinit: {
            Pmap* const made = pmaps_.create();
            if (made == nullptr) {
                return of_status(Status::resource_shortage);
            }
            by_number_[op.pmap] = made;
            numbers_.resize(std::max<std::size_t>(numbers_.size(), made->id + 1), kMaxPmaps);
            numbers_[made->id] = op.pmap;
            return {};
        }
        case PmapCallName::pmap_release:
            pmaps_.remove_pages(*pmap, 0, kUserEnd);
            pmaps_.remove(*pmap, 0, kUserEnd);
            pmaps_.release(*pmap);
            numbers_[pmap->id] = kMaxPmaps;
            by_number_[op.pmap] = nullptr;
            return {};
        case PmapCallName::pmap_puninit:
            pmaps_.puninit();
            return {};
        case PmapCallName::pmap_reference:
            pmaps_.reference(*pmap);
            return {};
        case PmapCallName::pmap_destroy:
            pmaps_.unreference(*pmap);
            return {};
    }
    return {};
}

Observation PmapHost::run(const PmapSwitch& op) {
    Pmap* const next = op.pmap == kKernelPmap ? &pmaps_.initial_pmap() : by_number_[op.pmap];
    if (op.call == SwitchCallName::pmap_setlwpvm) {
        pmaps_.activate(op.cpu, running_[op.cpu], next);
    } else {
        pmaps_.replacevm(op.cpu, running_[op.cpu], next);
    }
    running_[op.cpu] = next;
    return {};
}

Observation PmapHost::run(const PmapEnter& op) {
    Page& page = *this->page(op.page);
    return of_status(
        busied(page, [&] { return pmaps_.enter(*by_number_[op.pmap], op.va, page, op.prot, op.wired, op.nosync); }));
}

Observation PmapHost::run(const PmapEnterQuick& op) {
    Page& page = *this->page(op.page);
    return of_status(busied(page, [&] { return pmaps_.enter_quick(*by_number_[op.pmap], op.va, page); }));
}

Observation PmapHost::run(const PmapObjectInitPt& op) {
    pmaps_.object_init_pt(*by_number_[op.pmap], op.va, op.prot, data_, op.page, op.pages, op.partial);
    return {};
}

Observation PmapHost::run(const PmapInstall4m& op) {
    pmaps_.install_4m(*by_number_[op.pmap], op.va, device_address(0), op.prot);
    return {};
}

Observation PmapHost::run(const PmapRange& op) {
    const Va end = op.va + (op.pages << kPageShift);
    if (op.call == RangeCallName::pmap_remove) {
        pmaps_.remove(*by_number_[op.pmap], op.va, end);
    } else {
        pmaps_.remove_pages(*by_number_[op.pmap], op.va, end);
    }
    return {};
}

Observation PmapHost::run(const PmapProtect& op) {
    pmaps_.protect(*by_number_[op.pmap], op.va, op.va + (op.pages << kPageShift), op.prot);
    return {};
}

Observation PmapHost::run(const PmapAddress& op) {
    Pmap& pmap = *by_number_[op.pmap];
    switch (op.call) {
        case AddressCallName::pmap_extract: {
            const Pa pa = pmaps_.extract(pmap, op.va);
            const Frame frame = pa >> kPageShift;
            return of_value(
                frame == 0 ? pa : ((number_of(pages_.page_of_frame(frame)) + 1) << kPageShift) | (pa & kPageMask));
        }
        case AddressCallName::pmap_prefault_ok:
            return of_value(pmaps_.prefault_ok(pmap, op.va) ? 1 : 0);
        case AddressCallName::pmap_mincore:
            return of_value(pmaps_.mincore(pmap, op.va));
        case AddressCallName::pmap_wire:
            pmaps_.change_wiring(pmap, op.va, true);
            return {};
        case AddressCallName::pmap_unwire: {
            const Page* const page = pmaps_.unwire(pmap, op.va);
            return of_value(page == nullptr ? 0 : number_of(*page) + 1);
        }
    }
    return {};
}

Observation PmapHost::run(const PmapPair& op) {
    Pmap& pmap = *by_number_[op.pmap];
    Page& page = *this->page(op.page);
    if (op.call == PairCallName::pmap_page_exists_quick) {
        return of_value(pmaps_.page_exists_quick(pmap, page) ? 1 : 0);
    }
    busied(page, [&] { pmaps_.remove_specific(pmap, page); });
    return {};
}

Observation PmapHost::run(const PmapCollect& /*op*/) {
    return of_value(pmaps_.collect() ? 1 : 0);
}

Observation PmapHost::run(const KernelEnter& op) {
    switch (op.call) {
        case KernelEnterName::pmap_kenter:
            pmaps_.kenter(op.va, address_of(op.page));
            return {};
        case KernelEnterName::pmap_kenter_quick:
            pmaps_.kenter_quick(op.va, address_of(op.page));
            return {};
        case KernelEnterName::pmap_kenter_temporary:
            return of_address(pmaps_.kenter_temporary(address_of(op.page), op.va));
    }
    return {};
}

Observation PmapHost::run(const KernelAddress& op) {
    switch (op.call) {
        case KernelAddressName::pmap_kenter_sync:
            pmaps_.kenter_sync(op.va);
            return {};
        case KernelAddressName::pmap_kenter_sync_quick:
            pmaps_.kenter_sync_quick(op.va);
            return {};
        case KernelAddressName::pmap_kremove:
            pmaps_.kremove(op.va);
            return {};
        case KernelAddressName::pmap_kremove_quick:
            pmaps_.kremove_quick(op.va);
            return {};
        case KernelAddressName::pmap_kmodify_rw:
            pmaps_.kmodify_rw(op.va);
            return {};
        case KernelAddressName::pmap_kmodify_nc:
            pmaps_.kmodify_nc(op.va);
            return {};
        case KernelAddressName::pmap_kvtom:
            return of_value(number_of(*pmaps_.kvtom(op.va)) + 1);
    }
    return {};
}

Observation PmapHost::run(const KernelPages& op) {
    switch (op.call) {
        case KernelRangeName::pmap_qenter: {
            Vector<Page*> list;
            for (std::uint32_t n = 0; n < op.pages; ++n) {
                list.push_back(page(op.page + n));
            }
            pmaps_.qenter(op.va, list);
            return {};
        }
        case KernelRangeName::pmap_map: {
            const Pa start = device_address((op.page - kDevicePage) << kPageShift);
            return of_address(pmaps_.map(op.va, start, start + (op.pages << kPageShift)));
        }
        case KernelRangeName::pmap_qremove:
            pmaps_.qremove(op.va, op.pages);
            return {};
    }
    return {};
}

Observation PmapHost::run(const PmapMapdev& op) {
    const Va va = pmaps_.mapdev(device_address(op.offset), op.length, op.uncacheable);
    if (va == 0) {
        return of_status(Status::no_space);
    }
    devices_[va] = op.length;
    return of_address(va);
}

Observation PmapHost::run(const PmapUnmapdev& op) {
    pmaps_.unmapdev(op.va, devices_.at(op.va));
    devices_.erase(op.va);
    return {};
}

Observation PmapHost::run(const PmapGrowkernel& op) {
    Observation observation = of_status(pmaps_.growkernel(op.end));
    observation.address = pmaps_.kernel_end();
    return observation;
}

Observation PmapHost::run(const PmapAddrHint& op) {
    return of_address(pmaps_.addr_hint(op.device, op.pages, op.va));
}

Observation PmapHost::run(const HardwareAccess& op) {
    std::uint32_t value = op.value;
    const Privilege privilege = op.supervisor ? Privilege::supervisor : Privilege::user;
    sched_.wait_for_cpu(op.cpu);
    const AccessResult result = machine_.access(op.cpu, op.kind, op.va, op.size, privilege, value);
    if (!result.ok) {
        ++page_faults_;
        const bool present = (result.error_code & kFaultPresent) != 0;
        return Observation{.status = present ? Status::protection_failure : Status::invalid_address,
                           .address = result.cr2};
    }
    return of_value(op.kind == AccessKind::store ? 0 : value);
}

Observation PmapHost::run(const EvictTlb& op) {
    machine_.invlpg(op.cpu, op.va);
    return {};
}

}  // namespace vmref::impl
