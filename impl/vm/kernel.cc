#include "impl/vm/kernel.h"

namespace vmref::impl {

Kernel::Kernel(const Config& config_in, const DefectSet& defects_in)
    : config(config_in),
      defects(defects_in),
      journal(config.frames + 1),
      machine(config, defects, journal),
      pages(config, defects, machine, sched, journal),
      objects(journal),
      pmaps(config, defects, machine, pages, objects, sched, journal),
      swap(config.swap_slots),
      injection(config.io_errors) {}

void Kernel::wait_for_memory() {
    ++stats.memory_waits;
    sched.sleep(BlockPoint::memory, pages.memory_channel());
    if (journal.narration != nullptr) {
        journal.narration->waited_for_memory();
    }
}

}  // namespace vmref::impl
