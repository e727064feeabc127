#include "impl/vm/vm_object.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class VmObjectTest : public ObjectTest {};

TEST_F(VmObjectTest, ShadowOfAnObjectThatNobodyElseSeesIsTheObjectItself) {
    Object& object = anon(4);
    std::uint64_t offset = 2 * kPageSize;
    EXPECT_EQ(&object_shadow(k, object, offset, 2), &object);
    EXPECT_EQ(offset, 2U * kPageSize);
    EXPECT_EQ(object.ref_count, 1U);
    EXPECT_TRUE(object.has(kObjOneMapping));
}

TEST_F(VmObjectTest, ShadowTakesOverTheCallersReferenceAndTheOffset) {
    Object& source = anon(4);
    object_reference(k, source);
    const std::uint64_t generation = source.generation;
    std::uint64_t offset = 1 * kPageSize;
    Object& shadow = object_shadow(k, source, offset, 3);

    EXPECT_NE(&shadow, &source);
    EXPECT_EQ(offset, 0U);
    EXPECT_EQ(shadow.type, ObjectType::default_);
    EXPECT_EQ(shadow.size, 3U);
    EXPECT_EQ(shadow.ref_count, 1U);
    EXPECT_EQ(shadow.backing, &source);
    EXPECT_EQ(shadow.backing_offset, kPageSize);
    EXPECT_EQ(shadow.backing_index(2), 3U);
    EXPECT_EQ(source.ref_count, 2U) << "the reference only changes hands";
    EXPECT_EQ(source.shadow_count, 1U);
    EXPECT_EQ(&source.shadows.front(), &shadow);
    EXPECT_GT(source.generation, generation);
    EXPECT_FALSE(source.has(kObjOneMapping)) << "two ways lead to the source now (B-60)";
    EXPECT_TRUE(shadow.has(kObjOneMapping));
}

TEST_F(VmObjectTest, FileIsShadowedEvenWithOneReference) {
    Vnode vnode(1, 2 * kPageSize);
    Object& object = k.objects.allocate(ObjectType::vnode, 2);
    object.vnode = &vnode;
    vnode.object = &object;
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, object, offset, 2);
    EXPECT_NE(&shadow, &object);
    EXPECT_EQ(object.ref_count, 1U);
    object_deallocate(k, &shadow);
    EXPECT_EQ(object.ref_count, 0U) << "the vnode keeps the object whatever its references";
    EXPECT_NE(k.objects.find(object.id), nullptr);
    EXPECT_FALSE(object.has(kObjDead));
}

TEST_F(VmObjectTest, OnlyTwoReferencesLeftWithoutShadowMakeOneMapping) {
    Object& object = anon(1);
    object_reference(k, object);
    object_reference(k, object);
    object.clear(kObjOneMapping);
    object_deallocate(k, &object);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_FALSE(object.has(kObjOneMapping));
    object_deallocate(k, &object);
    EXPECT_EQ(object.ref_count, 1U);
    EXPECT_TRUE(object.has(kObjOneMapping));
}

TEST_F(VmObjectTest, TwoShadowsKeepTheBackingObject) {
    Object& source = anon(1);
    put(source, 0, 7);
    object_reference(k, source);
    object_reference(k, source);
    std::uint64_t offset = 0;
    Object& left = object_shadow(k, source, offset, 1);
    Object& right = object_shadow(k, source, offset, 1);
    EXPECT_EQ(source.shadow_count, 2U);
    object_deallocate(k, &source);
    EXPECT_EQ(source.ref_count, 2U);
    EXPECT_EQ(left.backing, &source);
    EXPECT_EQ(right.backing, &source);
    EXPECT_EQ(k.stats.object_collapses, 0U);

    object_deallocate(k, &left);
    EXPECT_EQ(k.stats.object_collapses, 1U) << "one shadow is left alone with it";
    EXPECT_EQ(right.backing, nullptr);
    EXPECT_EQ(value(right, 0), 7);
    EXPECT_EQ(right.ref_count, 1U);
}

TEST_F(VmObjectTest, LastReferenceEndsTheWholeChainAndFreesBlocks) {
    Object& source = anon(2);
    put(source, 0, 1);
    put(source, 1, 2);
    swap_out(source, 1);
    object_reference(k, source);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, source, offset, 2);
    // A second reference keeps both until now, and no collapse is due: the object below is still mapped.
    const std::uint32_t free_before = k.pages.free_count();
    put(shadow, 0, 3);
    EXPECT_EQ(blocks_used(), 1U);
    object_deallocate(k, &shadow);
    EXPECT_EQ(source.ref_count, 1U);
    EXPECT_EQ(source.shadow_count, 0U);
    EXPECT_EQ(k.stats.pfree, 1U);
    object_deallocate(k, &source);
    EXPECT_EQ(k.objects.count(), 0U);
    EXPECT_EQ(k.stats.pfree, 2U);
    EXPECT_EQ(blocks_used(), 0U);
    EXPECT_EQ(k.pages.free_count(), free_before + 1);
}

TEST_F(VmObjectTest, WiredPageOutlivesItsObject) {
    Object& object = anon(2);
    Page& wired = put(object, 0, 1);
    Page& plain = put(object, 1, 2);
    wire(wired);
    object_deallocate(k, &object);
    EXPECT_EQ(k.objects.count(), 0U);
    EXPECT_EQ(wired.object, nullptr);
    EXPECT_EQ(wired.wire_count, 1U);
    EXPECT_FALSE(wired.busied());
    EXPECT_EQ(wired.queue, Queue::none);
    EXPECT_EQ(plain.queue, Queue::free);
    EXPECT_EQ(k.stats.pfree, 1U) << "only the page that was freed counts";
}

TEST_F(VmObjectTest, TerminationWaitsForABusyPage) {
    Object& object = anon(1);
    Page& m = put(object, 0, 1);
    m.busy_owner = 9;
    EXPECT_EQ(broken_rule([&] {
                  Object& other = anon(1);
                  put(other, 0, 1).busy_owner = 9;
                  object_deallocate(k, &other);
              }),
              "deadlock");
    unsigned waits = 0;
    Helper helper([&](BlockPoint point) {
        EXPECT_EQ(point, BlockPoint::page_busy);
        ++waits;
        m.busy_owner = 0;
        m.clear(kPageWanted);
        return true;
    });
    k.sched.set_inline_waiter(&helper);
    object_deallocate(k, &object);
    EXPECT_EQ(waits, 1U);
    EXPECT_EQ(m.queue, Queue::free);
}

TEST_F(VmObjectTest, TerminationWaitsForPagingInProgress) {
    Object& object = anon(1);
    pip_add(object);
    Helper helper([&](BlockPoint point) {
        EXPECT_EQ(point, BlockPoint::paging_in_progress);
        EXPECT_TRUE(object.has(kObjDead));
        pip_wakeup(object, k.sched);
        return true;
    });
    k.sched.set_inline_waiter(&helper);
    object_deallocate(k, &object);
    EXPECT_EQ(k.objects.count(), 0U);
}

TEST_F(VmObjectTest, DeadObjectGetsNoReferenceAndAnUnreferencedOneLosesNone) {
    Object& object = anon(1);
    object.set(kObjDead);
    EXPECT_EQ(broken_rule([&] { object_reference(k, object); }), "I-32");
    object.ref_count = 0;
    EXPECT_EQ(broken_rule([&] { object_deallocate(k, &object); }), "I-25");
}

TEST_F(VmObjectTest, ContentIsTheFirstPageOrBlockOnTheChain) {
    Object& source = anon(4);
    put(source, 0, 1);
    put(source, 1, 2);
    put(source, 2, 3);
    swap_out(source, 2);
    object_reference(k, source);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, source, offset, 4);
    put(shadow, 0, 9);
    grab(shadow, 1);

    EXPECT_EQ(value(shadow, 0), 9);
    EXPECT_EQ(value(shadow, 1), 2) << "an invalid page holds nothing";
    EXPECT_EQ(object_content(&shadow, 2).kind, Content::Kind::swap);
    EXPECT_EQ(value(shadow, 2), 3);
    EXPECT_EQ(object_content(&shadow, 3).kind, Content::Kind::zero);
    EXPECT_EQ(chain_resident_page(k, &shadow, 1), page(shadow, 1)) << "resident counts here, valid or not (D-4)";
    EXPECT_EQ(chain_resident_page(k, &shadow, 2), nullptr);
}

}  // namespace
}  // namespace vmref::impl
