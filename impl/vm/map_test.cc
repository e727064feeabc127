// Entries of a map: insertion, clipping, lookup, and what goes with an entry.
#include "impl/vm/map.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapTest : public testing::Test {
  protected:
    void SetUp() override { world_.spawn(1); }
    Map& map() { return world_.map_of(1); }
    std::size_t entries() { return map().entries.size(); }

    World world_;
};

TEST_F(MapTest, AnonymousEntryGetsItsObjectAtTheFirstTouch) {
    world_.map(1, 2, 3);
    EXPECT_EQ(world_.entry(1, 2).object, nullptr);
    world_.word(1, 3);
    Object* const object = world_.entry(1, 2).object;
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->size, 3U);
    EXPECT_EQ(object->ref_count, 1U);
    EXPECT_EQ(object->first_entry, &world_.entry(1, 2));
    EXPECT_NE(world_.page(*object, 1), nullptr);
}

TEST_F(MapTest, LookupFailsWithoutEntryOrRightAndLeavesNoLock) {
    world_.map(1, 0, 1, kRead);
    EXPECT_EQ(map_lookup(world_.k, map(), va(1), kRead).status, Status::invalid_address);
    EXPECT_EQ(map_lookup(world_.k, map(), va(0), kProtWrite).status, Status::protection_failure);
    EXPECT_EQ(map().readers, 0U);
    EXPECT_FALSE(map().exclusive);
    const LookupResult allowed = map_lookup(world_.k, map(), va(0), kProtWrite | kProtOverrideWrite);
    EXPECT_EQ(allowed.status, Status::success) << "a debugger is judged by the maximum";
    EXPECT_EQ(map().readers, 1U);
    map_lookup_done(map());
    EXPECT_EQ(map().readers, 0U);
}

TEST_F(MapTest, LookupForAStoreMakesAShadowForAReadItTakesTheRightAway) {
    world_.file(1, 4);
    world_.map(1, 1, 3, kReadWrite, 1);
    const std::uint32_t references = world_.file_object(1).ref_count;
    const LookupResult read = map_lookup(world_.k, map(), va(2), kRead);
    map_lookup_done(map());
    EXPECT_EQ(read.object, &world_.file_object(1));
    EXPECT_EQ(read.prot, kRead);
    EXPECT_EQ(read.pindex, 1U);
    EXPECT_TRUE(world_.entry(1, 1).has(kEntryNeedsCopy));

    const std::uint32_t timestamp = map().timestamp;
    const LookupResult store = map_lookup(world_.k, map(), va(2), kProtWrite);
    EXPECT_EQ(map().readers, 1U) << "downgraded again";
    map_lookup_done(map());
    EXPECT_GT(map().timestamp, timestamp) << "the upgrade is a change";
    EXPECT_NE(store.object, &world_.file_object(1));
    EXPECT_EQ(store.object->backing, &world_.file_object(1));
    EXPECT_EQ(store.object->size, 3U);
    EXPECT_EQ(store.prot, kReadWrite);
    EXPECT_FALSE(world_.entry(1, 1).has(kEntryNeedsCopy));
    EXPECT_TRUE(world_.entry(1, 1).has(kEntryCow));
    EXPECT_EQ(world_.entry(1, 1).offset, 0U);
    EXPECT_EQ(world_.file_object(1).ref_count, references);
    EXPECT_EQ(world_.file_object(1).first_entry, nullptr) << "the entry list moves with the entry (D-1)";
    EXPECT_EQ(store.object->first_entry, &world_.entry(1, 1));
}

TEST_F(MapTest, LookupOfAWiredEntryAsksForAllItsRights) {
    world_.map(1, 0, 1);
    world_.lock(1, 0, 1);
    const LookupResult read = map_lookup(world_.k, map(), va(0), kRead);
    map_lookup_done(map());
    EXPECT_TRUE(read.wired);
    EXPECT_EQ(read.prot, kReadWrite);
}

TEST_F(MapTest, ClipGivesEachPartAReferenceAndItsOffset) {
    world_.map(1, 0, 4);
    world_.fill(1, 0, 4, 100);
    Object& object = world_.top(1, 0);
    world_.protect(1, 1, 2, kRead);
    EXPECT_EQ(entries(), 3U);
    EXPECT_EQ(object.ref_count, 3U);
    EXPECT_EQ(world_.entry(1, 0).page_count(), 1U);
    EXPECT_EQ(world_.entry(1, 1).offset, kPageSize);
    EXPECT_EQ(world_.entry(1, 2).page_count(), 2U);
    EXPECT_EQ(world_.entry(1, 3).offset, 3U * kPageSize);
    std::size_t listed = 0;
    for (const MapEntry* entry = object.first_entry; entry != nullptr; entry = entry->next_of_object) {
        ++listed;
    }
    EXPECT_EQ(listed, 3U);
    EXPECT_EQ(world_.word(1, 3), 103U);
}

TEST_F(MapTest, DeletedPartTakesItsPagesAndBlocksWithIt) {
    world_.map(1, 0, 4);
    world_.fill(1, 0, 4, 100);
    Object& object = world_.top(1, 0);
    world_.swap_out(object, 1);
    const std::uint32_t free_before = world_.k.pages.free_count();
    world_.unmap(1, 1, 2);
    EXPECT_EQ(object.resident_page_count, 2U);
    EXPECT_EQ(world_.blocks_used(), 0U);
    EXPECT_EQ(world_.k.pages.free_count(), free_before + 1);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_EQ(object.size, 4U);
    world_.unmap(1, 3, 1);
    EXPECT_EQ(object.size, 3U) << "the object shrinks with its last entry";
    world_.unmap(1, 0, 1);
    EXPECT_EQ(entries(), 0U);
}

TEST_F(MapTest, DeletedPartOfASharedObjectLeavesThePages) {
    world_.map(1, 0, 2, kReadWrite, 0, true);
    world_.fill(1, 0, 2, 100);
    world_.fork(1, 2);
    world_.unmap(1, 1, 1);
    EXPECT_EQ(world_.word(2, 1), 101U);
    EXPECT_FALSE(world_.mapped(1, 1));
}

TEST_F(MapTest, FindSpaceStartsAtTheHintAndWrapsOnce) {
    world_.map(1, 0, 2);
    world_.map(1, 3, 1);
    Va start = 0;
    EXPECT_TRUE(map_find_space(map(), va(0) + 5, kPageSize, start));
    EXPECT_EQ(start, va(2));
    EXPECT_TRUE(map_find_space(map(), va(0), 2 * kPageSize, start));
    EXPECT_EQ(start, va(4));
    EXPECT_TRUE(map_find_space(map(), kUserEnd - kPageSize, 2 * kPageSize, start));
    EXPECT_EQ(start, 0U);
    EXPECT_FALSE(map_find_space(map(), 0, kUserEnd, start));
}

TEST_F(MapTest, HolesAreFound) {
    world_.map(1, 0, 1);
    world_.map(1, 1, 1, kRead);
    world_.map(1, 3, 1);
    EXPECT_FALSE(map_has_hole(map(), va(0), va(2)));
    EXPECT_TRUE(map_has_hole(map(), va(0), va(4)));
    EXPECT_TRUE(map_has_hole(map(), va(2), va(4)));
    EXPECT_TRUE(map_has_hole(map(), va(3), va(5)));
    EXPECT_EQ(map_entry_at(map(), va(2)), nullptr);
    EXPECT_EQ(map_entry_at_or_after(map(), va(2)), &world_.entry(1, 3));
    EXPECT_EQ(map_previous(map(), world_.entry(1, 0)), nullptr);
    EXPECT_EQ(map_next(map(), world_.entry(1, 1)), &world_.entry(1, 3));
}

TEST_F(MapTest, LocksAreCheckedAndExclusiveOnesBumpTheTimestamp) {
    Map& m = map();
    const std::uint32_t timestamp = m.timestamp;
    map_lock_read(world_.k, m);
    EXPECT_EQ(m.timestamp, timestamp);
    EXPECT_FALSE(map_try_lock(m));
    EXPECT_TRUE(map_lock_upgrade(world_.k, m));
    EXPECT_EQ(m.timestamp, timestamp + 1);
    map_lock_downgrade(m);
    map_unlock_read(m);
    EXPECT_EQ(broken_rule([&] { map_unlock_read(m); }), "I-87");
    EXPECT_EQ(broken_rule([&] { map_unlock(m); }), "I-87");
    map_lock(world_.k, m);
    EXPECT_EQ(broken_rule([&] { map_lock_read(world_.k, m); }), "I-87");
    map_unlock(m);
}

}  // namespace
}  // namespace vmref::impl
