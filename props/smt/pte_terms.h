// Premises and inputs that the properties about PTEs share.
#pragma once

#include <string>

#include "impl/pmap_i386/step.h"
#include "props/smt/property.h"

namespace vmref::smt {

namespace pte = impl::pte;
using impl::kPteA;
using impl::kPteFrame;
using impl::kPteG;
using impl::kPteM;
using impl::kPteManaged;
using impl::kPteN;
using impl::kPtePS;
using impl::kPteRW;
using impl::kPtesPerTable;
using impl::kPteU;
using impl::kPteV;
using impl::kPteW;
using impl::word::all;
using impl::word::any;
using impl::word::bits_if;
using impl::word::delta;
using impl::word::iff;
using impl::word::implies;
using impl::word::none;
using impl::word::Same;
using impl::word::select;
using impl::word::Word;

inline constexpr std::uint32_t kPteBits = 0xFFFU | 0x80001000U;  // flags, and two bits of the frame
inline constexpr std::uint32_t kAllBits = 0xFFFFFFFFU;

// What a page table may hold: nothing, or a valid leaf of any bits.
template <Word W>
Bool<W> leaf_or_empty(const W& word) {
    return word == W(0U) || any(word, kPteV);
}
// M only where the hardware may have set it: a managed leaf without RW has given its M to the page.
template <Word W>
Bool<W> no_stale_m(const W& word) {
    return implies(all(word, kPteV | kPteManaged | kPteM), any(word, kPteRW));
}

template <class W>
pte::Request<W> any_request(Session<W>& in) {
    return {.pa = in.word("pa"),
            .va = in.word("va"),
            .prot = in.word("prot"),
            .wired = in.flag("wired"),
            .managed = in.flag("managed"),
            .global = in.flag("global")};
}

// All that a step says goes through `out`.
template <class W>
pte::Step<W> out_step(Session<W>& in, const std::string& seam, const pte::Step<W>& step) {
    return {.pte = in.out(seam + ".pte", step.pte, kPteBits),
            .d_resident = in.out(seam + ".d_resident", step.d_resident, 0),
            .d_wired = in.out(seam + ".d_wired", step.d_wired, 0),
            .dirtied = in.out(seam + ".dirtied", step.dirtied),
            .referenced = in.out(seam + ".referenced", step.referenced),
            .pv_gone = in.out(seam + ".pv_gone", step.pv_gone),
            .pv_new = in.out(seam + ".pv_new", step.pv_new)};
}

}  // namespace vmref::smt
