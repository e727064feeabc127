// vm_page functions that must look at mappings as well as at the page.
#pragma once

#include "impl/vm/kernel.h"

namespace vmref::impl {

// vm_page_test_dirty: a store that only a PTE knows of is moved to page.dirty; M bits stay.
void page_test_dirty(Kernel& k, Page& m);
// vm_page_free. Requires: busied, unmapped.
void page_free(Kernel& k, Page& m);
// Removes every mapping, then frees. Requires: busied, unwired.
void page_unmap_and_free(Kernel& k, Page& m);
// vm_page_cache: a clean page leaves its mappings and may be reused at once. A store found on the way keeps it
// (deactivated). An anonymous page without block and nothing below is freed: what it held is discarded, and the
// discard is witnessed. Requires: busied, unwired, unheld. Post: not busied, and possibly freed.
void page_cache(Kernel& k, Page& m);
// vm_page_dontneed: the page looks unused from now on; a store that only a PTE knows of is harvested.
void page_dontneed(Kernel& k, Page& m);
// vm_set_nosync (vm_fault.c:2693): a page that a fault lets be stored to gets or loses the NOSYNC mark by its entry; a
// dirty page is not marked newly.
void page_set_nosync(Kernel& k, Page& m, bool entry_nosync);
// Reports that the contents of (object, index) become zero for everyone who sees them, as madvise(free) allowed.
void witness_discard(Kernel& k, const Object& object, PageIndex index);
// One wiring goes from `from` to `to`; both busied (catalogue D-1, D-4).
void page_move_wiring(Kernel& k, Page& from, Page& to);

}  // namespace vmref::impl
