// The interlock around a PTE change: who is stopped by it, and how long a pointer to a PTE is good.
#include "impl/defects/assertion_test.h"
#include "impl/pmap_i386/pmap_test.h"

namespace vmref::impl {
namespace {

class InterlockTest : public PmapTest {};

TEST_F(InterlockTest, StopsTheCpusOfThePmapOnceForEachChange) {
    Pmap& pmap = new_pmap();
    run(0, &pmap);
    run(1, &pmap);
    Page& page = new_page();
    const std::uint64_t before = sched_.cpus().gathered();
    EXPECT_EQ(enter(pmap, kBase, page), Status::success);
    EXPECT_EQ(sched_.cpus().gathered(), before + 1);
    EXPECT_EQ(sched_.cpus().stopped(), 0U);
    pmaps_.protect(pmap, kBase, kBase + kPageSize, kRead);
    EXPECT_EQ(sched_.cpus().gathered(), before + 2);
    check();
}

TEST_F(InterlockTest, AStoppedCpuKeepsEveryOtherInterlockOfItsPmapWaiting) {
    Pmap& pmap = new_pmap();
    run(0, &pmap);
    Page& page = new_page();
    EXPECT_EQ(enter(pmap, kBase, page), Status::success);
    sched_.cpus().quiesce(1);
    EXPECT_EQ(broken_rule([&] { pmaps_.protect(pmap, kBase, kBase + kPageSize, kRead); }), "I-68")
        << "inline the one who stopped it is the one who waits";
}

TEST_F(InterlockTest, NoCpuEntersAnInterlockedPmap) {
    Pmap& pmap = new_pmap();
    pmap.interlocked = true;
    EXPECT_EQ(broken_rule([&] { run(0, &pmap); }), "deadlock");
}

TEST_F(InterlockTest, APointerFromBeforeABlockingPointIsNotUsed) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    EXPECT_EQ(enter(pmap, kBase, page), Status::success);
    defects_.switch_on(Defect::b75_remove_all_counts_early);
    EXPECT_EQ(broken_rule([&] { pmaps_.remove_all(page); }), "I-74");
}

TEST_F(InterlockTest, AStoreOfACpuInBetweenInvalidatesNoPointer) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    EXPECT_EQ(enter(pmap, kBase, page), Status::success);
    defects_.switch_on(Defect::b87_protect_stores_plainly);
    pmaps_.protect(pmap, kBase, kBase + kPageSize, kRead);
    EXPECT_EQ(enter(pmap, kBase, page, kRead), Status::success);
    check();
}

}  // namespace
}  // namespace vmref::impl
