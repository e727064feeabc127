// The pageout daemon: which pages leave memory (vm_pageout.c as far as the sources rely on it).
#pragma once

#include <cstdint>

#include "impl/vm/kernel.h"

namespace vmref::impl {

// One pass over at most `max_pages` pages of the inactive queue and as many of the active one. Inactive pages that were
// referenced are activated, dirty ones written, clean ones cached; active ones age towards the inactive queue until it
// has inactive_target pages. forced: references and ages do not protect a page. Returns how many pages were written,
// cached or freed. Blocks.
std::uint32_t pageout_scan(Kernel& k, std::uint32_t max_pages, bool forced);

// What a thread that waits for memory sets going: passes of rising force until free_target is reached or nothing
// moves any more. False: fewer pages are free than faults need to get on.
bool pageout_until_plenty(Kernel& k);

// vm_pageout_map_deactivate_pages: takes mappings of the map away until at most `limit` are left, first those that were
// not used lately; never wired ones, nor that of
// `kept` and those beside it. Pages that nobody maps any more become inactive. Blocks.
void map_deactivate_pages(Kernel& k, Map& map, std::uint32_t limit, Va kept);

}  // namespace vmref::impl
