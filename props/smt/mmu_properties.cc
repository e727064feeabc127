// What the MMU makes of directory and table words, and of what the pmap stores there.
#include "props/smt/pte_terms.h"

namespace vmref::smt {

namespace {

template <class W>
pte::Access<W> any_access(Session<W>& in) {
    return {.user = in.flag("user"), .write = in.flag("write"), .write_protect = in.flag("wp")};
}
template <Word W>
pte::Access<W> access(bool user, bool write) {
    return {.user = Bool<W>(bool{user}), .write = Bool<W>(bool{write}), .write_protect = Bool<W>(true)};
}

constexpr auto kMmu = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W pde = in.word("pde");
    const W leaf = in.word("pte");
    const W pde2 = in.word("pde2");
    const W leaf2 = in.word("pte2");
    const pte::Access<W> a = any_access(in);
    pte::Access<W> reading = a;
    reading.write = Bool<W>(false);
    const Bool<W> ok = in.out("allows", pte::mmu_allows(pde, leaf, a));
    const W marked = in.out("marks", pte::mmu_marks(leaf, a.write), kPteBits);
    const W last = select(any(pde, kPtePS), pde, leaf);
    const W rights = W(kPteV | kPteU | kPteRW);
    const Bool<W> grows =
        none(pde & ~pde2, rights) && none(leaf & ~leaf2, rights) && iff(any(pde, kPtePS), any(pde2, kPtePS));
    const Bool<W> obeys_rw = a.user || a.write_protect;
    return Claim<W>{
        Bool<W>(true),
        {{"needs_v_at_both_levels", implies(ok, any(pde, kPteV) && any(last, kPteV))},
         {"user_needs_u_at_both_levels", implies(ok && a.user, any(pde, kPteU) && any(last, kPteU))},
         {"write_needs_rw_at_both_levels", implies(ok && a.write && obeys_rw, any(pde, kPteRW) && any(last, kPteRW))},
         {"all_rights_are_enough", implies(all(pde & last, rights), ok)},
         {"more_bits_more_rights", implies(grows && ok, pte::mmu_allows(pde2, leaf2, a))},
         {"write_implies_read", implies(ok, pte::mmu_allows(pde, leaf, reading))},
         {"marks_a_and_m_only", (marked & ~W(kPteA | kPteM)) == (leaf & ~W(kPteA | kPteM))},
         {"marks_a", any(marked, kPteA)},
         {"m_iff_store", iff(any(marked, kPteM), any(leaf, kPteM) || a.write)},
         {"no_m_without_rw", implies(ok && none(pde, kPtePS) && no_stale_m(leaf) && obeys_rw, no_stale_m(marked))}}};
};

constexpr auto kErrorCode = [](auto& in) {
    using W = WordType<decltype(in)>;
    const pte::Access<W> a = any_access(in);
    const Bool<W> present = in.flag("present");
    const W code = in.out("code", pte::error_code<W>(present, a), 0xFU);
    return Claim<W>{Bool<W>(true),
                    {{"present", iff(any(code, impl::kFaultPresent), present)},
                     {"write", iff(any(code, impl::kFaultWrite), a.write)},
                     {"user", iff(any(code, impl::kFaultUser), a.user)},
                     {"nothing_else", none(code, ~(impl::kFaultPresent | impl::kFaultWrite | impl::kFaultUser))}}};
};

// The leaf that enter made, below a directory entry that grants everything.
constexpr auto kEnterThenWalk = [](auto& in) {
    using W = WordType<decltype(in)>;
    const pte::Request<W> q = any_request(in);
    const W old = in.word("old");
    const W pde = (in.word("table") & W(kPteFrame)) | W(kPteV | kPteU | kPteRW | kPteA | kPteM);
    const W leaf = in.out("enter.pte", pte::enter(old, q).pte, kPteBits);
    const Bool<W> user_address = q.va < W(kUserEnd);
    const Bool<W> writable = any(q.prot, kProtWrite);
    return Claim<W>{
        leaf_or_empty(old) && (old == W(0U) || (old & W(kPteFrame)) == (q.pa & W(kPteFrame))),
        {{"user_reads_user_addresses", iff(pte::mmu_allows(pde, leaf, access<W>(true, false)), user_address)},
         {"user_writes_exactly", iff(pte::mmu_allows(pde, leaf, access<W>(true, true)), user_address && writable)},
         {"kernel_reads", pte::mmu_allows(pde, leaf, access<W>(false, false))},
         {"kernel_writes_exactly", iff(pte::mmu_allows(pde, leaf, access<W>(false, true)), writable)}}};
};

constexpr auto kProtectThenWalk = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W prot = in.word("prot");
    const W pde = in.word("pde");
    pte::Access<W> a = any_access(in);
    a.write_protect = Bool<W>(true);
    const W leaf = in.out("protect.pte", pte::protect(old, prot).pte, kPteBits);
    const Bool<W> ok = pte::mmu_allows(pde, leaf, a);
    return Claim<W>{leaf_or_empty(old) && none(pde, kPtePS),
                    {{"write_within_protection", implies(ok && a.write, any(prot, kProtWrite))},
                     {"use_within_protection", implies(ok, any(prot, kProtRead))},
                     {"never_more_than_before", implies(ok, pte::mmu_allows(pde, old, a))}}};
};

// A translation that was cached from the old word and is not invalidated grants no more than the new word, leads to the
// same frame, and knows of no M that the new word does not have.
constexpr auto kInvalidation = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W now = in.word("now");
    const W pde = in.word("pde");
    const pte::Access<W> a = any_access(in);
    const Bool<W> dropped = in.out("invalidates", pte::needs_invalidation(old, now));
    const Bool<W> used = !dropped && pte::mmu_allows(pde, old, a) && none(pde, kPtePS);
    return Claim<W>{Bool<W>(true),
                    {{"stale_grants_no_more", implies(used, pte::mmu_allows(pde, now, a))},
                     {"stale_leads_to_the_same_frame", implies(used, none(old ^ now, W(kPteFrame)))},
                     {"stale_m_is_there", implies(used && any(old, kPteM), any(now, kPteM))},
                     {"software_bits_need_none", implies(none(old ^ now, ~W(kPteW | kPteManaged | kPteA)), !dropped)},
                     {"what_was_not_valid_needs_none", implies(none(old, kPteV), !dropped)}}};
};

// A kernel mapping that nothing counts.
constexpr auto kReplace = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W now = in.word("now");
    const auto s = out_step(in, "replace", pte::replace(old, now));
    return Claim<W>{Bool<W>(true),
                    {{"as_asked", s.pte == now},
                     {"counts_stay", s.d_resident == W(0U) && s.d_wired == W(0U)},
                     {"page_learns_nothing", !s.dirtied && !s.referenced && !s.pv_gone && !s.pv_new}}};
};

}  // namespace

void add_mmu_properties(std::vector<Property>& list) {
    list.push_back(property("mmu.access", "I-14, I-21", "i386 manual, page protection", kMmu));
    list.push_back(property("mmu.error_code", "I-14", "i386 manual, page-fault error code", kErrorCode));
    list.push_back(property("mmu.enter_then_walk", "I-14, I-21, I-79", "pmap.c:2192-2411", kEnterThenWalk));
    list.push_back(property("mmu.protect_then_walk", "I-14", "pmap.c:2090-2179", kProtectThenWalk));
    list.push_back(property("mmu.invalidation", "I-67", "semantics.md 2.11", kInvalidation));
    list.push_back(property("mmu.kernel_replace", "I-62, I-63", "pmap.c:789-951", kReplace));
}

}  // namespace vmref::smt
