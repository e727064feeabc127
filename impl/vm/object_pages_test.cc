// What vm_object.c does to all pages of an object or a range besides cleaning and removal, and coalescing.
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class ObjectPagesTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.map(1, 0, 4);
        world_.fill(1, 0, 4, 100);
    }
    Object& object() { return world_.top(1, 0); }

    World world_;
};

TEST_F(ObjectPagesTest, PmapCopyTakesTheRightToStoreFromARange) {
    object_pmap_copy_1(world_.k, object(), 1, 3);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_TRUE(world_.mapped(1, 1));
    EXPECT_FALSE(world_.mapped_writable(1, 1));
    EXPECT_FALSE(world_.mapped_writable(1, 2));
    EXPECT_TRUE(world_.mapped_writable(1, 3));
}

TEST_F(ObjectPagesTest, PmapCopyLeavesAnObjectThatNobodyStoresTo) {
    object().clear(kObjWriteable);
    object_pmap_copy_1(world_.k, object(), 0, 4);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
}

TEST_F(ObjectPagesTest, PmapRemoveUnmapsARangeAndKeepsThePages) {
    object_pmap_remove(world_.k, object(), 0, 2);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_FALSE(world_.mapped(1, 1));
    EXPECT_TRUE(world_.mapped(1, 2));
    EXPECT_TRUE(object().has(kObjWriteable)) << "only the whole range says that nobody stores";
    EXPECT_EQ(world_.word(1, 1), 101U);
    object_pmap_remove(world_.k, object(), 0, object().size);
    EXPECT_FALSE(object().has(kObjWriteable));
}

TEST_F(ObjectPagesTest, DeactivatePagesLeavesWiredOnes) {
    Page& wired = *world_.page(object(), 0);
    world_.wire(wired);
    object_deactivate_pages(world_.k, object());
    EXPECT_EQ(wired.queue, Queue::none);
    for (PageIndex index = 1; index < 4; ++index) {
        EXPECT_EQ(world_.page(object(), index)->queue, Queue::inactive);
    }
}

class CoalesceTest : public ObjectTest {};

TEST_F(CoalesceTest, AppendsToTheEnd) {
    Object& object = anon(2);
    object_reference(k, object);
    EXPECT_TRUE(object_coalesce(k, object, 0, 2, 3)) << "nobody else can use what lies behind the end";
    EXPECT_EQ(object.size, 5U);
}

TEST_F(CoalesceTest, RemovesWhatWasThere) {
    Object& object = anon(4);
    put(object, 1, 7);
    put(object, 2, 8);
    swap_out(object, 2);
    put(object, 3, 9);
    EXPECT_TRUE(object_coalesce(k, object, 0, 1, 2));
    EXPECT_EQ(page(object, 1), nullptr);
    EXPECT_FALSE(has_block(object, 2));
    EXPECT_EQ(value(object, 3), 9);
    EXPECT_EQ(object.size, 4U);
}

TEST_F(CoalesceTest, RefusesWhatOthersMayUse) {
    Object& shared = anon(4);
    put(shared, 0, 7);
    object_reference(k, shared);
    EXPECT_FALSE(object_coalesce(k, shared, 0, 2, 1));
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, shared, offset, 4);
    EXPECT_FALSE(object_coalesce(k, shadow, 0, 4, 1)) << "what lies below would show";
    Object& file = vnode_create(k, 1, kPageSize);
    EXPECT_FALSE(object_coalesce(k, file, 0, 1, 1));
}

TEST_F(CoalesceTest, CollapsesFirst) {
    Object& below = anon(2);
    put(below, 0, 7);
    object_reference(k, below);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, below, offset, 2);
    --below.ref_count;  // only the shadow's is left, and nobody has looked yet
    EXPECT_TRUE(object_coalesce(k, shadow, 0, 2, 1));
    EXPECT_EQ(shadow.backing, nullptr);
    EXPECT_EQ(value(shadow, 0), 7);
}

TEST_F(CoalesceTest, QcollapseMovesWhatIsAtHand) {
    Object& below = anon(3);
    put(below, 0, 7);
    Page& busy = put(below, 1, 8);
    put(below, 2, 9);
    object_reference(k, below);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, below, offset, 3);
    object_qcollapse(k, shadow);
    EXPECT_EQ(below.resident_page_count, 3U) << "somebody else sees it";
    --below.ref_count;
    EXPECT_TRUE(k.pages.busy_try(busy));
    object_qcollapse(k, shadow);
    k.pages.wakeup(busy);
    EXPECT_EQ(below.ref_count, 1U);
    EXPECT_EQ(below.resident_page_count, 1U);
    EXPECT_NE(page(shadow, 0), nullptr);
    EXPECT_NE(page(shadow, 2), nullptr);
    EXPECT_EQ(shadow.backing, &below);
    EXPECT_EQ(value(shadow, 1), 8);
}

}  // namespace
}  // namespace vmref::impl
