// Z-5: what each operation does to one PTE, for all words.
#include "props/smt/pte_terms.h"

namespace vmref::smt {

namespace {

constexpr auto kProtectionCode = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W prot = in.word("prot");
    const W code = in.out("code", pte::protection_code(prot), kPteBits);
    return Claim<W>{Bool<W>(true),
                    {{"rw_iff_write", iff(any(code, kPteRW), any(prot, kProtWrite))},
                     {"nothing_else", none(code, ~kPteRW)},
                     {"other_bits_ignored", code == pte::protection_code(W(prot & W(kProtAll)))}}};
};

constexpr auto kFresh = [](auto& in) {
    using W = WordType<decltype(in)>;
    const pte::Request<W> q = any_request(in);
    const W most = in.word("max_prot");
    const W word = in.out("fresh", pte::fresh_pte(q), kPteBits);
    return Claim<W>{Bool<W>(true),
                    {{"valid", any(word, kPteV)},
                     {"rw_iff_write", iff(any(word, kPteRW), any(q.prot, kProtWrite))},
                     {"rw_within_maximum", implies(none(q.prot, ~most) && any(word, kPteRW), any(most, kProtWrite))},
                     {"u_iff_user_address", iff(any(word, kPteU), q.va < W(kUserEnd))},
                     {"w_iff_wired", iff(any(word, kPteW), q.wired)},
                     {"managed_iff_managed", iff(any(word, kPteManaged), q.managed)},
                     {"g_iff_global", iff(any(word, kPteG), q.global)},
                     {"frame_kept", (word & W(kPteFrame)) == (q.pa & W(kPteFrame))},
                     {"nothing_else", none(word, kPteA | kPteM | kPtePS | kPteN | 0x800U)}}};
};

constexpr auto kEnter = [](auto& in) {
    using W = WordType<decltype(in)>;
    const pte::Request<W> q = any_request(in);
    const W old = in.word("old");
    const Bool<W> tracked = in.flag("tracked");
    const auto s = out_step(in, "enter", pte::heeding(pte::enter(old, q), tracked));
    const Bool<W> refused = in.out("refused", pte::leaf_refused(old, in.defects));
    const Bool<W> in_place = old != W(0U);
    const W wanted = pte::fresh_pte(q);
    const W as_asked = (wanted & ~W(kPteManaged)) | (old & W(kPteManaged));
    const W rights = W(kPteV | kPteU | kPteRW | kPteW | kPteG);
    const Bool<W> m_gone = any(old, kPteM) && none(s.pte, kPteM);
    return Claim<W>{
        leaf_or_empty(old) && no_stale_m(old) && (!in_place || (old & W(kPteFrame)) == (q.pa & W(kPteFrame))),
        {{"no_leaf_is_refused", !refused},
         {"m_is_kept_or_handed_over", implies(m_gone && any(old, kPteManaged) && tracked, s.dirtied)},
         {"dirtied_only_by_m", implies(s.dirtied, all(old, kPteM | kPteManaged) && tracked)},
         {"a_when_it_changes", implies(s.pte != old, any(s.pte, kPteA))},
         {"no_m_without_rw", no_stale_m(s.pte)},
         {"rights_are_the_request", (s.pte & rights) == (wanted & rights)},
         {"frame_kept", (s.pte & W(kPteFrame)) == (q.pa & W(kPteFrame))},
         {"managed_follows_the_leaf", iff(any(s.pte, kPteManaged), select(in_place, any(old, kPteManaged), q.managed))},
         {"pv_comes_with_managed", iff(s.pv_new, !in_place && any(s.pte, kPteManaged))},
         {"no_pv_goes", !s.pv_gone},
         {"nothing_else", none(s.pte & ~old, W(kPtePS | kPteN | 0x800U))},
         {"idempotent", pte::enter(s.pte, q).pte == s.pte},
         {"same_mapping_stays_as_it_is", implies((old & ~W(kPteA | kPteM)) == as_asked, s.pte == old)},
         {"not_referenced", !s.referenced}}};
};

// Another CPU stores through the old mapping between the sample and the exchange.
constexpr auto kEnterRace = [](auto& in) {
    using W = WordType<decltype(in)>;
    pte::Request<W> q = any_request(in);
    const W sample = in.word("sample");
    const Bool<W> stores = in.flag("other_cpu_stores") && any(sample, kPteRW);
    const W exchanged = select(stores, W(pte::mmu_marks(sample, Bool<W>(true))), sample);
    const W old = in.out("harvested", pte::harvested(sample, exchanged, in.defects), kPteBits);
    const auto s = pte::heeding(pte::enter(old, q), Bool<W>(true));
    return Claim<W>{any(sample, kPteV) && any(sample, kPteManaged) && no_stale_m(sample) &&
                        (sample & W(kPteFrame)) == (q.pa & W(kPteFrame)),
                    {{"the_exchanged_word_counts", old == exchanged},
                     {"m_is_not_lost", implies(any(exchanged, kPteM), any(s.pte, kPteM) || s.dirtied)},
                     {"dirtied_only_by_m", implies(s.dirtied, any(exchanged, kPteM))}}};
};

constexpr auto kEnterQuick = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W pa = in.word("pa");
    const Bool<W> managed = in.flag("managed");
    const auto s = out_step(in, "enter_quick", pte::enter_quick(old, pa, managed));
    const Bool<W> empty = old == W(0U);
    const pte::Request<W> plain{.pa = pa,
                                .va = W(0U),
                                .prot = W(kProtRead),
                                .wired = Bool<W>(false),
                                .managed = managed,
                                .global = Bool<W>(false)};
    return Claim<W>{leaf_or_empty(old),
                    {{"what_is_there_stays", implies(!empty, s.pte == old && !s.pv_new && s.d_resident == W(0U))},
                     {"is_a_plain_read_enter", implies(empty, s.pte == pte::fresh_pte(plain))},
                     {"never_writable_nor_wired", implies(empty, none(s.pte, kPteRW | kPteW))},
                     {"pv_comes_with_managed", iff(s.pv_new, empty && any(s.pte, kPteManaged))},
                     {"page_learns_nothing", !s.dirtied && !s.referenced && !s.pv_gone}}};
};

constexpr auto kRemove = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const Bool<W> tracked = in.flag("tracked");
    const auto s = out_step(in, "remove", pte::remove(old, tracked, in.defects));
    return Claim<W>{any(old, kPteV),
                    {{"gone", s.pte == W(0U)},
                     {"m_is_handed_over", implies(all(old, kPteM | kPteManaged) && tracked, s.dirtied)},
                     {"dirtied_only_by_m", implies(s.dirtied, all(old, kPteM | kPteManaged) && tracked)},
                     {"a_is_handed_over", implies(all(old, kPteA | kPteManaged), s.referenced)},
                     {"referenced_only_by_a", implies(s.referenced, all(old, kPteA | kPteManaged))},
                     {"pv_goes_with_managed", iff(s.pv_gone, any(old, kPteManaged))},
                     {"no_pv_comes", !s.pv_new},
                     {"once_is_enough", pte::remove_if_any(s.pte).d_resident == W(0U)}}};
};

constexpr auto kTeardown = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const auto s = out_step(in, "teardown", pte::teardown(old, in.defects));
    const auto removed = pte::remove(old);
    const Bool<W> wired = any(old, kPteW);
    return Claim<W>{all(old, kPteV | kPteManaged),
                    {{"wired_stays", implies(wired, s.pte == old && !s.pv_gone && s.d_resident == W(0U))},
                     {"m_is_handed_over", implies(any(old, kPteM) && none(s.pte, kPteM), s.dirtied)},
                     {"a_is_handed_over", implies(any(old, kPteA) && none(s.pte, kPteA), s.referenced)},
                     {"page_learns_only_of_what_goes", implies(s.dirtied, all(old, kPteM) && !wired) &&
                                                           implies(s.referenced, any(old, kPteA) && !wired)},
                     {"unwired_goes_as_by_remove",
                      implies(!wired, s.pte == removed.pte && s.d_resident == removed.d_resident && s.pv_gone)},
                     {"no_pv_comes", !s.pv_new},
                     {"no_wiring_changes", s.d_wired == W(0U)}}};
};

constexpr auto kProtect = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W p = in.word("prot");
    const W q = in.word("prot2");
    const Bool<W> tracked = in.flag("tracked");
    const auto protect = [&tracked](const W& word, const W& prot) {
        return pte::heeding(pte::protect(word, prot), tracked);
    };
    const auto s = out_step(in, "protect", protect(old, p));
    const auto again = protect(s.pte, p);
    const auto then = protect(s.pte, q);
    const auto meet = protect(old, W(p & q));
    const Bool<W> managed = any(old, kPteManaged);
    const Bool<W> stays = any(p, kProtRead);
    const Bool<W> nothing_more =
        again.pte == s.pte && again.d_resident == W(0U) && again.d_wired == W(0U) && !again.dirtied;
    const W kept = W(kPteFrame | kPteW | kPteU | kPteV | kPteManaged | kPteG | kPteN | kPtePS);
    return Claim<W>{
        leaf_or_empty(old) && no_stale_m(old),
        {{"monotone", none(s.pte, ~old)},
         {"idempotent", nothing_more},
         {"commutes", then.pte == protect(protect(old, q).pte, p).pte},
         {"equals_the_meet", then.pte == meet.pte},
         {"equals_the_meet_in_counts",
          s.d_resident + then.d_resident == meet.d_resident && s.d_wired + then.d_wired == meet.d_wired},
         {"equals_the_meet_in_dirty", iff(s.dirtied || then.dirtied, meet.dirtied)},
         {"no_write_left", implies(none(p, kProtWrite), none(s.pte, kPteRW))},
         {"without_read_nothing", implies(!stays, s.pte == W(0U))},
         {"only_rights_change", implies(stays, (s.pte & kept) == (old & kept))},
         {"with_write_nothing_happens", implies(stays && any(p, kProtWrite), s.pte == old && !s.dirtied)},
         {"m_is_kept_or_handed_over", implies(any(old, kPteM) && none(s.pte, kPteM) && managed && tracked, s.dirtied)},
         {"dirtied_only_by_m", implies(s.dirtied, all(old, kPteM | kPteManaged) && tracked)},
         {"a_is_kept_or_handed_over", implies(any(old, kPteA) && none(s.pte, kPteA) && managed, s.referenced)},
         {"referenced_only_by_a", implies(s.referenced, all(old, kPteA | kPteManaged))},
         {"unmanaged_keeps_m", implies(!managed && stays, (s.pte & W(kPteM)) == (old & W(kPteM)))},
         {"no_m_without_rw", no_stale_m(s.pte)},
         {"pv_goes_with_the_leaf", iff(s.pv_gone, managed && !stays) && !s.pv_new}}};
};

constexpr auto kProtectBig = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("pde");
    const W p = in.word("prot");
    const auto s = out_step(in, "protect_big", pte::protect_big(old, p, in.defects));
    const Bool<W> stays = any(p, kProtRead);
    return Claim<W>{
        all(old, kPteV | kPtePS),
        {{"monotone", none(s.pte, ~old)},
         {"no_write_left", implies(none(p, kProtWrite), none(s.pte, kPteRW))},
         {"only_rw_goes", implies(stays, (s.pte | W(kPteRW)) == (old | W(kPteRW)))},
         {"with_write_nothing_happens", implies(stays && any(p, kProtWrite), s.pte == old)},
         {"m_stays", implies(stays, (s.pte & W(kPteM)) == (old & W(kPteM)))},
         {"without_read_nothing", implies(!stays, s.pte == W(0U))},
         {"idempotent", pte::protect_big(s.pte, p).pte == s.pte},
         {"counts_what_is_mapped", s.d_resident == bits_if(any(s.pte, kPteV), W(kPtesPerTable)) - W(kPtesPerTable)},
         {"page_learns_nothing", !s.dirtied && !s.referenced && !s.pv_gone && !s.pv_new},
         {"no_wiring_changes", s.d_wired == W(0U)}}};
};

constexpr auto kInstallBig = [](auto& in) {
    using W = WordType<decltype(in)>;
    const pte::Request<W> q = any_request(in);
    const W old = in.word("pde");
    const auto s = out_step(in, "install_big", pte::install_big(old, q));
    const auto gone = out_step(in, "remove_big", pte::remove_big(s.pte));
    const Bool<W> empty = old == W(0U);
    return Claim<W>{
        Bool<W>(true),
        {{"only_where_nothing_is", implies(!empty, s.pte == old && s.d_resident == W(0U))},
         {"counts_what_it_maps", implies(empty, s.d_resident == W(kPtesPerTable))},
         {"is_a_big_page", implies(empty, all(s.pte, kPteV | kPtePS) && none(s.pte, kPteManaged))},
         {"u_iff_user_address", implies(empty, iff(any(s.pte, kPteU), q.va < W(kUserEnd)))},
         {"rw_iff_write", implies(empty, iff(any(s.pte, kPteRW), any(q.prot, kProtWrite)))},
         {"removal_takes_it_back", implies(empty, gone.pte == W(0U) && gone.d_resident + s.d_resident == W(0U))},
         {"no_wiring_changes", s.d_wired == W(0U) && gone.d_wired == W(0U)},
         {"page_learns_nothing", !s.dirtied && !s.referenced && !s.pv_gone && !s.pv_new && !gone.dirtied &&
                                     !gone.referenced && !gone.pv_gone && !gone.pv_new}}};
};

constexpr auto kClear = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const auto rw = out_step(in, "clear_rw", pte::clear<kPteRW>(old));
    const auto m = out_step(in, "clear_m", pte::clear<kPteM>(old));
    const auto a = out_step(in, "clear_a", pte::clear<kPteA>(old));
    const auto silent = [](const pte::Step<W>& s) {
        return s.d_resident == W(0U) && s.d_wired == W(0U) && !s.referenced && !s.pv_gone && !s.pv_new;
    };
    return Claim<W>{
        all(old, kPteV | kPteManaged) && no_stale_m(old),
        {{"rw_goes", none(rw.pte, kPteRW)},
         {"rw_takes_m_along", rw.pte == (old & ~W(kPteRW | kPteM)) && iff(rw.dirtied, any(old, kPteM))},
         {"no_m_without_rw", no_stale_m(rw.pte) && no_stale_m(m.pte) && no_stale_m(a.pte)},
         {"m_only", m.pte == (old & ~W(kPteM)) && !m.dirtied},
         {"a_only", a.pte == (old & ~W(kPteA)) && !a.dirtied},
         {"counts_stay", silent(rw) && silent(m) && silent(a)},
         {"as_protect", (pte::protect(old, W(kProtRead)).pte | W(kPteA | kPteM)) == (rw.pte | W(kPteA | kPteM))},
         {"commute", pte::clear<kPteA>(m.pte).pte == pte::clear<kPteM>(a.pte).pte}}};
};

constexpr auto kPageProtect = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const W p = in.word("prot");
    const auto s = out_step(in, "page_protect", pte::page_protect(old, p));
    const W kept = W(kPteFrame | kPteW | kPteU | kPteV | kPteManaged | kPteG | kPteN | kPtePS | 0x800U);
    const Bool<W> stays = any(p, kProtAll);
    return Claim<W>{all(old, kPteV | kPteManaged) && no_stale_m(old),
                    {{"monotone", none(s.pte, ~old)},
                     {"no_write_left", implies(none(p, kProtWrite), none(s.pte, kPteRW))},
                     {"some_right_keeps_the_leaf", implies(stays, any(s.pte, kPteV) && !s.pv_gone)},
                     {"none_unmaps", implies(!stays, s.pte == W(0U) && s.pv_gone)},
                     {"m_is_kept_or_handed_over", implies(any(old, kPteM) && none(s.pte, kPteM), s.dirtied)},
                     {"dirtied_only_by_m", implies(s.dirtied, any(old, kPteM))},
                     {"a_is_kept_or_handed_over", implies(any(old, kPteA) && none(s.pte, kPteA), s.referenced)},
                     {"referenced_only_by_a", implies(s.referenced, any(old, kPteA))},
                     {"no_m_without_rw", no_stale_m(s.pte)},
                     {"only_rights_change", implies(stays, (s.pte & kept) == (old & kept))},
                     {"no_pv_comes", !s.pv_new}}};
};

constexpr auto kRewire = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W old = in.word("old");
    const Bool<W> wired = in.flag("wired");
    const Bool<W> later = in.flag("wired2");
    const auto s = out_step(in, "rewire", pte::rewire(old, wired));
    return Claim<W>{
        any(old, kPteV),
        {{"only_w", (s.pte & ~W(kPteW)) == (old & ~W(kPteW))},
         {"w_iff_wired", iff(any(s.pte, kPteW), wired)},
         {"the_last_wins", pte::rewire(s.pte, later).pte == pte::rewire(old, later).pte},
         {"deltas_add_up", s.d_wired + pte::rewire(s.pte, later).d_wired == pte::rewire(old, later).d_wired},
         {"page_learns_nothing", !s.dirtied && !s.referenced && !s.pv_gone && !s.pv_new}}};
};

}  // namespace

void add_pte_properties(std::vector<Property>& list) {
    list.push_back(property("Z-5.protection_code", "I-14", "pmap.c:3313-3333", kProtectionCode));
    list.push_back(property("Z-5.fresh", "I-14, I-21, I-61, I-79", "pmap.c:2355-2362", kFresh));
    list.push_back(property("Z-5.enter", "I-23, I-69, I-79", "pmap.c:2192-2411", kEnter));
    list.push_back(property("Z-5.enter_race", "I-69", "pmap.c:2255,2289-2296,2389", kEnterRace));
    list.push_back(property("Z-5.enter_quick", "I-79", "pmap.c:2423-2549", kEnterQuick));
    list.push_back(property("Z-5.remove", "I-23, I-69, I-70", "pmap.c:1835-1877", kRemove));
    list.push_back(property("Z-5.teardown", "I-69, I-70", "pmap.c:2947-3043", kTeardown));
    list.push_back(property("Z-5.protect", "I-14, I-23, I-69", "pmap.c:2090-2179", kProtect));
    list.push_back(property("Z-5.protect_big", "I-23, I-62", "pmap.c:2122-2126", kProtectBig));
    list.push_back(property("Z-5.install_big", "I-21, I-62", "pmap.c:1971", kInstallBig));
    list.push_back(property("Z-5.clear", "I-23, I-69", "pmap.c:3096-3170", kClear));
    list.push_back(property("Z-5.page_protect", "I-14, I-69", "pmap.c:3185-3200", kPageProtect));
    list.push_back(property("Z-5.rewire", "I-51, I-63", "pmap.c:2717-2741", kRewire));
}

}  // namespace vmref::smt
