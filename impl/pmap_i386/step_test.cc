#include "impl/pmap_i386/step.h"

#include <gtest/gtest.h>

#include <random>

namespace vmref::impl::pte {
namespace {

using U32 = std::uint32_t;
constexpr U32 kAll = 0xFFFFFFFFU;
constexpr U32 kRights = kPteV | kPteRW | kPteU;
constexpr int kRounds = 100'000;

// Steps are constant expressions: the implementation and a proof read the same text.
static_assert(protection_code<U32>(kProtRead) == 0);
static_assert(protection_code<U32>(kProtRead | kProtWrite) == kPteRW);
static_assert(remove<U32>(0x5000 | kPteV | kPteW).d_wired == kAll);

bool operator==(const Step<U32>& a, const Step<U32>& b) {
    return a.pte == b.pte && a.d_resident == b.d_resident && a.d_wired == b.d_wired && a.dirtied == b.dirtied &&
           a.referenced == b.referenced && a.pv_gone == b.pv_gone && a.pv_new == b.pv_new;
}

// Modified implies writable, of the leaves that somebody looks after.
bool clean_of_stale_m(U32 word) {
    return implies(all(word, kPteV | kPteM | kPteManaged), any(word, kPteRW));
}

bool counts_match(U32 old, const Step<U32>& step) {
    return step.d_resident == delta(old, step.pte, kPteV) && step.d_wired == delta(old, step.pte, kPteW);
}

// What a managed leaf loses of M and A is reported, and nothing is reported that was not there.
bool nothing_lost(U32 old, const Step<U32>& step) {
    const U32 lost = any(old, kPteManaged) ? old & ~step.pte : 0;
    return implies(any(lost, kPteM), step.dirtied) && implies(any(lost, kPteA), step.referenced) &&
           implies(step.dirtied, all(old, kPteM | kPteManaged)) &&
           implies(step.referenced, all(old, kPteA | kPteManaged));
}

class StepTest : public testing::Test {
  protected:
    U32 word() { return static_cast<U32>(random_()); }
    bool flag() { return (random_() & 1U) != 0; }
    U32 prot() { return word() & kProtAll; }

    // A stored leaf: valid, 4 KiB, of a frame above 0.
    U32 leaf() {
        U32 stored = (word() & ~kPtePS) | kPteV | 0x1000;
        return clean_of_stale_m(stored) ? stored : stored | kPteRW;
    }
    U32 leaf_or_empty() { return random_() % 4 == 0 ? 0 : leaf(); }
    U32 managed_leaf() {
        const U32 stored = leaf() | kPteManaged;
        return clean_of_stale_m(stored) ? stored : stored | kPteRW;
    }
    Request<U32> request() {
        return {
            .pa = word() | 0x1000, .va = word(), .prot = prot(), .wired = flag(), .managed = flag(), .global = flag()};
    }

  private:
    std::mt19937 random_{20240607};
};

TEST_F(StepTest, FreshPteTable) {
    const Request<U32> user{.pa = 0x7ABC, .va = 0x1000, .prot = kProtRead, .wired = false, .managed = true};
    EXPECT_EQ(fresh_pte(user), 0x7000 | kPteV | kPteU | kPteManaged);
    Request<U32> kernel = user;
    kernel.va = kUserEnd;
    kernel.prot = kProtAll;
    kernel.wired = true;
    kernel.managed = false;
    kernel.global = true;
    EXPECT_EQ(fresh_pte(kernel), 0x7000 | kPteV | kPteRW | kPteW | kPteG);
    kernel.va = kUserEnd - 1;
    EXPECT_TRUE(any(fresh_pte(kernel), kPteU));
    for (U32 prot = 0; prot < 8; ++prot) {
        EXPECT_EQ(protection_code(prot), (prot & kProtWrite) != 0 ? kPteRW : 0) << prot;
        EXPECT_EQ(protection_code(prot | 8), protection_code(prot)) << prot;
    }
}

TEST_F(StepTest, FreshPteHasExactlyTheBitsAsked) {
    for (int i = 0; i < kRounds; ++i) {
        const Request<U32> q = request();
        const U32 now = fresh_pte(q);
        ASSERT_TRUE(any(now, kPteV));
        ASSERT_TRUE(iff(any(now, kPteRW), any(q.prot, kProtWrite)));
        ASSERT_TRUE(iff(any(now, kPteU), q.va < kUserEnd));
        ASSERT_TRUE(iff(any(now, kPteW), q.wired));
        ASSERT_TRUE(iff(any(now, kPteManaged), q.managed));
        ASSERT_TRUE(iff(any(now, kPteG), q.global));
        ASSERT_EQ(now & kPteFrame, q.pa & kPteFrame);
        ASSERT_TRUE(none(now, kPteA | kPteM | kPtePS | kPteN | 0x800));
    }
}

TEST_F(StepTest, EnterIntoAnEmptySlot) {
    for (int i = 0; i < kRounds; ++i) {
        const Request<U32> q = request();
        const Step<U32> step = enter(U32{0}, q);
        ASSERT_EQ(step.pte, fresh_pte(q) | kPteA);
        ASSERT_TRUE(counts_match(0, step));
        ASSERT_TRUE(iff(step.pv_new, q.managed));
        ASSERT_FALSE(step.dirtied || step.referenced || step.pv_gone);
        ASSERT_EQ(enter(step.pte, q).pte, step.pte) << "idempotent";
    }
}

TEST_F(StepTest, EnterOverTheSameFrame) {
    int kept = 0;
    for (int i = 0; i < kRounds; ++i) {
        Request<U32> q = request();
        U32 old = leaf();
        q.pa = old & kPteFrame;
        if (i % 2 == 0) {  // equal but for A and M, which random words hardly ever are
            old = (fresh_pte(q) & ~kPteM) | (old & kPteA) | (any(fresh_pte(q), kPteRW) ? old & kPteM : 0);
        }
        const Step<U32> step = enter(old, q);
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_TRUE(nothing_lost(old, step));
        ASSERT_TRUE(clean_of_stale_m(step.pte));
        ASSERT_EQ(step.pte & (kRights | kPteFrame), fresh_pte(q) & (kRights | kPteFrame));
        ASSERT_TRUE(iff(any(step.pte, kPteW), q.wired));
        ASSERT_TRUE(iff(any(step.pte, kPteManaged), any(old, kPteManaged)));
        ASSERT_FALSE(step.pv_new || step.pv_gone);
        ASSERT_TRUE(implies(step.pte != old, all(step.pte, kPteA) && none(step.pte, kPteM)));
        ASSERT_EQ(enter(step.pte, q).pte, step.pte) << "idempotent";
        kept += step.pte == old ? 1 : 0;
    }
    EXPECT_GT(kept, kRounds / 3);
}

TEST_F(StepTest, EnterQuickIsAReadOnlyEnterThatDisturbsNothing) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf_or_empty();
        const U32 pa = word() & kPteFrame;
        const bool managed = flag();
        const Step<U32> step = enter_quick(old, pa, managed);
        if (old != 0) {
            ASSERT_TRUE(step == keep(old));
            continue;
        }
        const Request<U32> plain{.pa = pa, .va = 0, .prot = kProtRead, .wired = false, .managed = managed};
        ASSERT_EQ(step.pte, fresh_pte(plain));
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_TRUE(iff(step.pv_new, managed));
    }
}

TEST_F(StepTest, RemoveHandsEverythingOver) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf_or_empty();
        const Step<U32> step = remove_if_any(old);
        ASSERT_EQ(step.pte, 0U);
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_TRUE(nothing_lost(old, step));
        ASSERT_TRUE(iff(step.pv_gone, any(old, kPteManaged)));
        ASSERT_TRUE(remove_if_any(step.pte) == keep(U32{0})) << "idempotent";
    }
}

TEST_F(StepTest, TeardownSparesWiredLeaves) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf();
        const Step<U32> step = teardown(old);
        ASSERT_EQ(step.pte, any(old, kPteW) ? old : 0);
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_TRUE(nothing_lost(old, step));
        ASSERT_TRUE(iff(step.pv_gone, all(old, kPteManaged) && none(old, kPteW)));
    }
}

TEST_F(StepTest, ProtectMeets) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf_or_empty();
        const U32 p = prot();
        const U32 q = prot();
        const Step<U32> first = protect(old, p);
        const Step<U32> both = protect(first.pte, q);
        const Step<U32> meet = protect(old, p & q);
        ASSERT_EQ(first.pte & ~old, 0U) << "monotone";
        ASSERT_TRUE(protect(first.pte, p) == keep(first.pte)) << "idempotent";
        ASSERT_EQ(both.pte, protect(protect(old, q).pte, p).pte) << "commutes";
        ASSERT_EQ(both.pte, meet.pte);
        ASSERT_EQ(first.d_resident + both.d_resident, meet.d_resident);
        ASSERT_EQ(first.d_wired + both.d_wired, meet.d_wired);
        ASSERT_TRUE(iff(first.dirtied || both.dirtied, meet.dirtied));
        ASSERT_TRUE(counts_match(old, first));
        ASSERT_TRUE(nothing_lost(old, first));
        ASSERT_TRUE(clean_of_stale_m(first.pte));
        ASSERT_TRUE(implies(none(p, kProtWrite), none(first.pte, kPteRW)));
        ASSERT_TRUE(implies(none(p, kProtRead), first.pte == 0));
        constexpr U32 kKept = kPteFrame | kPteW | kPteU | kPteV | kPteManaged | kPteG;
        ASSERT_TRUE(implies(any(p, kProtRead), (first.pte & kKept) == (old & kKept)));
        ASSERT_TRUE(implies(none(old, kPteManaged) && any(p, kProtRead),
                            (first.pte & (kPteA | kPteM)) == (old & (kPteA | kPteM))));
    }
}

TEST_F(StepTest, ProtectOfABigPageUnmapsNothing) {
    const U32 big = 0x00400000 | kPteV | kPteRW | kPtePS | kPteA | kPteM;
    EXPECT_TRUE(protect_big<U32>(big, kProtRead) == keep(big & ~kPteRW));
    EXPECT_TRUE(protect_big<U32>(big, kProtRead | kProtWrite) == keep(big));
    EXPECT_EQ(protect_big<U32>(big, kProtNone).pte, 0U);
    EXPECT_EQ(protect_big<U32>(big, kProtNone).d_resident, U32{0} - 1024U);
    EXPECT_TRUE(remove_big<U32>(0) == keep(U32{0}));
}

TEST_F(StepTest, ClearTouchesOneBit) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = managed_leaf();
        const Step<U32> rw = clear<kPteRW>(old);
        ASSERT_EQ(rw.pte, old & ~(kPteRW | kPteM));
        ASSERT_TRUE(nothing_lost(old, rw));
        ASSERT_TRUE(counts_match(old, rw));
        ASSERT_EQ(protect(old, kProtRead).pte | kPteA, rw.pte | kPteA) << "as protect, but A stays";
        ASSERT_TRUE(clear<kPteM>(old) == keep(old & ~kPteM));
        ASSERT_TRUE(clear<kPteA>(old) == keep(old & ~kPteA));
        ASSERT_TRUE(clear<kPteRW>(rw.pte) == keep(rw.pte)) << "idempotent";
    }
}

TEST_F(StepTest, PageProtect) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = managed_leaf();
        const U32 p = prot();
        const Step<U32> step = page_protect(old, p);
        ASSERT_EQ(step.pte & ~old, 0U) << "monotone";
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_TRUE(nothing_lost(old, step));
        ASSERT_TRUE(implies(none(p, kProtWrite), none(step.pte, kPteRW)));
        ASSERT_TRUE(iff(p == kProtNone, step.pte == 0 && step.pv_gone));
        ASSERT_TRUE(implies(any(p, kProtWrite), step == keep(old)));
    }
}

TEST_F(StepTest, RewireTouchesOnlyW) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf();
        const bool wired = flag();
        const bool again = flag();
        const Step<U32> step = rewire(old, wired);
        ASSERT_EQ(step.pte & ~kPteW, old & ~kPteW);
        ASSERT_TRUE(iff(any(step.pte, kPteW), wired));
        ASSERT_TRUE(counts_match(old, step));
        ASSERT_EQ(step.d_wired + rewire(step.pte, again).d_wired, rewire(old, again).d_wired);
    }
}

// A TLB entry filled from `old` and kept is covered by `now`.
TEST_F(StepTest, WithoutInvalidationTheCachedEntryIsCovered) {
    int uninvalidated = 0;
    for (int i = 0; i < kRounds; ++i) {
        const U32 old = leaf_or_empty();
        const U32 now = flag() ? leaf_or_empty() : old ^ (1U << (word() % 12));
        if (!needs_invalidation(old, now) && any(old, kPteV)) {
            ++uninvalidated;
            ASSERT_EQ(now & kPteFrame, old & kPteFrame);
            ASSERT_EQ((old & (kRights | kPteM | kPteG)) & ~now, 0U);
        }
    }
    EXPECT_GT(uninvalidated, kRounds / 20);
    const U32 old = 0x5000 | kPteV | kPteRW | kPteA | kPteM;
    for (const U32 bit : {kPteV, kPteRW, kPteM, U32{0x1000}}) {
        EXPECT_TRUE(needs_invalidation(old, old ^ bit)) << bit;
    }
    EXPECT_FALSE(needs_invalidation(old, old ^ kPteA));
    EXPECT_FALSE(needs_invalidation(old, old ^ kPteW));
    EXPECT_FALSE(needs_invalidation(U32{0}, old));
}

// What enter and protect leave behind, seen by the MMU through a directory entry that allows everything.
TEST_F(StepTest, WalkAfterEnterAndProtect) {
    constexpr U32 kPde = 0x3000 | kPteV | kPteU | kPteRW | kPteA | kPteM;
    for (int i = 0; i < kRounds; ++i) {
        const Request<U32> q = request();
        const U32 entered = enter(U32{0}, q).pte;
        const bool user_va = q.va < kUserEnd;
        const bool writable = any(q.prot, kProtWrite);
        using A = Access<U32>;
        ASSERT_EQ(mmu_allows(kPde, entered, A{.user = true, .write = false, .write_protect = true}), user_va);
        ASSERT_EQ(mmu_allows(kPde, entered, A{.user = true, .write = true, .write_protect = true}),
                  user_va && writable);
        ASSERT_TRUE(mmu_allows(kPde, entered, A{.user = false, .write = false, .write_protect = true}));
        ASSERT_EQ(mmu_allows(kPde, entered, A{.user = false, .write = true, .write_protect = true}), writable);

        const U32 old = leaf();
        const U32 pde = word() & ~kPtePS;
        const U32 p = prot();
        const A access{.user = flag(), .write = flag(), .write_protect = true};
        const bool allowed = mmu_allows(pde, protect(old, p).pte, access);
        ASSERT_TRUE(implies(allowed && access.write, any(p, kProtWrite)));
        ASSERT_TRUE(implies(allowed, any(p, kProtRead)));
        ASSERT_TRUE(implies(allowed, mmu_allows(pde, old, access))) << "nothing is added";
    }
}

TEST_F(StepTest, MmuRules) {
    for (int i = 0; i < kRounds; ++i) {
        const U32 pde = word();
        const U32 stored = word();
        const Access<U32> access{.user = flag(), .write = flag(), .write_protect = flag()};
        Access<U32> read = access;
        read.write = false;
        const bool allowed = mmu_allows(pde, stored, access);
        const U32 deciding = any(pde, kPtePS) ? pde : stored;
        ASSERT_TRUE(implies(allowed, all(pde, kPteV) && all(deciding, kPteV)));
        ASSERT_TRUE(implies(allowed && access.user, all(pde, kPteU) && all(deciding, kPteU)));
        ASSERT_TRUE(implies(allowed && access.write && (access.user || access.write_protect),
                            all(pde, kPteRW) && all(deciding, kPteRW)));
        ASSERT_TRUE(implies(allowed, mmu_allows(pde, stored, read)));
        const U32 more = kRights & word();
        ASSERT_TRUE(implies(allowed, mmu_allows(pde | more, stored | more, access))) << "more bits, more rights";
        ASSERT_TRUE(implies(allowed && !access.write, mmu_marks(deciding, access.write) == (deciding | kPteA)));
        ASSERT_TRUE(implies(allowed && access.write, mmu_marks(deciding, access.write) == (deciding | kPteA | kPteM)));
    }
}

}  // namespace
}  // namespace vmref::impl::pte
