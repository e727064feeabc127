// The operations on pmaps and pages.
#include <algorithm>
#include <cstring>

#include "model/mapping_state.h"

namespace vmref::model {

namespace {

bool grants_write(Prot prot) {
    return (prot & kProtWrite) != 0;
}

}  // namespace

void Mappings::take(Step& step, const PageCall& op) {
    PageState* const page = find_page(op.page);
    switch (op.call) {
        case PageCallName::page_alloc:
        case PageCallName::page_alloc_unmanaged:
            if (free_frames() <= config_.free_reserved) {
                step.expected.status = Status::resource_shortage;
                return;
            }
            pages_[op.page].managed = op.call == PageCallName::page_alloc;
            return;
        case PageCallName::page_free:
            remove_page(op.page);
            pages_.erase(op.page);
            return;
        case PageCallName::page_wire:
            ++page->wirings;
            return;
        case PageCallName::page_unwire:
            --page->wirings;
            return;
        case PageCallName::pmap_remove_all:
            remove_page(op.page);
            return;
        case PageCallName::pmap_clear_modify:
            page->written = false;
            for (const auto& place : page->places) {
                find(place.pmap, place.va)->stored = false;
            }
            return;
        case PageCallName::pmap_clear_reference:
            page->must_be_referenced = false;
            for (const auto& place : page->places) {
                Leaf& leaf = *find(place.pmap, place.va);
                leaf.used = false;
                leaf.vague = true;
            }
            return;
        case PageCallName::pmap_ts_referenced:
        case PageCallName::pmap_is_modified:
        case PageCallName::pmap_is_referenced:
            take_reference_query(step, op);
            return;
        case PageCallName::pmap_zero_page:
            page->bytes.clear();
            page->written = true;
            return;
        case PageCallName::pmap_page_assertzero: {
            const bool zero =
                std::all_of(page->bytes.begin(), page->bytes.end(), [](std::uint8_t byte) { return byte == 0; });
            step.expected.status = zero ? Status::success : Status::failure;
            return;
        }
    }
}

// What the hardware noted: the implementation says it, and must say what nobody can have missed.
void Mappings::take_reference_query(Step& step, const PageCall& op) {
    PageState& page = *find_page(op.page);
    const std::uint32_t value = step.actual.value;
    step.expected.value = value;
    std::uint32_t tracked = 0;
    bool used = false;
    bool stored = false;
    for (const auto& place : page.places) {
        Leaf& leaf = *find(place.pmap, place.va);
        if (is_untracked(place.va)) {
            continue;
        }
        ++tracked;
        used = used || leaf.used;
        stored = stored || leaf.stored;
        if (op.call == PageCallName::pmap_ts_referenced) {
            leaf.used = false;
            leaf.vague = true;
        }
    }
    if (op.call == PageCallName::pmap_is_modified) {
        step.complain((value != 0) == page.written, "the page's modification is not what its stores say");
        step.complain((value & 1) == 0 || stored, "a PTE claims a modification that nobody made");
    } else {
        step.complain(value != 0 || !used, "no reference was found, though a mapping was used");
        step.complain(value <= std::min(tracked, 5U), "more references were found than there are mappings");
    }
}

void Mappings::take(Step& /*step*/, const PmapZeroPageArea& op) {
    std::memset(bytes(op.page) + op.offset, 0, op.length);
    find_page(op.page)->written = true;
}

void Mappings::take(Step& /*step*/, const PmapCopyPage& op) {
    const bool whole = op.from_offset == 0 && op.to_offset == 0 && op.length == 0;
    const std::uint8_t* const from = bytes(op.from);
    std::memmove(bytes(op.to) + op.to_offset, from + op.from_offset, whole ? kPageSize : op.length);
    find_page(op.to)->written = true;
}

void Mappings::take(Step& /*step*/, const PmapPageProtect& op) {
    if (grants_write(op.prot)) {
        return;
    }
    if (op.prot == kProtNone) {
        remove_page(op.page);
        return;
    }
    for (const auto& place : find_page(op.page)->places) {
        if (!is_untracked(place.va)) {
            Leaf& leaf = *find(place.pmap, place.va);
            leaf.writable = false;
            leaf.stored = false;
        }
    }
}

void Mappings::take(Step& step, const PmapCall& op) {
    switch (op.call) {
        case PmapCallName::pmap_pinit:
            if (kept_ == 0 && free_frames() == 0) {
                step.expected.status = Status::resource_shortage;
                return;
            }
            kept_ -= kept_ != 0 ? 1 : 0;
            ++live_;
            spaces_[op.pmap].emplace();
            return;
        case PmapCallName::pmap_release:
            remove_range(op.pmap, 0, kUserEnd);
            spaces_[op.pmap].reset();
            --live_;
            ++kept_;
            return;
        case PmapCallName::pmap_puninit:
            kept_ -= kept_ != 0 ? 1 : 0;
            return;
        case PmapCallName::pmap_reference:
            ++spaces_[op.pmap]->references;
            return;
        case PmapCallName::pmap_destroy:
            --spaces_[op.pmap]->references;
            return;
    }
}

void Mappings::take(Step& /*step*/, const PmapSwitch& op) {
    running_[op.cpu] = op.pmap;
}

void Mappings::take(Step& step, const PmapEnter& op) {
    const Va va = trunc_page(op.va);
    const bool user = va < kUserEnd;
    const PageState* const page = find_page(op.page);
    const bool has_pv = page == nullptr || take_pv(*page);
    const bool table_missing = user && !spaces_[op.pmap]->tables.contains(va >> 22);
    if (!has_pv || (table_missing && free_frames() == 0)) {
        step.expected.status = Status::resource_shortage;
        return;
    }
    spaces_[op.pmap]->bigs.erase(va >> 22);
    Leaf* const old = find(op.pmap, va);
    if (old != nullptr && old->page == op.page) {
        if (old->writable != grants_write(op.prot) || old->wired != op.wired) {
            old->used = true;
            old->stored = old->stored && managed(op.page);
        }
        old->writable = grants_write(op.prot);
        old->wired = op.wired;
        return;
    }
    // The new mapping keeps the page table when the old one goes.
    add_over(op.pmap, va, Leaf{.page = op.page, .writable = grants_write(op.prot), .wired = op.wired, .used = true});
}

void Mappings::add_over(PmapNumber pmap, Va va, const Leaf& leaf) {
    if (find(pmap, va) != nullptr) {
        remove(pmap, va);
    }
    add(pmap, va, leaf);
}

Status Mappings::enter_quick(PmapNumber pmap, Va va, PageNumber number) {
    const PageState* const page = find_page(number);
    const bool has_pv = page == nullptr || take_pv(*page);
    const bool table_missing = !spaces_[pmap]->tables.contains(va >> 22);
    if (!has_pv || (table_missing && free_frames() == 0)) {
        return Status::resource_shortage;
    }
    if (find(pmap, va) == nullptr) {
        add(pmap, va, Leaf{.page = number});
    }
    return Status::success;
}

void Mappings::take(Step& step, const PmapEnterQuick& op) {
    step.expected.status = enter_quick(op.pmap, trunc_page(op.va), op.page);
}

void Mappings::take(Step& /*step*/, const PmapObjectInitPt& op) {
    constexpr std::uint32_t many = 96;
    if ((op.prot & kProtRead) == 0 || (op.partial && op.pages > many && pages_.size() > many)) {
        return;
    }
    for (auto it = pages_.lower_bound(op.page); it != pages_.end() && it->first < op.page + op.pages; ++it) {
        if (enter_quick(op.pmap, op.va + ((it->first - op.page) << kPageShift), it->first) != Status::success) {
            return;
        }
    }
}

void Mappings::take(Step& /*step*/, const PmapInstall4m& op) {
    spaces_[op.pmap]->bigs[op.va >> 22] = BigLeaf{.writable = grants_write(op.prot)};
}

void Mappings::take(Step& /*step*/, const PmapRange& op) {
    const Va end = op.va + (op.pages << kPageShift);
    if (op.call == RangeCallName::pmap_remove) {
        remove_range(op.pmap, op.va, end);
        return;
    }
    std::vector<Va> gone;
    for_each_leaf(op.pmap, op.va, end, [&](Va va, const Leaf& leaf) {
        if (!leaf.wired && managed(leaf.page)) {
            gone.push_back(va);
        }
    });
    for (const Va va : gone) {
        remove(op.pmap, va);
    }
}

void Mappings::take(Step& /*step*/, const PmapProtect& op) {
    const Va end = op.va + (op.pages << kPageShift);
    if ((op.prot & kProtRead) == 0) {
        remove_range(op.pmap, op.va, end);
        return;
    }
    if (grants_write(op.prot) || op.pages == 0) {
        return;
    }
    for_each_leaf(op.pmap, op.va, end, [&](Va /*va*/, Leaf& leaf) { write_protect(leaf); });
    auto& bigs = spaces_[op.pmap]->bigs;
    for (auto it = bigs.lower_bound(op.va >> 22); it != bigs.end() && it->first <= (end - 1) >> 22; ++it) {
        it->second.writable = false;
    }
}

void Mappings::take(Step& step, const PmapAddress& op) {
    Leaf* const leaf = find(op.pmap, op.va);
    const bool is_big = big(op.pmap, op.va) != nullptr;
    switch (op.call) {
        case AddressCallName::pmap_extract: {
            const KernelLeaf* const kernel = op.pmap == kKernelPmap ? kernel_leaf(op.va) : nullptr;
            const PageNumber page = leaf != nullptr ? leaf->page : kernel != nullptr ? kernel->page : 0;
            if (is_big) {
                step.expected.value =
                    ((kDevicePage + (page_of(op.va) & 1023U) + 1) << kPageShift) | (op.va & kPageMask);
            } else if (leaf != nullptr || kernel != nullptr) {
                step.expected.value = ((page + 1) << kPageShift) | (op.va & kPageMask);
            }
            return;
        }
        case AddressCallName::pmap_prefault_ok: {
            const bool table = spaces_[op.pmap]->tables.contains(op.va >> 22);
            step.expected.value = table && leaf == nullptr ? 1 : 0;
            return;
        }
        case AddressCallName::pmap_mincore:
            take_mincore(step, op);
            return;
        case AddressCallName::pmap_wire:
        case AddressCallName::pmap_unwire:
            if (leaf != nullptr) {
                leaf->wired = op.call == AddressCallName::pmap_wire;
                step.expected.value = op.call == AddressCallName::pmap_unwire ? leaf->page + 1 : 0;
            }
            return;
    }
}

void Mappings::take_mincore(Step& step, const PmapAddress& op) {
    const Leaf* const leaf = find(op.pmap, op.va);
    if (leaf == nullptr || !managed(leaf->page)) {
        step.expected.value = leaf != nullptr || big(op.pmap, op.va) != nullptr ? kMincoreIncore : 0;
        return;
    }
    const std::uint32_t value = step.actual.value;
    step.expected.value = value;
    PageState& page = *find_page(leaf->page);
    bool used = page.must_be_referenced;
    for (const auto& place : page.places) {
        used = used || (!is_untracked(place.va) && find(place.pmap, place.va)->used);
    }
    const auto has = [value](std::uint32_t bit) { return (value & bit) != 0; };
    step.complain(has(kMincoreIncore), "a mapped page is not in core");
    step.complain(has(kMincoreModifiedOther) == page.written, "the page's modification is not what its stores say");
    step.complain(!has(kMincoreModified) || (leaf->stored && has(kMincoreModifiedOther)),
                  "the mapping claims a store that was not made");
    step.complain(has(kMincoreReferenced) || !leaf->used, "a use of the mapping is not reported");
    step.complain(!has(kMincoreReferenced) || has(kMincoreReferencedOther), "who used it is not among all");
    step.complain(has(kMincoreReferencedOther) || !used, "a use of the page is not reported");
    if (!has(kMincoreReferenced)) {
        // It may have taken A bits of other mappings; then the page is marked.
        for (const auto& place : page.places) {
            Leaf& other = *find(place.pmap, place.va);
            other.used = other.used && is_untracked(place.va);
            other.vague = true;
        }
        page.must_be_referenced = has(kMincoreReferencedOther);
    }
}

void Mappings::take(Step& step, const PmapPair& op) {
    PageState& page = *find_page(op.page);
    const auto mine = [&](const PageState::Place& place) { return place.pmap == op.pmap; };
    if (op.call == PairCallName::pmap_page_exists_quick) {
        constexpr std::size_t looked_at = 16;
        const bool exists = std::any_of(page.places.begin(), page.places.end(), mine);
        const bool seen = step.actual.value != 0;
        step.complain(!seen || exists, "a mapping was seen that is not there");
        step.complain(seen || !exists || page.places.size() > looked_at, "a mapping was overlooked");
        step.expected.value = seen ? 1 : 0;
        return;
    }
    for (auto it = std::find_if(page.places.begin(), page.places.end(), mine); it != page.places.end();
         it = std::find_if(page.places.begin(), page.places.end(), mine)) {
        remove(op.pmap, it->va);
    }
}

void Mappings::take(Step& step, const PmapCollect& /*op*/) {
    step.expected.value = pv_woken_ ? 1 : 0;
    if (!pv_woken_) {
        return;
    }
    pv_woken_ = false;
    for (auto& [number, page] : pages_) {
        if (page.managed && page.wirings == 0) {
            remove_page(number);
        }
    }
}

}  // namespace vmref::model
