// The life of a pmap, and its place on the CPUs.
#include "impl/pmap_i386/pmap.h"

#include "impl/pmap_i386/object_hold.h"

namespace vmref::impl {

PmapSystem::PmapSystem(const Config& config, const DefectSet& defects, Machine& machine, PageSystem& pages,
                       ObjectStore& objects, Scheduler& sched, Journal& journal)
    : defects_(defects),
      machine_(machine),
      pages_(pages),
      objects_(objects),
      sched_(sched),
      journal_(journal),
      by_id_(1, nullptr),  // id 0 names nobody, or kernel_pmap
      pv_tables_(std::size_t{machine.memory().frames()}),
      pv_max_(config.pv_entries),
      pv_high_water_(9 * (config.pv_entries / 10)) {}

Pmap* PmapSystem::create() {
    if (!kept_.empty()) {
        Pmap& pmap = *kept_.back();
        kept_.pop_back();
        pinit(pmap);
        pinit2(pmap);
        return &pmap;
    }
    if (free_ids_.empty()) {
        free_ids_.push_back(static_cast<PmapId>(by_id_.size()));
        by_id_.push_back(nullptr);
        storage_.emplace_back().id = free_ids_.back();
    }
    Pmap& pmap = storage_[free_ids_.back() - 1];
    if (!pinit(pmap)) {
        return nullptr;
    }
    free_ids_.pop_back();
    pinit2(pmap);
    return &pmap;
}

// pmap_pinit (pmap.c:1168). Lists, masks and counts are empty: release() made sure of it. The generation goes on.
// False: no memory for the directory.
bool PmapSystem::pinit(Pmap& pmap) {
    coverage_.ran(PmapFunction::pinit);
    if (pmap.directory == nullptr) {
        Object& pteobj = objects_.allocate(ObjectType::page_table, kDirectoryIndex + 1);
        Page* const directory = pages_.alloc(pteobj, kDirectoryIndex, AllocClass::system);
        if (directory == nullptr) {
            pteobj.ref_count = 0;
            objects_.release(pteobj);
            return false;
        }
        pages_.zero_fill(*directory);
        pages_.set_valid_clean(*directory);
        pages_.wire(*directory);
        pages_.wakeup(*directory);
        pmap.directory = directory;
        pmap.pteobj = &pteobj;
        if (booted_) {
            kenter(directory_va(pmap), directory->frame << kPageShift);
        }
    }
    if (booted_) {
        set_pde(pmap, kCpuDataIndex, (cpu_data_->frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM);
    }
    set_pde(pmap, kDirectoryIndex, (pmap.directory->frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM);
    pmap.ptphint = nullptr;
    pmap.cached = 0;
    pmap.references = 1;
    pmap.resident_count = 1;  // the directory
    return true;
}

// pmap_pinit2 (pmap.c:1262): on the list first, or a growing kernel between the two would pass it by.
void PmapSystem::pinit2(Pmap& pmap) {
    coverage_.ran(PmapFunction::pinit2);
    const auto copy_kernel_part = [&] {
        for (PageIndex index = kKernelIndex; booted_ && index < pde_index(kernel_end_); ++index) {
            set_pde(pmap, index, pde(kernel_, index << kPdeShift));
        }
    };
    if (defects_.on(Defect::m19_copy_before_joining)) {
        copy_kernel_part();
        sched_.yield(BlockPoint::pmap);
        by_id_[pmap.id] = &pmap;
        return;
    }
    by_id_[pmap.id] = &pmap;
    copy_kernel_part();
}

Pmap* PmapSystem::find(PmapId id) const {
    return id < by_id_.size() ? by_id_[id] : nullptr;
}

void PmapSystem::reference(Pmap& pmap) {
    coverage_.ran(PmapFunction::reference);
    ++pmap.references;
}

void PmapSystem::unreference(Pmap& pmap) {
    coverage_.ran(PmapFunction::destroy);
    ensure_rule(pmap.references > 1, "I-77", "a pmap ends by pmap_release, not by its last reference");
    --pmap.references;
}

void PmapSystem::activate(CpuId cpu, Pmap* previous, Pmap* next) {
    coverage_.ran(PmapFunction::setlwpvm);
    const Pa directory = next != nullptr ? next->directory->frame << kPageShift : 0;
    if (previous == next && machine_.cpu(cpu).cr3 == directory) {
        return;
    }
    const std::uint32_t bit = 1U << cpu;
    if (next != nullptr) {
        next->active |= bit;
        interlock_wait(*next);
    }
    if (defects_.on(Defect::m18_old_bit_first) && previous != nullptr && previous != next) {
        previous->active &= ~bit;
        sched_.yield(BlockPoint::pmap);
    }
    machine_.load_cr3(cpu, directory);
    if (previous != nullptr && previous != next) {
        previous->active &= ~bit;
    }
}

void PmapSystem::replacevm(CpuId cpu, Pmap* previous, Pmap* next) {
    coverage_.ran(PmapFunction::replacevm);
    if (previous == next) {
        return;
    }
    ensure(previous == nullptr || previous == &initial_ || previous->active == 1U << cpu,
           "a process that changes its address space has one thread");
    activate(cpu, previous, next);
}

}  // namespace vmref::impl
