#include "impl/page/flag_changes.h"

#include <gtest/gtest.h>

#include "impl/page/object.h"
#include "impl/page/page.h"

namespace vmref::impl {
namespace {

TEST(FlagChanges, RemembersOnlyWhatChanged) {
    Page page;
    page.clear(kPageRam);
    EXPECT_EQ(page.changes.was_cleared, 0U) << "it was not set";
    page.set(kPageRam | kPageMapped);
    page.set(kPageRam);
    page.clear(kPageRam | kPageReferenced);
    EXPECT_EQ(page.changes.was_set, kPageRam | kPageMapped);
    EXPECT_EQ(page.changes.was_cleared, kPageRam);
}

TEST(FlagChanges, SurviveTheEndOfAnObject) {
    Journal journal{1};
    ObjectStore store(journal);
    Object& object = store.allocate(ObjectType::default_, 1);
    object.set(kObjCleaning);
    object.ref_count = 0;
    store.release(object);
    store.allocate(ObjectType::default_, 1);
    EXPECT_EQ(store.storage().size(), 1U);
    EXPECT_TRUE((store.storage().front().changes.was_set & kObjCleaning) != 0);
}

TEST(ObjectStore, AHeldObjectIsNotUsedAgain) {
    Journal journal{1};
    ObjectStore store(journal);
    Object& object = store.allocate(ObjectType::default_, 1);
    ++object.hold_count;
    object.ref_count = 0;
    store.release(object);
    EXPECT_NE(&store.allocate(ObjectType::default_, 1), &object);
    object_drop(object);
    EXPECT_EQ(&store.allocate(ObjectType::default_, 1), &object);
}

}  // namespace
}  // namespace vmref::impl
