// A pmap as a whole: K virtual pages, P physical pages, whole 32-bit PTEs, one TLB entry for each virtual page. Its
// transitions are made of the steps of impl/pmap_i386/step.h alone; `apply` does what commit, insert_pv and remove_pv
// do with what a step says.
#pragma once

#include <string>
#include <vector>

#include "props/smt/pte_terms.h"

namespace vmref::smt {

template <class W>
struct PmapState {
    using B = Bool<W>;
    using Flags = std::vector<B>;  // std::vector<bool> has no references to its elements: none are taken

    // What does not change: addresses, frames, and which pages have pv entries.
    std::vector<W> va;
    Flags tracked;
    std::vector<W> pa;
    Flags managed;
    W base;  // resident pages besides the leaves: the directory and the page tables

    std::vector<W> pte;
    std::vector<W> cached;  // the word from which a TLB has its translation; 0: none
    W resident;
    W wired;
    Flags dirty, referenced, mapped, writeable;  // by page
    Flags unsaved;                               // ghost: stored to through a tracked mapping since it was clean
    std::vector<Flags> pv;                       // by slot, then page

    std::size_t slots() const { return pte.size(); }
    std::size_t pages() const { return pa.size(); }
    B maps(std::size_t slot, std::size_t page) const {
        return any(pte[slot], kPteV) && (pte[slot] & W(kPteFrame)) == pa[page];
    }
    B has_pv(std::size_t page) const {
        B some = B(false);
        for (std::size_t slot = 0; slot < slots(); ++slot) {
            some = some || pv[slot][page];
        }
        return some;
    }
};

template <class W>
PmapState<W> any_pmap(Session<W>& in, unsigned slots, unsigned pages) {
    PmapState<W> s;
    const auto name = [](const char* what, unsigned n) { return what + std::to_string(n); };
    s.base = in.word("base");
    s.resident = in.word("resident");
    s.wired = in.word("wired");
    for (unsigned j = 0; j < pages; ++j) {
        s.pa.push_back(in.word(name("pa", j)));
        s.managed.push_back(in.flag(name("managed", j)));
        s.dirty.push_back(in.flag(name("dirty", j)));
        s.referenced.push_back(in.flag(name("referenced", j)));
        s.mapped.push_back(in.flag(name("mapped", j)));
        s.writeable.push_back(in.flag(name("writeable", j)));
        s.unsaved.push_back(in.flag(name("unsaved", j)));
    }
    for (unsigned i = 0; i < slots; ++i) {
        s.va.push_back(in.word(name("va", i)));
        s.tracked.push_back(in.flag(name("tracked", i)));
        s.pte.push_back(in.word(name("pte", i)));
        s.cached.push_back(in.word(name("cached", i)));
        s.pv.emplace_back();
        for (unsigned j = 0; j < pages; ++j) {
            s.pv.back().push_back(in.flag(name("pv", i) + "_" + std::to_string(j)));
        }
    }
    return s;
}

// Different frames, none of them 0; different page-aligned addresses.
template <class W>
Bool<W> well_formed(const PmapState<W>& s) {
    Bool<W> ok = Bool<W>(true);
    for (std::size_t j = 0; j < s.pages(); ++j) {
        ok = ok && none(s.pa[j], ~kPteFrame) && s.pa[j] != W(0U);
        for (std::size_t k = 0; k < j; ++k) {
            ok = ok && s.pa[j] != s.pa[k];
        }
    }
    for (std::size_t i = 0; i < s.slots(); ++i) {
        ok = ok && none(s.va[i], ~kPteFrame);
        for (std::size_t k = 0; k < i; ++k) {
            ok = ok && s.va[i] != s.va[k];
        }
    }
    return ok;
}

template <class W>
std::vector<Goal<W>> invariants(const PmapState<W>& s) {
    using B = Bool<W>;
    W valid = W(0U);
    W wired = W(0U);
    B known = B(true), managed = B(true), pv_exact = B(true), mapped = B(true), read_only = B(true), no_m = B(true),
      user = B(true), saved = B(true), tlb = B(true);
    for (std::size_t i = 0; i < s.slots(); ++i) {
        const W& word = s.pte[i];
        valid = valid + bits_if(any(word, kPteV), W(1U));
        wired = wired + bits_if(any(word, kPteW), W(1U));
        B known_frame = B(false);
        for (std::size_t j = 0; j < s.pages(); ++j) {
            known_frame = known_frame || s.maps(i, j);
            managed = managed && implies(s.maps(i, j), iff(any(word, kPteManaged), s.managed[j]));
            pv_exact = pv_exact && iff(s.pv[i][j], s.maps(i, j) && any(word, kPteManaged));
            read_only = read_only && implies(!s.writeable[j] && s.pv[i][j], none(word, kPteRW));
        }
        known = known && (word == W(0U) || (known_frame && none(word, kPtePS | kPteG | kPteN | 0x800U)));
        no_m = no_m && no_stale_m(word);
        user = user && implies(any(word, kPteV), iff(any(word, kPteU), s.va[i] < W(kUserEnd)));
        const W grants = W(kPteFrame | kPteV | kPteU | kPteRW | kPteM);
        tlb = tlb && implies(any(s.cached[i], kPteV),
                             none(s.cached[i] & ~word, grants) && none(s.cached[i] ^ word, W(kPteFrame)));
    }
    for (std::size_t j = 0; j < s.pages(); ++j) {
        B modified = B(false);
        for (std::size_t i = 0; i < s.slots(); ++i) {
            modified = modified || (s.pv[i][j] && s.tracked[i] && any(s.pte[i], kPteM));
        }
        mapped = mapped && iff(s.mapped[j], s.has_pv(j));
        saved = saved && implies(s.unsaved[j], s.dirty[j] || modified);
    }
    return {{"resident_counts_leaves", s.resident == s.base + valid},
            {"wired_counts_wired_leaves", s.wired == wired},
            {"leaves_map_known_frames", known},
            {"managed_follows_the_page", managed},
            {"pv_entries_are_exact", pv_exact},
            {"mapped_iff_pv_entries", mapped},
            {"not_writeable_means_read_only", read_only},
            {"no_m_without_rw", no_m},
            {"u_iff_user_address", user},
            {"no_store_is_lost", saved},
            {"tlb_within_the_tables", tlb}};
}

template <class W>
Bool<W> all_hold(const std::vector<Goal<W>>& goals) {
    Bool<W> all_of_them = Bool<W>(true);
    for (const Goal<W>& goal : goals) {
        all_of_them = all_of_them && goal.holds;
    }
    return all_of_them;
}

// One step on one slot, and what follows from it.
template <class W>
void apply(PmapState<W>& s, std::size_t i, const pte::Step<W>& step) {
    const Bool<W> dropped = pte::needs_invalidation(s.pte[i], step.pte);
    s.cached[i] = select(dropped, W(0U), s.cached[i]);
    for (std::size_t j = 0; j < s.pages(); ++j) {
        const Bool<W> mine = s.maps(i, j);
        s.dirty[j] = s.dirty[j] || (mine && step.dirtied);
        s.referenced[j] = s.referenced[j] || (mine && step.referenced);
        s.pv[i][j] = s.pv[i][j] && !step.pv_gone;
    }
    s.pte[i] = step.pte;
    s.resident = s.resident + step.d_resident;
    s.wired = s.wired + step.d_wired;
    for (std::size_t j = 0; j < s.pages(); ++j) {
        const Bool<W> comes = step.pv_new && (step.pte & W(kPteFrame)) == s.pa[j];
        s.pv[i][j] = s.pv[i][j] || comes;
        // The last pv entry takes both marks along, the first brings MAPPED.
        const Bool<W> some = s.has_pv(j) || !step.pv_gone;
        s.writeable[j] = s.writeable[j] && some;
        s.mapped[j] = (s.mapped[j] && some) || comes;
    }
}

}  // namespace vmref::smt
