// Which rights a fault gets from its entry, and which the PTE grants (semantics.md 2.1, 3.14; vm_fault.c:571, 2185).
// Protections are words of kProt bits.
#pragma once

#include "impl/defects/defects.h"
#include "impl/machine/word.h"
#include "ops/types.h"

namespace vmref::impl::rule {

using word::any;
using word::bits_if;
using word::Bool;
using word::none;
using word::Same;
using word::select;
using word::Word;

// The i386 has A and M bits of its own: no pmap emulates them (semantics.md 2.1, rule 9).
inline constexpr bool kPmapEmulatesAd = false;

template <Word W>
struct EntryRights {
    W protection;
    W max_protection;
    Bool<W> needs_copy;
    Bool<W> wired;
    Bool<W> untouchable = Bool<W>(false);  // B-18: wired by the user, private, and settled
    Bool<W> tabled = Bool<W>(false);       // VM_MAPTYPE_VPAGETABLE
};

template <Word W>
struct Asked {
    W fault_type;
    Bool<W> override_write = Bool<W>(false);  // a debugger's store
    Bool<W> emulates_ad = Bool<W>(false);     // the pmap has no A and M of its own
};

template <Word W>
struct LookupRights {
    Bool<W> refused;
    Bool<W> makes_copy;  // the entry gets a shadow first
    W prot;              // what the PTE may grant, at most
};

// vm_map_lookup, rules 4 to 11. A page whose A and M are emulated is made writable by a write fault; the fault asks
// for that only where the entry allows it (B-79).
template <Word W>
constexpr LookupRights<W> lookup_rights(const EntryRights<W>& entry, const Asked<W>& asked, const DefectSet& defects) {
    const W allowed = select(asked.override_write, entry.max_protection, entry.protection);
    const W wanted = asked.fault_type & W(kProtAll);
    const Bool<W> untouchable = entry.untouchable && !asked.override_write && any(wanted, kProtWrite);
    const W prot = select(entry.wired, entry.protection, allowed);
    const Bool<W> may_write = any(prot, kProtWrite);
    const Bool<W> emulated =
        asked.emulates_ad && (defects.on(Defect::b79_emulation_test_inverted) ? !may_write : may_write);
    // A walk through tables marks them: they must be the entry's own even if the access only reads (rule 8).
    const Bool<W> marks = entry.tabled && may_write;
    const W type = select(entry.wired, entry.protection, wanted) | bits_if(emulated || marks, W(kProtWrite));
    const Bool<W> writes = any(type, kProtWrite);
    return {.refused = any(wanted, ~allowed) || untouchable,
            .makes_copy = entry.needs_copy && writes,
            .prot = select(entry.needs_copy && !writes, W(prot & ~W(kProtWrite)), prot)};
}

// The i386 cannot map without read: an entry without rights is refused, wired or not (B-20, catalogue D-14).
template <Word W>
constexpr Bool<W> maps_nothing(W first_prot, const DefectSet& defects) {
    return defects.on(Defect::b20_wire_none_enters_page) ? Bool<W>(false) : first_prot == W(kProtNone);
}

// What the search must find: a wired page must stay as its entry says, whatever this access needs (vm_fault.c:571).
template <Word W>
constexpr W needed_rights(W fault_type, Same<W> first_prot, Same<Bool<W>> wired, Same<Bool<W>> wiring,
                          const DefectSet& defects) {
    const W needed = select(wired, first_prot, fault_type);
    return defects.on(Defect::b95_wire_for_reading_only) ? select(wiring, W(kProtRead), needed) : needed;
}

// Of a page whose M is emulated no store may pass unseen (vm_fault.c:1585).
template <Word W>
constexpr W rights_to_begin_with(W first_prot, Same<W> needed, Same<Bool<W>> emulates_ad) {
    return select(emulates_ad && none(needed, kProtWrite), W(first_prot & ~W(kProtWrite)), first_prot);
}

// A page found below the top is copied for a store, else mapped without write (vm_fault.c:2060-2187).
template <Word W>
constexpr Bool<W> copies_up(W needed) {
    return any(needed, kProtWrite);
}
template <Word W>
constexpr W rights_below_top(W prot, const DefectSet& defects) {
    return defects.on(Defect::m01_backing_page_writable) ? prot : W(prot & ~W(kProtWrite));
}

// pmap_enter has no "no access" (pmap.c:3313-3333). Only B-20 gets here without rights.
template <Word W>
constexpr W entered_rights(W prot) {
    return select(prot == W(kProtNone), W(kProtRead), prot);
}

// The child's PTE of a page that a fork copied (vm_fault.c:2445).
template <Word W>
constexpr W copied_rights(W protection, Same<W> max_protection, const DefectSet& defects) {
    return defects.on(Defect::b15_copy_entry_max_protection) ? max_protection : protection;
}

}  // namespace vmref::impl::rule
