// vm_object.c: references, shadowing, collapse, cleaning and removal of ranges (semantics.md section 4).
#pragma once

#include <cstdint>

#include "impl/vm/kernel.h"

namespace vmref::impl {

// --- lifecycle (vm_object.cc) ---------------------------------------------------------------------------------------
void object_reference(Kernel& k, Object& object);  // vm_object.c:232
// Drops one reference; collapses or terminates what is left alone by it (vm_object.c:277). Blocks.
void object_deallocate(Kernel& k, Object* object);
void object_terminate(Kernel& k, Object& object);  // vm_object.c:379. Blocks
// The object's mappings may store from now on (vm_object.c:1678).
void object_set_writeable_dirty(Kernel& k, Object& object);

// --- chains ---------------------------------------------------------------------------------------------------------
// vm_object_shadow (vm_object.c:1000): a new object of `length` pages that shadows `source` at `offset`; the caller's
// reference on `source` becomes the shadow's. Returns `source` itself, offset unchanged, if nobody else could see it.
Object& object_shadow(Kernel& k, Object& source, std::uint64_t& offset, PageIndex length);
// Links `object` on top of `backing` at `offset` bytes; the caller's reference on `backing` becomes the link's.
void object_set_backing(Kernel& k, Object& object, Object& backing, std::uint64_t offset);
// Takes `object` off its backing object's shadow list; the reference on that becomes the caller's.
void object_unlink_backing(Kernel& k, Object& object);
// Merges or skips backing objects as long as that changes no contents (vm_object.c:1305, catalogue D-7). Blocks.
void object_collapse(Kernel& k, Object& object);
// vm_object_qcollapse (vm_object.c:1283): moves up, or frees, what can be had of the backing object without waiting, if
// nobody else sees that. Changes no contents and no link.
void object_qcollapse(Kernel& k, Object& object);
// vm_object_coalesce (vm_object.c:1617, catalogue B-64): pages [first, first + count) are the end of a mapping that
// `next` pages are appended to. True: the object ends no earlier than that, and nothing of what it had there is left.
// False: it has something below, or others may use what lies behind. Blocks.
bool object_coalesce(Kernel& k, Object& object, PageIndex first, PageIndex count, PageIndex next);

// --- ranges of pages: [start, end) in page indexes ------------------------------------------------------------------

// vm_object_page_remove (vm_object.c:1499): pages and blocks go. clean_only: only clean, unheld pages, and no blocks. A
// wired page stays, invalid and clean (catalogue D-4). Blocks.
void object_page_remove(Kernel& k, Object& object, PageIndex start, PageIndex end, bool clean_only);
// vm_object_page_clean (vm_object.c:486, catalogue D-13): writes dirty pages of a vnode object back. Blocks.
void object_page_clean(Kernel& k, Object& object, PageIndex start, PageIndex end);
// vm_object_madvise (vm_object.c:873): page by page down the chain. Blocks.
void object_madvise(Kernel& k, Object& object, PageIndex start, PageIndex count, Advice advice);
// vm_object_deactivate_pages (vm_object.c:765): of the whole object.
void object_deactivate_pages(Kernel& k, Object& object);
// vm_object_pmap_copy_1 (vm_object.c:794): no mapping of the pages may be stored to from now on. Blocks.
void object_pmap_copy_1(Kernel& k, Object& object, PageIndex start, PageIndex end);
// vm_object_pmap_remove (vm_object.c:828): no mapping of the pages is left. Blocks.
void object_pmap_remove(Kernel& k, Object& object, PageIndex start, PageIndex end);

// --- contents (object_content.cc) -----------------------------------------------------------------------------------

// Where content(object, index) is: the first of valid page, swap block, file block on the chain, else zero; or the
// refusal of a file that ends before the index (invariants.md, I-02).
struct Content {
    enum class Kind : std::uint8_t { zero, page, swap, file, refused };
    Kind kind = Kind::zero;
    const Object* object = nullptr;  // the level that has it; nullptr for zero
    PageIndex index = 0;             // at that level
    const Page* page = nullptr;
};
Content object_content(const Object* object, PageIndex index);
// Its bytes; nullptr is all zero (or refused).
const std::uint8_t* content_bytes(Kernel& k, const Content& content);
// The first resident page, valid or not, on the chain: the wired page of a wired entry (catalogue D-4).
Page* chain_resident_page(Kernel& k, Object* object, PageIndex index);

// Calls visit(entry, va) for every map entry through which (object, index) could be seen: entries of the object and of
// the objects that shadow it there and have nothing of their own on top.
template <class Visit>
void for_each_view(const Object& object, PageIndex index, Visit&& visit) {
    for (MapEntry* entry = object.first_entry; entry != nullptr; entry = entry->next_of_object) {
        if (entry->covers_index(index)) {
            visit(*entry, entry->va_of(index));
        }
    }
    for (const Object& shadow : object.shadows) {
        const std::uint64_t first = shadow.backing_offset >> kPageShift;
        if (index < first || index - first >= shadow.size) {
            continue;
        }
        const PageIndex above = index - static_cast<PageIndex>(first);
        if (object_content(&shadow, above).object != &shadow) {
            for_each_view(shadow, above, visit);
        }
    }
}

}  // namespace vmref::impl
