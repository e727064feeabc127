// Pagers: where a page's data comes from and goes to (semantics.md 2.8, 2.9).
#pragma once

#include <cstdint>

#include "impl/vm/kernel.h"

namespace vmref::impl {

// TRUE iff the pager holds data: default never, swap where a block is assigned, vnode below the end of the file.
bool pager_has_page(const Object& object, PageIndex index);

// Reads (object, index) into `m`, and perhaps neighbours (read-ahead; the last page of a cluster gets the RAM mark).
// A fully valid `m` is a read-ahead mark that was met: only the next cluster is started.
// Requires: m busied and in the object; the map not locked; the caller holds the object. Post: m may be another page at
// the same index by now, or nullptr. Blocks.
PagerResult pager_get_page(Kernel& k, Object& object, PageIndex index, Page*& m, Behavior behavior);

// Writes a page out and, when the write is complete, marks it clean; a store that happened meanwhile makes it dirty
// again (catalogue D-12). pend: the write has begun; the page is soft-busy and its object has paging in progress until
// it ends (UnfinishedIo). Anything else but ok: the page stays dirty and has no block; fail: there is nowhere to write
// to. Requires: busied, valid. Post: busied as before, even if pend. Blocks.
PagerResult pager_put_page(Kernel& k, Page& m);
// What has been begun ends, with `result` ok or error. In the name of who did the I/O, not of who asked for it.
void pager_finish_put(Kernel& k, Page& m, PagerResult result);
void pager_finish_get(Kernel& k, Page& m, PagerResult result);

// swap_pager_freespace: frees the blocks of [start, start + count); looks at no page.
void swap_free_space(Kernel& k, Object& object, PageIndex start, PageIndex count);
// swap_pager_unswapped: the page differs from its block from now on, so the block goes.
// Requires: the page is dirty or its block is no longer its only copy.
void swap_pager_unswapped(Kernel& k, Page& m);
// swapoff (semantics.md 2.9): every page that has a block comes back into memory, and its block goes; but for those
// that cannot be read. Processes may be killed for the memory. Blocks.
void swap_pager_off(Kernel& k);
// swap_pager_copy with destroy: blocks of `source` from `base` on move to `destination` where that has neither a
// valid page nor a block; all others go.
void swap_pager_copy(Kernel& k, Object& source, Object& destination, PageIndex base);

// A file of `size` bytes and its object, whose one reference is the vnode's own.
Object& vnode_create(Kernel& k, FileId file, std::uint32_t size);
// vnode_pager_lock: the shared lock of the vnode at the end of the object's chain, or nullptr. Blocks.
Vnode* vnode_pager_lock(Kernel& k, Object& object);
void vnode_unlock(Vnode& vnode);
// vnode_pager_freepage: frees a busied page unless it is wired or held, then only unbusies it.
void vnode_pager_freepage(Kernel& k, Page& m);
// Stores bytes inside one page of a file without bringing the page in: into the resident page, if it is valid, and
// into the block. For who cannot wait for memory.
void vnode_pager_write_through(Kernel& k, Vnode& vnode, std::uint32_t offset, const std::uint8_t* bytes,
                               std::uint32_t length);
// vnode_pager_setsize: sets the size; pages and blocks behind the end go, the partial last page is zeroed behind it.
// Blocks.
void vnode_pager_setsize(Kernel& k, Vnode& vnode, std::uint32_t size);

}  // namespace vmref::impl
