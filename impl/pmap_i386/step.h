// What pmap operations do to one PTE, as pure functions of the old word. Nothing is written here: the pmap commits a
// step inside the interlock in which it read the word, and does nothing to a PTE that is not a step.
//
// A stored word is 0 or a valid 4 KiB leaf. No step leaves M without RW on a managed leaf.
#pragma once

#include "impl/defects/defects.h"
#include "impl/machine/pte.h"
#include "ops/types.h"

namespace vmref::impl::pte {

// The new word, what counters gain (modulo 2^32), the news for the page that the old word mapped, and whether a pv
// entry goes or comes.
template <Word W>
struct Step {
    W pte;
    W d_resident = W(0U);
    W d_wired = W(0U);
    Bool<W> dirtied = Bool<W>(false);
    Bool<W> referenced = Bool<W>(false);
    Bool<W> pv_gone = Bool<W>(false);
    Bool<W> pv_new = Bool<W>(false);
};

template <Word W>
constexpr Step<W> keep(W old) {
    return Step<W>{.pte = old};
}

template <Word W>
constexpr Step<W> choose(Bool<W> condition, const Step<W>& then, const Step<W>& otherwise) {
    return {.pte = select(condition, then.pte, otherwise.pte),
            .d_resident = select(condition, then.d_resident, otherwise.d_resident),
            .d_wired = select(condition, then.d_wired, otherwise.d_wired),
            .dirtied = select(condition, then.dirtied, otherwise.dirtied),
            .referenced = select(condition, then.referenced, otherwise.referenced),
            .pv_gone = select(condition, then.pv_gone, otherwise.pv_gone),
            .pv_new = select(condition, then.pv_new, otherwise.pv_new)};
}

// q(prot): whatever is mapped can be read and executed, only the write right is a choice (pmap.c:3313).
template <Word W>
constexpr W protection_code(W prot) {
    return bits_if(any(prot, kProtWrite), W(kPteRW));
}

template <Word W>
struct Request {
    W pa;
    W va;
    W prot;
    Bool<W> wired;
    Bool<W> managed;
    Bool<W> global = Bool<W>(false);  // a kernel mapping on a machine with CR4.PGE
};

// A and M clear (pmap.c:2355).
template <Word W>
constexpr W fresh_pte(const Request<W>& request) {
    return (request.pa & W(kPteFrame)) | W(kPteV) | protection_code(request.prot) |
           bits_if(request.va < W(kUserEnd), W(kPteU)) | bits_if(request.wired, W(kPteW)) |
           bits_if(request.managed, W(kPteManaged)) | bits_if(request.global, W(kPteG));
}

// A TLB may hold more than the new word grants, or an M that it no longer has. W and MANAGED are software bits; a
// cached entry does not need A.
template <Word W>
constexpr Bool<W> needs_invalidation(W old, Same<W> now) {
    return any(old, kPteV) && any(W(old ^ now), kPteFrame | kPteV | kPteRW | kPteU | kPteM | kPteG);
}

// pmap_remove_pte of a valid leaf (pmap.c:1835).
template <Word W>
constexpr Step<W> remove(W old) {
    const Bool<W> managed = any(old, kPteManaged);
    return {.pte = W(0U),
            .d_resident = W(0U) - W(1U),
            .d_wired = W(0U) - bits_if(any(old, kPteW), W(1U)),
            .dirtied = managed && any(old, kPteM),
            .referenced = managed && any(old, kPteA),
            .pv_gone = managed};
}

template <Word W>
constexpr Step<W> remove_if_any(W old) {
    return choose<W>(old == W(0U), keep(old), remove(old));
}

// pmap_remove_pages: exit spares wired leaves (pmap.c:2986).
template <Word W>
constexpr Step<W> teardown(W old) {
    return choose<W>(any(old, kPteW), keep(old), remove(old));
}

// Of an address that is not tracked M means nothing (pmap.c:682).
template <Word W>
constexpr Step<W> heeding(Step<W> step, Same<Bool<W>> tracked) {
    step.dirtied = step.dirtied && tracked;
    return step;
}

// pmap_remove_pte as the pmap runs it.
template <Word W>
constexpr Step<W> remove(W old, Same<Bool<W>> tracked, const DefectSet& defects) {
    Step<W> step = heeding<W>(remove(old), tracked);
    if (defects.on(Defect::m16_remove_without_harvest)) {
        step.dirtied = step.referenced = Bool<W>(false);
    }
    return step;
}

template <Word W>
constexpr Step<W> teardown(W old, const DefectSet& defects) {
    Step<W> step = teardown(old);
    if (defects.on(Defect::b81_remove_pages_drops_reference)) {
        step.referenced = Bool<W>(false);
    }
    return step;
}

// pmap_enter. Requires: `old` is 0 or maps the same frame; another mapping is removed first. In place, a word that
// differs only in A and M stays as it is; otherwise M moves to the page. MANAGED follows the leaf that is there.
template <Word W>
constexpr Step<W> enter(W old, Request<W> request) {
    const Bool<W> in_place = old != W(0U);
    request.managed = select(in_place, any(old, kPteManaged), request.managed);
    const W now = fresh_pte(request);
    const Bool<W> same = (old & ~W(kPteA | kPteM)) == now;
    return {.pte = select(same, old, W(now | W(kPteA))),
            .d_resident = bits_if(!in_place, W(1U)),
            .d_wired = delta(old, now, kPteW),
            .dirtied = all(old, kPteManaged | kPteM),
            .pv_new = !in_place && request.managed};
}

// The word whose M is harvested: the one that the store exchanges, not an earlier sample (catalogue D-14, B-69).
template <Word W>
constexpr W harvested(W sample, Same<W> exchanged, const DefectSet& defects) {
    return defects.on(Defect::b69_enter_harvests_sample) ? sample : exchanged;
}

// Only a directory entry maps 4 MiB; bit 7 of a leaf is its PAT bit (pmap.c:2262, B-85).
template <Word W>
constexpr Bool<W> leaf_refused(W leaf, const DefectSet& defects) {
    return defects.on(Defect::b85_leaf_taken_for_big) ? any(leaf, kPtePS) : Bool<W>(false);
}

// pmap_enter_quick: readable, unwired, user; whatever is mapped there stays (pmap.c:2423).
template <Word W>
constexpr Step<W> enter_quick(W old, Same<W> pa, Same<Bool<W>> managed) {
    const Step<W> entered{.pte = (pa & W(kPteFrame)) | W(kPteV | kPteU) | bits_if(managed, W(kPteManaged)),
                          .d_resident = W(1U),
                          .pv_new = managed};
    return choose<W>(old != W(0U), keep(old), entered);
}

// RW goes; the A and M of a managed leaf move to its page, those of an unmanaged one stay (pmap.c:2151).
template <Word W>
constexpr Step<W> write_protect(W old) {
    const Bool<W> managed = any(old, kPteManaged);
    Step<W> step = keep(W(old & ~(W(kPteRW) | bits_if(managed, W(kPteA | kPteM)))));
    step.dirtied = managed && any(old, kPteM);
    step.referenced = managed && any(old, kPteA);
    return step;
}

// pmap_protect: never adds a right.
template <Word W>
constexpr Step<W> protect(W old, Same<W> prot) {
    return choose<W>(none(prot, kProtRead), remove_if_any(old),
                     choose<W>(any(prot, kProtWrite), keep(old), write_protect(old)));
}

// A kernel mapping that nothing counts (pmap_kenter and its relatives) becomes another, or none.
template <Word W>
constexpr Step<W> replace(W /*old*/, Same<W> now) {
    return keep(W(now));
}

// A 4 MiB page where nothing was mapped: unmanaged, counted as what it maps.
template <Word W>
constexpr Step<W> install_big(W old, Request<W> request) {
    return choose<W>(
        old != W(0U), keep(old),
        Step<W>{.pte = (fresh_pte(request) & ~W(kPteManaged)) | W(kPtePS), .d_resident = W(kPtesPerTable)});
}

// A 4 MiB directory entry counts as the 1024 pages it maps.
template <Word W>
constexpr Step<W> remove_big(W pde) {
    return choose<W>(pde == W(0U), keep(pde), Step<W>{.pte = W(0U), .d_resident = W(0U) - W(kPtesPerTable)});
}

// Only the write right goes: the pages stay mapped and counted, and nobody but the entry knows its M (B-65, B-66).
template <Word W>
constexpr Step<W> protect_big(W pde, Same<W> prot) {
    return choose<W>(none(prot, kProtRead), remove_big(pde),
                     choose<W>(any(prot, kProtWrite), keep(pde), keep(W(pde & ~W(kPteRW)))));
}

template <Word W>
constexpr Step<W> protect_big(W pde, Same<W> prot, const DefectSet& defects) {
    Step<W> step = protect_big(pde, prot);
    if (defects.on(Defect::b65_protect_big_uncounts)) {
        step.d_resident = W(0U) - W(kPtesPerTable);
    }
    if (defects.on(Defect::b66_protect_big_clears_modify)) {
        step.pte = step.pte & ~W(kPteM);
    }
    return step;
}

// pmap_clearbit on a managed leaf: M goes with RW, to the page; a cleared M or A is the caller's to remember.
template <std::uint32_t kBit, Word W>
constexpr Step<W> clear(W old) {
    static_assert(kBit == kPteRW || kBit == kPteM || kBit == kPteA);
    if constexpr (kBit == kPteRW) {
        Step<W> step = keep(W(old & ~W(kPteRW | kPteM)));
        step.dirtied = any(old, kPteM);
        return step;
    } else {
        return keep(W(old & ~W(kBit)));
    }
}

// pmap_page_protect on one managed mapping of the page (pmap.c:3185).
template <Word W>
constexpr Step<W> page_protect(W old, Same<W> prot) {
    return choose<W>(any(prot, kProtWrite), keep(old),
                     choose<W>(any(prot, kProtRead | kProtExecute), clear<kPteRW>(old), remove_if_any(old)));
}

// Wiring is nothing that the hardware knows of (pmap.c:2733).
template <Word W>
constexpr Step<W> rewire(W old, Same<Bool<W>> wired) {
    Step<W> step = keep(W((old & ~W(kPteW)) | bits_if(wired, W(kPteW))));
    step.d_wired = delta(old, step.pte, kPteW);
    return step;
}

}  // namespace vmref::impl::pte
