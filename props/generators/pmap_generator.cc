#include "props/generators/pmap_generator.h"

#include <algorithm>

#include "ops/synthetic.h"
#include "props/generators/pmap_places.h"

namespace vmref::props {

namespace {

enum class Kind : std::uint8_t {
    access,
    enter,
    enter_quick,
    object_init_pt,
    install_4m,
    range,
    protect,
    page_protect,
    page,
    page_life,
    contents,
    pmap,
    run,
    address,
    pair,
    collect,
    kernel_enter,
    kernel_address,
    kernel_pages,
    device,
    grow,
    hint,
    evict,
};

// Per mille.
constexpr Weighted<Kind> kKinds[] = {
    {Kind::access, 300},      {Kind::enter, 135},      {Kind::page, 105},         {Kind::range, 55},
    {Kind::run, 45},          {Kind::protect, 40},     {Kind::address, 60},       {Kind::page_life, 55},
    {Kind::page_protect, 25}, {Kind::enter_quick, 30}, {Kind::kernel_enter, 20},  {Kind::kernel_address, 32},
    {Kind::kernel_pages, 15}, {Kind::contents, 14},    {Kind::pmap, 18},          {Kind::pair, 14},
    {Kind::install_4m, 10},   {Kind::device, 6},       {Kind::object_init_pt, 6}, {Kind::collect, 3},
    {Kind::grow, 1},          {Kind::hint, 1},         {Kind::evict, 10},
};

constexpr Prot kReadWrite = kProtRead | kProtWrite;

class Drawing {
  public:
    Drawing(Choices& choices, const model::Mappings& model)
        : choices_(choices), model_(model), places_(choices, model) {}

    Operation operation();

  private:
    Operation candidate();
    Operation access();
    Operation user_access_of_kernel(CpuId cpu);
    Operation enter();
    Operation enter_quick();
    Operation object_init_pt();
    Operation install_4m();
    Operation range();
    Operation protect();
    Operation page_call();
    Operation page_life();
    Operation contents();
    Operation pmap_call();
    Operation run();
    Operation address();
    Operation kernel_enter();
    Operation kernel_address();
    Operation kernel_pages();
    Operation device();

    Prot prot() {
        return choices_.pick<Prot>({{kReadWrite, 6},
                                    {kProtRead, 4},
                                    {kProtAll, 1},
                                    {kProtRead | kProtExecute, 1},
                                    {kProtWrite, 1},
                                    {kProtExecute, 1}});
    }
    Prot prot_or_none() { return choices_.chance(15) ? kProtNone : prot(); }
    std::uint32_t run_length() {
        return choices_.pick<std::uint32_t>({{1, 8}, {2, 4}, {3, 2}, {0, 1}, {1024, 2}, {1025, 1}, {2048, 1}});
    }

    Choices& choices_;
    const model::Mappings& model_;
    PmapPlaces places_;
};

// What does not fit the state is drawn again; at last something that always fits.
Operation Drawing::operation() {
    constexpr int tries = 4;
    for (int n = 0; n < tries; ++n) {
        Operation operation = candidate();
        if (!model_.refuse(operation)) {
            return operation;
        }
    }
    return EvictTlb{.cpu = 0, .va = 0};
}

Operation Drawing::candidate() {
    switch (choices_.pick(kKinds)) {
        case Kind::access:
            return access();
        case Kind::enter:
            return enter();
        case Kind::enter_quick:
            return enter_quick();
        case Kind::object_init_pt:
            return object_init_pt();
        case Kind::install_4m:
            return install_4m();
        case Kind::range:
            return range();
        case Kind::protect:
            return protect();
        case Kind::page_protect:
            return PmapPageProtect{.page = places_.page(), .prot = prot_or_none(), .cpu = places_.cpu()};
        case Kind::page:
            return page_call();
        case Kind::page_life:
            return page_life();
        case Kind::contents:
            return contents();
        case Kind::pmap:
            return pmap_call();
        case Kind::run:
            return run();
        case Kind::address:
            return address();
        case Kind::pair:
            return PmapPair{
                .call = choices_.chance(50) ? PairCallName::pmap_remove_specific : PairCallName::pmap_page_exists_quick,
                .pmap = places_.pmap(),
                .page = places_.page(),
                .cpu = places_.cpu()};
        case Kind::collect:
            return PmapCollect{.cpu = places_.cpu()};
        case Kind::kernel_enter:
            return kernel_enter();
        case Kind::kernel_address:
            return kernel_address();
        case Kind::kernel_pages:
            return kernel_pages();
        case Kind::device:
            return device();
        case Kind::grow:
            return PmapGrowkernel{.end = model_.kernel_end() + choices_.between(0, 4) * (kBigPageSize / 2) - kPageSize,
                                  .cpu = places_.cpu()};
        case Kind::hint:
            return PmapAddrHint{.va = places_.user_va(kKernelPmap),
                                .pages = choices_.between(1023, 1025),
                                .device = choices_.chance(70),
                                .cpu = places_.cpu()};
        case Kind::evict:
            break;
    }
    const CpuId cpu = places_.cpu();
    return EvictTlb{.cpu = cpu, .va = places_.user_va(model_.running(cpu))};
}

Operation Drawing::access() {
    const CpuId cpu = places_.cpu();
    if (choices_.chance(4)) {
        return user_access_of_kernel(cpu);
    }
    HardwareAccess op{
        .cpu = cpu,
        .kind = choices_.pick<AccessKind>({{AccessKind::load, 9}, {AccessKind::store, 9}, {AccessKind::fetch, 2}}),
        .va = 0,
        .size = choices_.pick<std::uint8_t>({{4, 3}, {1, 2}, {2, 1}}),
        .supervisor = choices_.chance(25)};
    op.va = op.supervisor && choices_.chance(60) ? places_.kernel_va() : places_.user_va(model_.running(cpu));
    op.va = trunc_page(op.va) + (choices_.chance(10) ? kPageSize - choices_.between(1, 4) : 4 * choices_.below(4));
    op.value = op.kind == AccessKind::store ? synthetic_store(choices_.word()) : 0;
    return op;
}

Operation Drawing::user_access_of_kernel(CpuId cpu) {
    const Va va = choices_.pick<Va>({{kKernelBase, 4},
                                     {kUserEnd, 1},
                                     {kKernelBase + 5 * kPageSize, 2},
                                     {0xBFEFF000U, 1},
                                     {0xFFFFF000U, 1},
                                     {0xFFC00000U, 1},
                                     {kOwnRange.start, 1}});
    return HardwareAccess{.cpu = cpu,
                          .kind = choices_.chance(50) ? AccessKind::store : AccessKind::load,
                          .va = choices_.chance(30) ? places_.kernel_va() : va,
                          .size = 4,
                          .value = 0};
}

Operation Drawing::enter() {
    const bool kernel = choices_.chance(14);
    PmapEnter op{
        .pmap = kernel ? kKernelPmap : places_.pmap(), .va = 0, .page = places_.page_or_device(), .prot = prot()};
    op.va = kernel ? places_.entered_kernel_va() : places_.user_va(op.pmap);
    if (choices_.chance(30)) {
        op.page = places_.page_at(op.pmap, op.va, op.page);  // the same page again
    }
    op.wired = choices_.chance(40) && places_.wired(op.page);
    op.nosync = choices_.chance(12);
    op.cpu = places_.cpu();
    return op;
}

Operation Drawing::enter_quick() {
    const CpuId cpu = places_.cpu();
    PmapEnterQuick op{.pmap = model_.running(cpu), .va = 0, .page = places_.page_or_device(), .cpu = cpu};
    op.va = places_.user_va(op.pmap);
    return op;
}

Operation Drawing::object_init_pt() {
    const CpuId cpu = places_.cpu();
    PmapObjectInitPt op{.pmap = model_.running(cpu), .va = 0, .prot = prot(), .page = 0, .pages = 0};
    op.va = places_.user_va(op.pmap);
    op.page = places_.page();
    op.pages = choices_.pick<std::uint32_t>({{1, 1}, {4, 3}, {10, 2}, {97, 1}, {0, 1}});
    op.partial = choices_.chance(30);
    op.cpu = cpu;
    return op;
}

Operation Drawing::install_4m() {
    const PmapNumber pmap = places_.pmap();
    return PmapInstall4m{
        .pmap = pmap, .va = places_.user_va(pmap) & ~(kBigPageSize - 1), .prot = prot(), .cpu = places_.cpu()};
}

Operation Drawing::range() {
    const bool kernel = choices_.chance(12);
    PmapRange op{.call = !kernel && choices_.chance(25) ? RangeCallName::pmap_remove_pages : RangeCallName::pmap_remove,
                 .pmap = kernel ? kKernelPmap : places_.pmap(),
                 .va = 0,
                 .pages = run_length(),
                 .cpu = places_.cpu()};
    op.va = kernel ? places_.entered_kernel_va() : places_.user_va(op.pmap);
    op.pages = places_.fitting(op.pmap, op.va, op.pages);
    return op;
}

Operation Drawing::protect() {
    const bool kernel = choices_.chance(12);
    PmapProtect op{.pmap = kernel ? kKernelPmap : places_.pmap(),
                   .va = 0,
                   .pages = run_length(),
                   .prot = choices_.chance(70) ? kProtRead : prot_or_none(),
                   .cpu = places_.cpu()};
    op.va = kernel ? places_.entered_kernel_va() : places_.user_va(op.pmap);
    op.pages = places_.fitting(op.pmap, op.va, op.pages);
    return op;
}

Operation Drawing::page_call() {
    const auto call = choices_.pick<PageCallName>({{PageCallName::pmap_is_modified, 26},
                                                   {PageCallName::pmap_clear_modify, 24},
                                                   {PageCallName::pmap_ts_referenced, 18},
                                                   {PageCallName::pmap_is_referenced, 10},
                                                   {PageCallName::pmap_clear_reference, 10},
                                                   {PageCallName::pmap_remove_all, 8},
                                                   {PageCallName::pmap_page_assertzero, 4}});
    return PageCall{.call = call, .page = places_.page(), .cpu = places_.cpu()};
}

Operation Drawing::page_life() {
    const auto call = choices_.pick<PageCallName>({{PageCallName::page_alloc, 24},
                                                   {PageCallName::page_alloc_unmanaged, 4},
                                                   {PageCallName::page_wire, 9},
                                                   {PageCallName::page_unwire, 8},
                                                   {PageCallName::page_free, 8}});
    const bool makes = call == PageCallName::page_alloc || call == PageCallName::page_alloc_unmanaged;
    return PageCall{.call = call, .page = makes ? places_.new_page() : places_.page(), .cpu = places_.cpu()};
}

Operation Drawing::contents() {
    const PageNumber page = places_.page();
    const CpuId cpu = places_.cpu();
    const std::uint32_t offset = choices_.below(kPageSize + 1);
    switch (choices_.below(4)) {
        case 0:
            return PageCall{.call = PageCallName::pmap_zero_page, .page = page, .cpu = cpu};
        case 1:
            return PmapZeroPageArea{
                .page = page, .offset = offset, .length = choices_.below(kPageSize - offset + 1), .cpu = cpu};
        case 2:
            return PmapCopyPage{.from = page, .to = places_.page(), .cpu = cpu};
        default: {
            const std::uint32_t to_offset = choices_.below(kPageSize + 1);
            const std::uint32_t most = kPageSize - std::max(offset, to_offset);
            return PmapCopyPage{.from = page,
                                .to = places_.page(),
                                .from_offset = offset,
                                .to_offset = to_offset,
                                .length = choices_.below(most + 1),
                                .cpu = cpu};
        }
    }
}

Operation Drawing::pmap_call() {
    const auto call = choices_.pick<PmapCallName>({{PmapCallName::pmap_pinit, 8},
                                                   {PmapCallName::pmap_release, 3},
                                                   {PmapCallName::pmap_puninit, 2},
                                                   {PmapCallName::pmap_reference, 2},
                                                   {PmapCallName::pmap_destroy, 3}});
    PmapNumber pmap = places_.pmap();
    if (call == PmapCallName::pmap_pinit) {
        pmap = places_.new_pmap();
    } else if (call == PmapCallName::pmap_puninit) {
        pmap = 0;
    }
    return PmapCall{.call = call, .pmap = pmap, .cpu = places_.cpu()};
}

Operation Drawing::run() {
    return PmapSwitch{.call = choices_.chance(20) ? SwitchCallName::pmap_replacevm : SwitchCallName::pmap_setlwpvm,
                      .cpu = places_.cpu(),
                      .pmap = choices_.chance(8) ? kKernelPmap : places_.pmap()};
}

Operation Drawing::address() {
    const auto call = choices_.pick<AddressCallName>({{AddressCallName::pmap_extract, 15},
                                                      {AddressCallName::pmap_mincore, 15},
                                                      {AddressCallName::pmap_prefault_ok, 10},
                                                      {AddressCallName::pmap_wire, 9},
                                                      {AddressCallName::pmap_unwire, 9}});
    const bool kernel_may = call != AddressCallName::pmap_mincore && call != AddressCallName::pmap_prefault_ok;
    const bool kernel = kernel_may && choices_.chance(12);
    PmapAddress op{.call = call, .pmap = kernel ? kKernelPmap : places_.pmap(), .va = 0, .cpu = places_.cpu()};
    op.va = kernel ? places_.entered_kernel_va() : places_.user_va(op.pmap);
    op.va += choices_.chance(40) ? choices_.below(kPageSize) : 0;
    return op;
}

Operation Drawing::kernel_enter() {
    const auto call = choices_.pick<KernelEnterName>({{KernelEnterName::pmap_kenter, 5},
                                                      {KernelEnterName::pmap_kenter_quick, 4},
                                                      {KernelEnterName::pmap_kenter_temporary, 2}});
    const Va va = call == KernelEnterName::pmap_kenter_temporary ? choices_.below(16) : places_.unmanaged_kernel_va();
    return KernelEnter{.call = call, .va = va, .page = places_.page_or_device(), .cpu = places_.cpu()};
}

Operation Drawing::kernel_address() {
    const auto call = choices_.pick<KernelAddressName>({{KernelAddressName::pmap_kenter_sync, 5},
                                                        {KernelAddressName::pmap_kenter_sync_quick, 5},
                                                        {KernelAddressName::pmap_kremove, 5},
                                                        {KernelAddressName::pmap_kremove_quick, 4},
                                                        {KernelAddressName::pmap_kmodify_rw, 3},
                                                        {KernelAddressName::pmap_kmodify_nc, 3},
                                                        {KernelAddressName::pmap_kvtom, 4}});
    return KernelAddress{.call = call, .va = places_.unmanaged_kernel_va(), .cpu = places_.cpu()};
}

Operation Drawing::kernel_pages() {
    KernelPages op{
        .call = choices_.pick<KernelRangeName>(
            {{KernelRangeName::pmap_qenter, 4}, {KernelRangeName::pmap_map, 2}, {KernelRangeName::pmap_qremove, 4}}),
        .va = places_.unmanaged_kernel_va(),
        .page = 0,
        .pages = choices_.between(0, 4),
        .cpu = places_.cpu()};
    if (op.call == KernelRangeName::pmap_map) {
        op.page = kDevicePage + choices_.below(kDevicePages - 4);
    } else if (op.call == KernelRangeName::pmap_qenter) {
        op.page = places_.page_or_device();
        op.pages = std::min(op.pages, places_.consecutive(op.page));
    }
    return op;
}

Operation Drawing::device() {
    const CpuId cpu = places_.cpu();
    const auto& devices = model_.devices();
    if (!devices.empty() && choices_.chance(devices.size() > 8 ? 70 : 40)) {
        const auto chosen = std::next(devices.begin(), choices_.below(static_cast<std::uint32_t>(devices.size())));
        return PmapUnmapdev{.va = chosen->first, .cpu = cpu};
    }
    constexpr std::uint32_t size = kDevicePages * kPageSize;
    const std::uint32_t offset = choices_.below(size);
    const std::uint32_t length = std::min(
        size - offset, choices_.pick<std::uint32_t>({{1, 2}, {kPageSize, 3}, {3 * kPageSize, 3}, {size / 3, 1}}));
    return PmapMapdev{.offset = offset, .length = length, .uncacheable = choices_.chance(40), .cpu = cpu};
}

}  // namespace

Operation draw_pmap_operation(Choices& choices, const model::Mappings& model) {
    return Drawing(choices, model).operation();
}

Config pmap_config(std::uint64_t n) {
    std::uint32_t state = mix32(static_cast<std::uint32_t>(n) ^ mix32(static_cast<std::uint32_t>(n >> 32)));
    const auto between = [&](std::uint32_t low, std::uint32_t high) {
        state = mix32(state + 0x9e3779b9U);
        return low + state % (high - low + 1);
    };
    Config config;
    config.frames = between(0, 2) == 0 ? between(32, 64) : between(65, 400);
    config.cpus = between(1, 4);
    config.tlb_entries = 1U << between(0, 6);
    config.pv_entries = between(0, 1) == 0 ? between(16, 80) : between(81, 400);
    config.free_target = between(3, 8);
    config.free_min = between(2, config.free_target);
    config.free_severe = between(1, config.free_min);
    config.free_reserved = between(1, config.free_severe);
    if (between(0, 5) == 0) {
        // Hardly a page can be made, while the kernel may take what there is.
        config.free_target = config.frames - 8;
        config.free_reserved = config.free_severe = config.free_min = config.free_target - between(0, 3);
    }
    return config;
}

}  // namespace vmref::props
