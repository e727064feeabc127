// The life of a pmap, its place on the CPUs, and queries.
#include "impl/pmap_i386/pmap.h"

#include "impl/pmap_i386/object_hold.h"

namespace vmref::impl {

PmapSystem::PmapSystem(const Config& config, const DefectSet& /*defects*/, Machine& machine, PageSystem& pages,
                       ObjectStore& objects, Scheduler& sched, Journal& journal)
    : machine_(machine),
      pages_(pages),
      objects_(objects),
      sched_(sched),
      journal_(journal),
      by_id_(1, nullptr),  // id 0 names nobody
      pv_tables_(std::size_t{config.frames} + 1) {}

// The kernel's part of the directory stays empty.
Pmap* PmapSystem::create() {
    Object& pteobj = objects_.allocate(ObjectType::page_table, kDirectoryIndex + 1);
    Page* const directory = pages_.alloc(pteobj, kDirectoryIndex, AllocClass::system);
    if (directory == nullptr) {
        pteobj.ref_count = 0;
        objects_.release(pteobj);
        return nullptr;
    }
    pages_.zero_fill(*directory);
    pages_.set_valid_clean(*directory);
    pages_.wire(*directory);
    pages_.wakeup(*directory);

    if (free_ids_.empty()) {
        free_ids_.push_back(static_cast<PmapId>(by_id_.size()));
        by_id_.push_back(nullptr);
        storage_.emplace_back();
    }
    const PmapId id = free_ids_.back();
    free_ids_.pop_back();
    // Lists, masks and counts are empty: destroy() made sure of it. The generation goes on.
    Pmap& pmap = storage_[id - 1];
    pmap.id = id;
    pmap.directory = directory;
    pmap.pteobj = &pteobj;
    pmap.ptphint = nullptr;
    pmap.resident_count = 1;  // the directory
    set_pde(pmap, kDirectoryIndex, (directory->frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM);
    by_id_[id] = &pmap;
    return &pmap;
}

void PmapSystem::destroy(Pmap& pmap) {
    ensure(find(pmap.id) == &pmap, "a pmap is destroyed once");
    ensure_rule(pmap.active == 0, "I-77", "a destroyed pmap is active on no CPU");
    sched_.yield(BlockPoint::pmap_release);
    {
        const ObjectHold hold(*pmap.pteobj, sched_);
        ensure_rule(pmap.resident_count == 1 && pmap.wired_count == 0, "I-62", "a destroyed pmap maps nothing");
        ensure_rule(pmap.pv_list.empty(), "I-77", "no pv entry refers to a destroyed pmap");
        pages_.busy_wait(*pmap.directory);
        set_pde(pmap, kDirectoryIndex, 0);
        release_zero_page(*pmap.directory);
    }
    pmap.pteobj->ref_count = 0;
    objects_.release(*pmap.pteobj);
    pmap.directory = nullptr;
    pmap.pteobj = nullptr;
    pmap.resident_count = 0;
    by_id_[pmap.id] = nullptr;
    free_ids_.push_back(pmap.id);
}

Pmap* PmapSystem::find(PmapId id) const {
    return id < by_id_.size() ? by_id_[id] : nullptr;
}

void PmapSystem::activate(CpuId cpu, Pmap* previous, Pmap* next) {
    const Pa directory = next != nullptr ? next->directory->frame << kPageShift : 0;
    if (previous == next && machine_.cpu(cpu).cr3 == directory) {
        return;
    }
    const std::uint32_t bit = 1U << cpu;
    if (next != nullptr) {
        next->active |= bit;
        ensure_rule(!next->interlocked, "I-68", "no CPU enters an address space during a PTE change");
    }
    machine_.load_cr3(cpu, directory);
    if (previous != nullptr && previous != next) {
        previous->active &= ~bit;
    }
}

bool PmapSystem::prefault_ok(const Pmap& pmap, Va va) const {
    const std::uint32_t directory_entry = pde(pmap, va);
    return directory_entry != 0 && (directory_entry & kPtePS) == 0 &&
           machine_.memory().read32((directory_entry & kPteFrame) + 4 * pte_index(va)) == 0;
}

std::uint32_t PmapSystem::pde(const Pmap& pmap, Va va) const {
    return machine_.memory().read32(pde_address(pmap, va));
}

std::uint32_t PmapSystem::pte(const Pmap& pmap, Va va) const {
    const Pa address = pte_address(pmap, va);
    return address != 0 ? machine_.memory().read32(address) : 0;
}

Page* PmapSystem::page_at(const Pmap& pmap, Va va) {
    const std::uint32_t word = pte(pmap, va);
    if ((word & kPteV) == 0) {
        return nullptr;
    }
    const Frame frame = word >> kPageShift;
    return &pages_.page_of_frame((word & kPtePS) != 0 ? frame + pte_index(va) : frame);
}

}  // namespace vmref::impl
