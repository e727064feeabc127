// Every transition of a pmap keeps every invariant: of any state in which all of them hold. Slot 0 and page 0 stand for
// all slots and pages.
#include "props/smt/pmap_state.h"

namespace vmref::smt {

namespace {

// Another page's mapping goes first, as in make_room (impl/pmap_i386/enter.cc).
template <class W>
Bool<W> enter(Session<W>& in, PmapState<W>& s) {
    const W old = s.pte[0];
    const Bool<W> other = old != W(0U) && (old & W(kPteFrame)) != s.pa[0];
    apply(s, 0, pte::choose<W>(other, pte::remove(old, s.tracked[0], in.defects), pte::keep(old)));
    const pte::Request<W> request{.pa = s.pa[0],
                                  .va = s.va[0],
                                  .prot = in.word("prot"),
                                  .wired = in.flag("wires"),
                                  .managed = s.managed[0],
                                  .global = Bool<W>(false)};
    const auto step = pte::heeding(pte::enter(s.pte[0], request), s.tracked[0]);
    apply(s, 0, out_step(in, "enter", step));
    s.writeable[0] = s.writeable[0] || all(s.pte[0], kPteRW | kPteManaged);
    return Bool<W>(true);
}

template <class W>
Bool<W> enter_quick(Session<W>& in, PmapState<W>& s) {
    apply(s, 0, out_step(in, "enter_quick", pte::enter_quick(s.pte[0], s.pa[0], s.managed[0])));
    return s.va[0] < W(kUserEnd);
}

template <class W>
Bool<W> remove(Session<W>& in, PmapState<W>& s) {
    const Bool<W> valid = s.pte[0] != W(0U);
    const auto step = pte::choose<W>(valid, pte::remove(s.pte[0], s.tracked[0], in.defects), pte::keep(s.pte[0]));
    apply(s, 0, out_step(in, "remove", step));
    return Bool<W>(true);
}

template <class W>
Bool<W> protect(Session<W>& in, PmapState<W>& s) {
    apply(s, 0, out_step(in, "protect", pte::heeding(pte::protect(s.pte[0], in.word("prot")), s.tracked[0])));
    return Bool<W>(true);
}

template <class W>
Bool<W> rewire(Session<W>& in, PmapState<W>& s) {
    const Bool<W> premise = any(s.pte[0], kPteV);
    apply(s, 0, out_step(in, "rewire", pte::rewire(s.pte[0], in.flag("wires"))));
    return premise;
}

// Every mapping of page 0.
template <class W, class StepOf>
void each_mapping(Session<W>& in, PmapState<W>& s, const char* seam, StepOf step_of) {
    for (std::size_t i = 0; i < s.slots(); ++i) {
        const auto step = pte::choose<W>(s.pv[i][0], step_of(i), pte::keep(s.pte[i]));
        apply(s, i, i == 0 ? out_step(in, seam, step) : step);
    }
}

// pmap_remove_all.
template <class W>
Bool<W> remove_all(Session<W>& in, PmapState<W>& s) {
    each_mapping(in, s, "remove", [&](std::size_t i) { return pte::remove(s.pte[i], s.tracked[i], in.defects); });
    return Bool<W>(true);
}

// Write-protects the mappings of a page; those of the buffer cache keep their right, and WRITEABLE stays for them.
template <class W>
Bool<W> page_protect(Session<W>& in, PmapState<W>& s) {
    Bool<W> writable_left = Bool<W>(false);
    for (std::size_t i = 0; i < s.slots(); ++i) {
        writable_left = writable_left || (s.pv[i][0] && !s.tracked[i] && any(s.pte[i], kPteRW));
    }
    each_mapping(in, s, "page_protect", [&](std::size_t i) {
        return pte::choose<W>(s.tracked[i], pte::page_protect(s.pte[i], W(kProtRead)), pte::keep(s.pte[i]));
    });
    s.writeable[0] = s.writeable[0] && writable_left;
    return Bool<W>(true);
}

// pmap_is_modified folded into the page, pmap_clear_modify, and the write to disk.
template <class W>
Bool<W> launder(Session<W>& in, PmapState<W>& s) {
    each_mapping(in, s, "clear_m", [&](std::size_t i) { return pte::clear<kPteM>(s.pte[i]); });
    s.dirty[0] = s.unsaved[0] = Bool<W>(false);
    return Bool<W>(true);
}

template <class W>
Bool<W> clear_reference(Session<W>& in, PmapState<W>& s) {
    each_mapping(in, s, "clear_a", [&](std::size_t i) { return pte::clear<kPteA>(s.pte[i]); });
    s.referenced[0] = Bool<W>(false);
    return Bool<W>(true);
}

// pmap_remove_pages of everything: all managed mappings of tracked addresses (user addresses) that are not wired.
template <class W>
Bool<W> teardown(Session<W>& in, PmapState<W>& s) {
    Bool<W> premise = Bool<W>(true);
    for (std::size_t i = 0; i < s.slots(); ++i) {
        premise = premise && s.tracked[i];
        Bool<W> listed = Bool<W>(false);
        for (std::size_t j = 0; j < s.pages(); ++j) {
            listed = listed || s.pv[i][j];
        }
        const auto step = pte::choose<W>(listed, pte::teardown(s.pte[i], in.defects), pte::keep(s.pte[i]));
        apply(s, i, i == 0 ? out_step(in, "teardown", step) : step);
    }
    return premise;
}

template <class W>
void store_reaches_page(PmapState<W>& s, const Bool<W>& stores, const W& word) {
    for (std::size_t j = 0; j < s.pages(); ++j) {
        const Bool<W> hit = stores && (word & W(kPteFrame)) == s.pa[j];
        s.unsaved[j] = s.unsaved[j] || (hit && s.managed[j] && s.tracked[0]);
    }
}

// The hardware walks the tables, marks the leaf, and keeps the translation.
template <class W>
Bool<W> walk(Session<W>& in, PmapState<W>& s) {
    const pte::Access<W> access{.user = in.flag("user"), .write = in.flag("store"), .write_protect = Bool<W>(true)};
    const W pde = W(kPteV | kPteU | kPteRW);
    const Bool<W> ok = in.out("allows", pte::mmu_allows(pde, s.pte[0], access));
    store_reaches_page(s, ok && access.write, s.pte[0]);
    s.pte[0] = select(ok, in.out("marks", pte::mmu_marks(s.pte[0], access.write), kPteBits), s.pte[0]);
    s.cached[0] = select(ok, s.pte[0], s.cached[0]);
    return Bool<W>(true);
}

// A store through a translation that is cached: one that has seen M writes nothing back.
template <class W>
Bool<W> cached_store(Session<W>& in, PmapState<W>& s) {
    const pte::Access<W> access{.user = in.flag("user"), .write = Bool<W>(true), .write_protect = Bool<W>(true)};
    const Bool<W> ok =
        in.out("allows", pte::mmu_allows(W(kPteV | kPteU | kPteRW), s.cached[0], access)) && any(s.cached[0], kPteM);
    store_reaches_page(s, ok, s.cached[0]);
    return Bool<W>(true);
}

// Nothing is mapped, nothing is cached, nobody has stored.
template <class W>
Bool<W> start(Session<W>& /*in*/, PmapState<W>& s) {
    const Bool<W> none_yet = Bool<W>(false);
    for (std::size_t i = 0; i < s.slots(); ++i) {
        s.pte[i] = s.cached[i] = W(0U);
        for (std::size_t j = 0; j < s.pages(); ++j) {
            s.pv[i][j] = none_yet;
        }
    }
    for (std::size_t j = 0; j < s.pages(); ++j) {
        s.mapped[j] = s.writeable[j] = s.unsaved[j] = none_yet;
    }
    s.resident = s.base;
    s.wired = W(0U);
    return Bool<W>(true);
}

// What mutations may touch of the state itself.
template <class W>
void out_state(Session<W>& in, PmapState<W>& s) {
    s.pte[0] = in.out("state.pte", s.pte[0], kPteBits);
    s.cached[0] = in.out("state.cached", s.cached[0], kPteBits);
    s.resident = in.out("state.resident", s.resident, 0);
    s.wired = in.out("state.wired", s.wired, 0);
    s.dirty[0] = in.out("state.dirty", Bool<W>(s.dirty[0]));
    s.mapped[0] = in.out("state.mapped", Bool<W>(s.mapped[0]));
    s.writeable[0] = in.out("state.writeable", Bool<W>(s.writeable[0]));
    s.unsaved[0] = in.out("state.unsaved", Bool<W>(s.unsaved[0]));
    s.pv[0][0] = in.out("state.pv", Bool<W>(s.pv[0][0]));
}

template <class Transition>
void add(std::vector<Property>& list, const std::string& name, const std::string& source, unsigned slots,
         unsigned pages, Transition transition, bool from_anywhere = false) {
    const auto text = [slots, pages, transition, from_anywhere](auto& in) {
        using W = WordType<decltype(in)>;
        PmapState<W> s = any_pmap(in, slots, pages);
        Bool<W> premise = well_formed(s);
        if (!from_anywhere) {
            premise = premise && all_hold(invariants(s));
        }
        const Bool<W> allowed = transition(in, s);
        premise = premise && allowed;
        out_state(in, s);
        if (from_anywhere) {
            return Claim<W>{premise, {{"all_invariants", all_hold(invariants(s))}}};
        }
        return Claim<W>{premise, invariants(s)};
    };
    list.push_back(property("system." + name, "I-60 to I-64, I-67, I-69, I-72, I-79", source, text));
    list.back().large = true;
}

}  // namespace

void add_system_properties(std::vector<Property>& list, unsigned slots, unsigned pages) {
    const auto put = [&](const char* name, const char* source, auto transition) {
        add(list, name, source, slots, pages, transition);
    };
    add(
        list, "start", "pmap.c:1168-1219", slots, pages, [](auto& in, auto& s) { return start(in, s); }, true);
    put("enter", "pmap.c:2192-2411", [](auto& in, auto& s) { return enter(in, s); });
    put("enter_quick", "pmap.c:2423-2549", [](auto& in, auto& s) { return enter_quick(in, s); });
    put("remove", "pmap.c:1835-1899", [](auto& in, auto& s) { return remove(in, s); });
    put("remove_all", "pmap.c:2024-2081", [](auto& in, auto& s) { return remove_all(in, s); });
    put("teardown", "pmap.c:2947-3043", [](auto& in, auto& s) { return teardown(in, s); });
    put("protect", "pmap.c:2090-2179", [](auto& in, auto& s) { return protect(in, s); });
    put("page_protect", "pmap.c:3096-3200", [](auto& in, auto& s) { return page_protect(in, s); });
    put("rewire", "pmap.c:2717-2741", [](auto& in, auto& s) { return rewire(in, s); });
    put("launder", "pmap.c:3131-3170", [](auto& in, auto& s) { return launder(in, s); });
    put("clear_reference", "pmap.c:3131-3170", [](auto& in, auto& s) { return clear_reference(in, s); });
    put("hardware_walk", "i386 manual, paging", [](auto& in, auto& s) { return walk(in, s); });
    put("cached_store", "i386 manual, TLB", [](auto& in, auto& s) { return cached_store(in, s); });
}

}  // namespace vmref::smt
