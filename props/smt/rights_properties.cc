// Z-4: from an entry's protection to what a PTE grants.
#include "impl/vm/rules/rights.h"

#include "props/smt/pte_terms.h"

namespace vmref::smt {

namespace {

namespace rule = impl::rule;

template <class W>
struct Faulting {
    rule::EntryRights<W> entry;
    rule::Asked<W> asked;
    Bool<W> wiring;
    Bool<W> below;  // the page was found below the top
    Bool<W> premise;
};

template <class W>
Faulting<W> any_fault(Session<W>& in) {
    Faulting<W> fault{.entry = {.protection = in.word("protection"),
                                .max_protection = in.word("max_protection"),
                                .needs_copy = in.flag("needs_copy"),
                                .wired = in.flag("wired")},
                      .asked = {.fault_type = in.word("fault_type"),
                                .override_write = in.flag("override_write"),
                                .emulates_ad = in.flag("emulates_ad")},
                      .wiring = in.flag("wiring"),
                      .below = in.flag("below_top"),
                      .premise = Bool<W>(true)};
    // An entry's protection lies within its maximum. Wiring raises the entry's count first, and asks for all that the
    // entry allows, be it nothing.
    fault.premise = none(fault.entry.max_protection | fault.asked.fault_type, ~std::uint32_t{kProtAll}) &&
                    none(fault.entry.protection, ~fault.entry.max_protection) &&
                    implies(fault.wiring, fault.entry.wired) &&
                    (fault.wiring || fault.asked.fault_type != W(kProtNone));
    return fault;
}

// The PTE of a fault that is not refused, and how it came about.
template <class W>
struct Granted {
    rule::LookupRights<W> rights;
    Bool<W> refused;
    Bool<W> copies;
    W needed;
    W entered;
    W leaf;
};

template <class W>
Granted<W> grant(Session<W>& in, const Faulting<W>& fault) {
    Granted<W> g{};
    const auto raw = rule::lookup_rights(fault.entry, fault.asked, in.defects);
    g.rights = {.refused = in.out("refused", raw.refused),
                .makes_copy = in.out("makes_copy", raw.makes_copy),
                .prot = in.out("prot", raw.prot, kProtAll)};
    const Bool<W> nothing = in.out("maps_nothing", rule::maps_nothing(g.rights.prot, in.defects));
    g.refused = g.rights.refused || nothing;
    g.needed = in.out(
        "needed",
        rule::needed_rights<W>(fault.asked.fault_type, g.rights.prot, fault.entry.wired, fault.wiring, in.defects),
        kProtAll);
    const W begin =
        in.out("begin", rule::rights_to_begin_with<W>(g.rights.prot, g.needed, fault.asked.emulates_ad), kProtAll);
    const Bool<W> copies_up = in.out("copies_up", rule::copies_up(g.needed));
    g.copies = fault.below && copies_up;
    const W below_top = in.out("below_top", rule::rights_below_top(begin, in.defects), kProtAll);
    const W prot = select(fault.below && !g.copies, below_top, begin);
    g.entered = in.out("entered", rule::entered_rights(prot), kProtAll);
    g.leaf = pte::fresh_pte(pte::Request<W>{.pa = W(0x1000U),
                                            .va = W(0x1000U),
                                            .prot = g.entered,
                                            .wired = fault.entry.wired,
                                            .managed = Bool<W>(true),
                                            .global = Bool<W>(false)});
    return g;
}

constexpr auto kFault = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Faulting<W> fault = any_fault(in);
    const Granted<W> g = grant(in, fault);
    const Bool<W> granted = !g.refused;
    const Bool<W> rw = granted && any(g.leaf, kPteRW);
    const Bool<W> plain = !fault.asked.override_write;
    const W allowed = select(fault.asked.override_write, fault.entry.max_protection, fault.entry.protection);
    const Bool<W> at_top = !fault.below || g.copies;
    const Bool<W> still_needs_copy = fault.entry.needs_copy && !g.rights.makes_copy;
    const Bool<W> writes = any(fault.asked.fault_type, kProtWrite);
    return Claim<W>{
        fault.premise,
        {{"writable_only_if_the_entry_is", implies(rw && plain, any(fault.entry.protection, kProtWrite))},
         {"debugger_writes_within_the_maximum", implies(rw, any(allowed, kProtWrite))},
         {"none_maps_nothing", implies(granted && plain, fault.entry.protection != W(kProtNone))},
         {"writable_only_at_the_top", implies(rw, at_top)},
         {"writable_only_without_needs_copy", implies(rw, !still_needs_copy)},
         {"a_store_can_be_repeated", implies(granted && writes && plain, any(g.leaf, kPteRW))},
         {"a_store_reaches_the_top", implies(granted && writes && plain, at_top && !still_needs_copy)},
         {"a_wired_page_grants_all", implies(granted && fault.entry.wired && plain && !fault.asked.emulates_ad,
                                             iff(any(g.leaf, kPteRW), any(fault.entry.protection, kProtWrite)))},
         {"a_copy_only_if_it_may_be_written",
          implies(g.rights.makes_copy && plain && !g.rights.refused, any(fault.entry.protection, kProtWrite))},
         {"a_read_copies_nothing", implies(granted && !writes && !fault.entry.wired && !fault.asked.emulates_ad,
                                           !g.rights.makes_copy && !g.copies)},
         {"emulated_m_starts_read_only",
          implies(granted && fault.asked.emulates_ad && !writes && !fault.entry.wired, none(g.leaf, kPteRW))},
         {"needs_what_was_asked", implies(granted && plain, none(fault.asked.fault_type, ~g.needed))},
         {"needs_no_more_than_the_entry_has", implies(granted && plain, none(g.needed, ~allowed))},
         {"only_write_is_taken", implies(granted && plain, none(g.entered ^ allowed, ~std::uint32_t{kProtWrite}))},
         {"refused_only_if_it_must_be",
          implies(plain, iff(g.refused, any(fault.asked.fault_type, ~allowed) || allowed == W(kProtNone)))}}};
};

// Fork copies the pages of a wired entry and maps them at once.
constexpr auto kCopiedEntry = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W protection = in.word("protection");
    const W most = in.word("max_protection");
    const W prot = in.out("copied", rule::copied_rights<W>(protection, most, in.defects), kProtAll);
    const W leaf = pte::fresh_pte(pte::Request<W>{.pa = W(0x1000U),
                                                  .va = W(0x1000U),
                                                  .prot = prot,
                                                  .wired = Bool<W>(false),
                                                  .managed = Bool<W>(true),
                                                  .global = Bool<W>(false)});
    const pte::Access<W> store{.user = Bool<W>(true), .write = Bool<W>(true), .write_protect = Bool<W>(true)};
    const W pde = W(kPteV | kPteU | kPteRW);
    return Claim<W>{
        none(protection, ~most) && none(most, ~std::uint32_t{kProtAll}),
        {{"child_stores_within_protection", implies(pte::mmu_allows(pde, leaf, store), any(protection, kProtWrite))},
         {"child_may_store_if_the_parent_may", implies(any(protection, kProtWrite), pte::mmu_allows(pde, leaf, store))},
         {"child_maps_what_its_entry_has", prot == protection}}};
};

}  // namespace

void add_rights_properties(std::vector<Property>& list) {
    list.push_back(property("Z-4.fault", "I-03, I-14, I-15, I-16, I-51",
                            "vm_map.c (lookup), vm_fault.c:571,1585,2069-2187, pmap.c:3313", kFault));
    list.push_back(property("Z-4.copied_entry", "I-14, I-97", "vm_fault.c:2445,2486", kCopiedEntry));
}

}  // namespace vmref::smt
