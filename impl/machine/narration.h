// Steps told as they happen, for a reader. Arguments are plain numbers, so that every layer can tell its part.
#pragma once

#include <cstdint>
#include <string_view>

#include "ops/types.h"

namespace vmref::impl {

// What the fault handler found at one level of a shadow chain.
enum class LevelFind : std::uint8_t {
    nothing,  // no page
    busy,     // a page that somebody else has busied
    invalid,  // a page without data
    mark,     // a valid page with the read-ahead mark
    page,     // a valid page
};

struct NarratedPage {
    std::uint32_t object;  // id
    PageIndex index;
    Frame frame;
};

// Whoever is installed as Journal::narration is told. Each call comes right after the step, unless it says otherwise;
// the kernel may be looked at, never changed. Pmaps and objects are named by their ids.
class Narration {
  public:
    virtual ~Narration() = default;

    // --- the fault handler ---------------------------------------------------------------------------------------
    virtual void fault_began(std::uint32_t /*pmap*/, Va /*va*/, Prot /*needed*/, bool /*wiring*/) {}
    // A kernel user wants the page that a fault at the object finds.
    virtual void object_fault_began(std::uint32_t /*object*/, PageIndex /*index*/, Prot /*needed*/) {}
    virtual void entry_looked_at(std::uint32_t /*pmap*/, Va /*va*/) {}  // before anything is made of the entry
    virtual void level_searched(const NarratedPage& /*page*/, LevelFind /*find*/) {}
    virtual void page_allocated(const NarratedPage& /*page*/) {}
    // `ahead` pages behind it were read as well. Not `wanted`: the page itself was there, only they were read.
    virtual void page_read(const NarratedPage& /*page*/, bool /*wanted*/, std::uint32_t /*ahead*/) {}
    // The data could not be had; `pid`: of the process that asked, 0: a thread without one.
    virtual void read_failed(const NarratedPage& /*page*/, Pid /*pid*/) {}
    virtual void page_zeroed(const NarratedPage& /*page*/) {}
    virtual void page_copied(const NarratedPage& /*from*/, const NarratedPage& /*to*/) {}
    // The walk went through word `slot` of the page of a virtual page table, which was `old`.
    virtual void table_passed(const NarratedPage& /*table*/, std::uint32_t /*slot*/, std::uint32_t /*old*/,
                              std::uint32_t /*now*/) {}
    // Before the page moves.
    virtual void page_stolen(const NarratedPage& /*from*/, const NarratedPage& /*to*/) {}
    virtual void fault_left(std::string_view /*exit*/) {}  // by a rule of kExitRules
    virtual void prefault_began() {}                       // what is entered from here on are neighbours
    virtual void fault_ended(Status /*status*/, std::uint32_t /*attempts*/) {}
    virtual void waited_for_memory() {}

    // --- the pmap ------------------------------------------------------------------------------------------------
    // The word changed. `invalidated`: the CPUs whose TLB was told, as a mask.
    virtual void pte_changed(std::uint32_t /*pmap*/, Va /*va*/, std::uint32_t /*old*/, std::uint32_t /*now*/,
                             std::uint32_t /*invalidated*/) {}
    virtual void pde_changed(std::uint32_t /*pmap*/, std::uint32_t /*index*/, std::uint32_t /*now*/) {}

    // --- objects and pagers --------------------------------------------------------------------------------------
    // The entry that starts at `start` has `result` now instead of `source` (0: none). Equal: it kept its object.
    virtual void entry_shadowed(std::uint32_t /*pmap*/, Va /*start*/, std::uint32_t /*source*/,
                                std::uint32_t /*result*/) {}
    // The next two: before anything moves.
    virtual void object_collapsed(std::uint32_t /*object*/, std::uint32_t /*backing*/) {}
    virtual void object_bypassed(std::uint32_t /*object*/, std::uint32_t /*backing*/) {}
    virtual void collapse_refused(std::uint32_t /*object*/, std::uint32_t /*backing*/) {}
    virtual void object_released(std::uint32_t /*object*/) {}  // before its id becomes free
    virtual void page_written(const NarratedPage& /*page*/, bool /*written*/) {}
};

}  // namespace vmref::impl
