// The kernel's part of every address space: made once, then only growing.
#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_bootstrap (pmap.c:332). The machine has PSE; G is used on a single CPU only (pmap.c:429).
void PmapSystem::bootstrap() {
    coverage_.ran(PmapFunction::bootstrap);
    coverage_.ran(PmapFunction::protection_init);  // its table is pte::protection_code
    ensure(by_id_.size() == 1 && !booted_, "the kernel boots once, before anything else");
    if (machine_.cpu_count() == 1) {
        machine_.cpu(0).cr4_pge = true;
        pgeflag_ = kPteG;
    }
    boot_kernel_pmap();
    pinit0();
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        machine_.load_cr3(cpu, kernel_.directory->frame << kPageShift);
        initial_.active |= 1U << cpu;
    }
    boot_text();
    booted_ = true;
    init();
}

Page& PmapSystem::boot_page(PageIndex index) {
    Page* const page = pages_.alloc(*kptobj_, index, AllocClass::system);
    ensure(page != nullptr, "the kernel has the frames to boot");
    pages_.zero_fill(*page);
    pages_.set_valid_clean(*page);
    pages_.wire(*page);
    pages_.wakeup(*page);
    return *page;
}

void PmapSystem::boot_kernel_pmap() {
    kptobj_ = &objects_.allocate(ObjectType::page_table, kPtesPerTable);
    kernel_.directory = &boot_page(kDirectoryIndex);
    kernel_.pteobj = kptobj_;
    kernel_.active = (1U << machine_.cpu_count()) - 1;
    by_id_[0] = &kernel_;
    const auto entry = [](const Page& page) { return (page.frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM; };
    set_pde(kernel_, kDirectoryIndex, entry(*kernel_.directory));
    cpu_data_ = &boot_page(kCpuDataIndex);
    set_pde(kernel_, kCpuDataIndex, entry(*cpu_data_));
    const Va start = kmem_choose(kKernelBase + 1);
    for (kernel_end_ = start; kernel_end_ < kKernelFirstEnd; kernel_end_ += kBigPageSize) {
        Page& table = boot_page(pde_index(kernel_end_));
        attach_pv_table(table);
        set_pde(kernel_, table.pindex, entry(table));
    }
}

// pmap_kmem_choose (pmap.c:228): what follows the text begins at a 4 MiB boundary.
Va PmapSystem::kmem_choose(Va address) {
    coverage_.ran(PmapFunction::kmem_choose);
    return (address + ~kPteBigFrame) & kPteBigFrame;
}

// The kernel's text: the first 4 MiB of memory in one piece, for the kernel only (B-115). Source: pmap.c:454,
// pmap_set_opt.
void PmapSystem::boot_text() {
    coverage_.ran(PmapFunction::set_opt);
    const std::uint32_t user = defects_.on(Defect::b115_kernel_text_for_users) ? kPteU : 0;
    set_pde(kernel_, kKernelIndex, kPteV | kPteRW | kPtePS | user | pgeflag_);
    flush_every_cpu();
}

// pmap_init, pmap_init2 (pmap.c:522, 571): pv entries, and the kernel's other address ranges.
void PmapSystem::init() {
    coverage_.ran(PmapFunction::init);
    coverage_.ran(PmapFunction::init2);
    device_pages_used_.assign((kDeviceRange.end - kDeviceRange.start) >> kPageShift, 0);
}

// pmap_pinit0 (pmap.c:1145). On no list: growth reaches its directory because it is the kernel's.
void PmapSystem::pinit0() {
    coverage_.ran(PmapFunction::pinit0);
    initial_.id = kMaxPmapId;
    initial_.directory = kernel_.directory;
    initial_.pteobj = kptobj_;
}

// pmap_growkernel (pmap.c:1557). The source grows one table further than an aligned end needs, and so does this.
Status PmapSystem::growkernel(Va kend) {
    coverage_.ran(PmapFunction::growkernel);
    const ObjectHold hold(*kptobj_, sched_);
    const Va end = (kend + kBigPageSize) & kPteBigFrame;
    while (kernel_end_ < end) {
        const Page* const table = add_kernel_table(pde_index(kernel_end_));
        if (table == nullptr) {
            ensure(!defects_.on(Defect::b90_growkernel_leaves_busy), "there is memory for the kernel's page tables");
            return Status::resource_shortage;
        }
        const std::uint32_t entry = (table->frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM;
        set_pde(kernel_, table->pindex, entry);
        for (Pmap* const pmap : by_id_) {
            if (pmap != nullptr && !is_kernel(*pmap)) {
                set_pde(*pmap, table->pindex, entry);
            }
        }
        kernel_end_ += kBigPageSize;
    }
    return Status::success;
}

Page* PmapSystem::add_kernel_table(PageIndex index) {
    Page* const table = pages_.alloc(*kptobj_, index, table_class());
    if (table == nullptr) {
        return nullptr;
    }
    pages_.wire(*table);
    zero_page(*table);
    pages_.set_valid_clean(*table);
    attach_pv_table(*table);
    if (!defects_.on(Defect::b90_growkernel_leaves_busy)) {
        pages_.wakeup(*table);
    }
    return table;
}

}  // namespace vmref::impl
