// Wiring, dirtiness, holds and prefaults: broken by hand, each must be what is reported.
#include "props/invariants/invariant_set_test.h"

namespace vmref::props {
namespace {

class WiredTest : public InvariantSetTest {
  protected:
    WiredTest() {
        populate();
        apply(Mlock{.pid = 1, .addr = kAnonymous, .length = kPageSize});
    }
};

TEST_F(WiredTest, PageWiredForNobody) {
    set_wired(page(1, kShared), true);
    expect_broken("I-49");
}

TEST_F(WiredTest, EntryWithoutWiredPage) {
    set_wired(page(1, kAnonymous), false);
    expect_broken("I-49");
}

TEST_F(WiredTest, MappingWithoutW) {
    set_pte(1, kAnonymous, pte(1, kAnonymous) & ~impl::kPteW);
    --pmap(1).wired_count;
    expect_broken("I-51");
}

TEST_F(WiredTest, MappingWithoutStoreRight) {
    set_pte(1, kAnonymous, pte(1, kAnonymous) & ~impl::kPteRW);
    expect_broken("I-51");
}

TEST_F(WiredTest, MappingMissing) {
    kernel_.pmaps.remove(pmap(1), kAnonymous, kAnonymous + kPageSize);
    expect_broken("I-51");
}

TEST_F(WiredTest, TruncatedPageNeedsNoMapping) {
    apply(Mlock{.pid = 1, .addr = kFile, .length = 2 * kPageSize});
    apply(Ftruncate{.file = 1, .size = kPageSize});
    EXPECT_EQ(found_by_all(), "");
    set_wired(page(1, kFile), true);
    expect_broken("I-49");
}

TEST_F(WiredTest, CopyShowsAnother) {
    apply(Fork{.parent = 1, .child = 2});
    const std::uint64_t applied = invariant(set_, "I-97").applied;
    EXPECT_GT(applied, 0U) << "by the fork itself";
    set_.entry_copied(entry(1, kAnonymous), entry(2, kAnonymous));
    EXPECT_EQ(violated(set_), "") << message(set_);
    store(2, kAnonymous, 99);
    set_.entry_copied(entry(1, kAnonymous), entry(2, kAnonymous));
    EXPECT_EQ(violated(set_), "I-97");
}

TEST_F(WiredTest, CopyIsTheSamePage) {
    set_.entry_copied(entry(1, kAnonymous), entry(1, kAnonymous));
    EXPECT_EQ(violated(set_), "I-97");
}

TEST_F(InvariantSetTest, DirtyWithoutData) {
    populate();
    page(1, kAnonymous).dirty = impl::kPageBitsAll;
    page(1, kAnonymous).valid = 0;
    expect_broken("I-54");
}

TEST_F(InvariantSetTest, DirtyFilePageUnmarked) {
    populate();
    page(1, kFile).dirty = impl::kPageBitsAll;
    object(1, kFile).clear(impl::kObjMightBeDirty);
    expect_broken("I-44");
}

TEST_F(InvariantSetTest, DirtyFilePageAfterCleaning) {
    populate();
    set_.pages_cleaned(object(1, kFile), 0, 4, true);
    EXPECT_EQ(violated(set_), "");
    page(1, kFile).dirty = impl::kPageBitsAll;
    set_.pages_cleaned(object(1, kFile), 1, 4, true);
    EXPECT_EQ(violated(set_), "") << "outside of the range";
    set_.pages_cleaned(object(1, kFile), 0, 1, true);
    EXPECT_EQ(violated(set_), "I-44");
}

TEST_F(InvariantSetTest, MarkedForCleaningAtRest) {
    populate();
    page(1, kFile).set(impl::kPageCleanChk);
    expect_broken("I-57");
}

TEST_F(InvariantSetTest, MarkedPageAfterCleaning) {
    populate();
    page(1, kFile).set(impl::kPageCleanChk);
    set_.pages_cleaned(object(1, kFile), 0, 4, true);
    EXPECT_EQ(violated(set_), "I-57");
}

TEST_F(InvariantSetTest, MarkedPagePassedBy) {
    populate();
    const impl::Page& marked = page(1, kFile);
    page(1, kFile).set(impl::kPageRam);
    set_.before_copy(page(1, kAnonymous), marked);
    EXPECT_EQ(violated(set_), "I-06") << "a copy from elsewhere passes nothing by";
    InvariantSet set(system_);
    set.before_zero_fill(*marked.object, marked.pindex, marked);
    EXPECT_EQ(violated(set), "I-05 I-06 I-58");
}

TEST_F(InvariantSetTest, HoldAtRest) {
    populate();
    ++object(1, kAnonymous).hold_count;
    expect_broken("I-34");
}

TEST_F(InvariantSetTest, HoldAfterAWalk) {
    populate();
    share();
    impl::Object& top = object(1, kAnonymous);
    ++top.hold_count;
    set_.fault_object_left(top, false);
    EXPECT_EQ(violated(set_), "") << "the top's hold is the caller's";
    ++top.backing->hold_count;
    set_.fault_object_left(top, false);
    EXPECT_EQ(violated(set_), "I-34");
}

// Two resident pages, the second one not mapped.
class PrefaultTest : public InvariantSetTest {
  protected:
    PrefaultTest() {
        populate();
        store(1, kShared + kPageSize, 14);
        second_ = &page(1, kShared + kPageSize);
        kernel_.pmaps.remove(pmap(1), kShared + kPageSize, kShared + 2 * kPageSize);
    }
    void begin() { set_.before_prefault(entry(1, kShared), kShared, kReadWrite, impl::PrefaultKind::top); }
    void end() { set_.after_prefault(entry(1, kShared)); }

    impl::Page* second_ = nullptr;
};

TEST_F(PrefaultTest, RealOneHolds) {
    kernel_.pmaps.remove(pmap(1), kShared, kShared + kPageSize);
    const std::uint64_t applied = invariant(set_, "I-98").applied;
    load(1, kShared);
    EXPECT_NE(pte(1, kShared + kPageSize), 0U);
    EXPECT_GT(invariant(set_, "I-98").applied, applied);
    EXPECT_EQ(violated(set_), "") << message(set_);
}

TEST_F(PrefaultTest, PageForgotten) {
    begin();
    end();
    EXPECT_EQ(violated(set_), "I-98");
}

TEST_F(PrefaultTest, PageDirtied) {
    kernel_.pmaps.remove(pmap(1), kShared, kShared + kPageSize);
    begin();
    load(1, kShared);
    EXPECT_EQ(violated(set_), "");
    begin();
    second_->dirty = static_cast<std::uint8_t>(~second_->dirty);
    end();
    EXPECT_EQ(violated(set_), "") << "mapped before: not in the window";
    kernel_.pmaps.remove(pmap(1), kShared + kPageSize, kShared + 2 * kPageSize);
    begin();
    second_->dirty = static_cast<std::uint8_t>(~second_->dirty);
    end();
    EXPECT_EQ(violated(set_), "I-98");
}

TEST_F(PrefaultTest, PageTooMany) {
    set_.before_prefault(entry(1, kShared), kShared + kPageSize, kReadWrite, impl::PrefaultKind::top);
    ++kernel_.stats.pages_prefaulted;
    end();
    EXPECT_EQ(violated(set_), "I-98");
}

}  // namespace
}  // namespace vmref::props
