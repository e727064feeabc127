#include "impl/page/object.h"

#include <gtest/gtest.h>

#include <string>

#include "impl/defects/assertion_test.h"

namespace vmref::impl {
namespace {

class ObjectTest : public ::testing::Test {
  protected:
    void release(Object& object) {
        object.ref_count = 0;
        objects_.release(object);
    }

    Journal journal_{1};
    Scheduler sched_;
    ObjectStore objects_{journal_};
};

TEST_F(ObjectTest, AllocatedObjectHasOneReferenceAndNothingElse) {
    Object& object = objects_.allocate(ObjectType::default_, 7);
    EXPECT_EQ(object.ref_count, 1U);
    EXPECT_EQ(object.size, 7U);
    EXPECT_TRUE(object.has(kObjOneMapping));
    EXPECT_TRUE(object.anonymous());
    EXPECT_TRUE(object.pages.empty());
    EXPECT_EQ(object.swap_slot(3), kNoSwapSlot);
    EXPECT_EQ(objects_.find(object.id), &object);
    EXPECT_EQ(objects_.count(), 1U);
    ASSERT_EQ(journal_.objects.size(), 1U);
    EXPECT_EQ(journal_.objects[0], object.id);
}

TEST_F(ObjectTest, OnlyAnonymousObjectsStartWithOneMapping) {
    EXPECT_TRUE(objects_.allocate(ObjectType::swap, 1).has(kObjOneMapping));
    EXPECT_EQ(objects_.allocate(ObjectType::vnode, 1).flags, 0U);
    EXPECT_EQ(objects_.allocate(ObjectType::page_table, 1).flags, 0U);
}

TEST_F(ObjectTest, StorageIsReusedAndTheGenerationSurvives) {
    Object& first = objects_.allocate(ObjectType::vnode, 1);
    Object& second = objects_.allocate(ObjectType::default_, 1);
    const ObjectId id = first.id;
    EXPECT_NE(id, second.id);
    first.generation = 40;
    first.set(kObjDead);
    first.backing_offset = kPageSize;
    first.swap_slots.assign(3, 9);
    release(first);
    EXPECT_EQ(objects_.find(id), nullptr);
    EXPECT_EQ(objects_.count(), 1U);

    Object& again = objects_.allocate(ObjectType::default_, 5);
    EXPECT_EQ(&again, &first);
    EXPECT_EQ(again.id, id);
    EXPECT_EQ(again.generation, 41U);
    EXPECT_EQ(again.flags, kObjOneMapping);
    EXPECT_EQ(again.backing_offset, 0U);
    EXPECT_EQ(again.swap_slot(1), kNoSwapSlot);
    EXPECT_EQ(again.ref_count, 1U);
    EXPECT_EQ(objects_.all().size(), 3U);
    EXPECT_EQ(objects_.all()[0], nullptr);
}

TEST_F(ObjectTest, UnknownIdsAreNotFound) {
    EXPECT_EQ(objects_.find(0), nullptr);
    EXPECT_EQ(objects_.find(12), nullptr);
    objects_.allocate(ObjectType::default_, 1);
    EXPECT_EQ(objects_.find(0), nullptr);
}

TEST_F(ObjectTest, OnlyAnEmptyObjectIsReleased) {
    Object& object = objects_.allocate(ObjectType::default_, 1);
    Object& other = objects_.allocate(ObjectType::default_, 1);
    const auto rule = [&] { return broken_rule([&] { objects_.release(object); }); };
    EXPECT_EQ(rule(), "I-42");
    object.ref_count = 0;
    object.shadow_count = 1;
    EXPECT_EQ(rule(), "I-42");
    object.shadow_count = 0;
    object.paging_in_progress = 1;
    EXPECT_EQ(rule(), "I-42");
    object.paging_in_progress = 0;
    object.swap_count = 1;
    EXPECT_EQ(rule(), "I-42");
    object.swap_count = 0;
    object.backing = &other;
    EXPECT_EQ(rule(), "I-42");
    object.backing = nullptr;
    object.resident_page_count = 1;
    EXPECT_EQ(rule(), "I-42");
    object.resident_page_count = 0;
    EXPECT_EQ(rule(), "");
    EXPECT_EQ(rule(), "assertion");
}

TEST_F(ObjectTest, BackingIndexAddsTheOffset) {
    Object& object = objects_.allocate(ObjectType::default_, 4);
    object.backing_offset = 3 * std::uint64_t{kPageSize};
    EXPECT_EQ(object.backing_index(2), 5U);
}

TEST_F(ObjectTest, PagingInProgressIsALedger) {
    Object& object = objects_.allocate(ObjectType::vnode, 1);
    pip_add(object);
    pip_add(object);
    object.set(kObjPipWanted);
    pip_wakeup(object, sched_);
    EXPECT_TRUE(object.has(kObjPipWanted));
    pip_wakeup(object, sched_);
    EXPECT_FALSE(object.has(kObjPipWanted));
    EXPECT_EQ(object.paging_in_progress, 0U);
    EXPECT_EQ(broken_rule([&] { pip_wakeup(object, sched_); }), "I-33");
}

TEST_F(ObjectTest, HoldsAreALedger) {
    Object& object = objects_.allocate(ObjectType::vnode, 1);
    object_hold(object, sched_);
    object_hold(object, sched_);
    object_drop(object);
    EXPECT_EQ(object.hold_count, 1U);
    object_drop(object);
    EXPECT_EQ(broken_rule([&] { object_drop(object); }), "I-34");
}

TEST_F(ObjectTest, OnlyAnonymousObjectsHaveAChainLock) {
    Object& anonymous = objects_.allocate(ObjectType::default_, 1);
    Object& file = objects_.allocate(ObjectType::vnode, 1);
    chain_acquire(anonymous, sched_);
    chain_acquire(anonymous, sched_);
    chain_acquire(file, sched_);
    EXPECT_EQ(anonymous.chain_holders, 2U);
    EXPECT_EQ(file.chain_holders, 0U);
    chain_release(file);
    chain_release(anonymous);
    chain_release(anonymous);
    EXPECT_EQ(broken_rule([&] { chain_release(anonymous); }), "I-35");
}

TEST_F(ObjectTest, AChainIsReleasedToItsLastObjectAndNotBelow) {
    Object& bottom = objects_.allocate(ObjectType::default_, 1);
    Object& last = objects_.allocate(ObjectType::default_, 1);
    Object& middle = objects_.allocate(ObjectType::swap, 1);
    Object& first = objects_.allocate(ObjectType::default_, 1);
    first.backing = &middle;
    middle.backing = &last;
    last.backing = &bottom;
    for (Object* object : {&first, &middle, &last, &bottom}) {
        chain_acquire(*object, sched_);
    }
    chain_release_all(first, last);
    EXPECT_EQ(first.chain_holders, 0U);
    EXPECT_EQ(middle.chain_holders, 0U);
    EXPECT_EQ(last.chain_holders, 0U);
    EXPECT_EQ(bottom.chain_holders, 1U);
    chain_release_all(bottom, bottom);
    EXPECT_EQ(bottom.chain_holders, 0U);
}

TEST_F(ObjectTest, AChainThatMissesItsLastObjectIsAFinding) {
    Object& first = objects_.allocate(ObjectType::default_, 1);
    Object& elsewhere = objects_.allocate(ObjectType::default_, 1);
    chain_acquire(first, sched_);
    chain_acquire(elsewhere, sched_);
    EXPECT_EQ(broken_rule([&] { chain_release_all(first, elsewhere); }), "I-35");
}

}  // namespace
}  // namespace vmref::impl
