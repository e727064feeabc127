#include "impl/vm/object_debug.h"

#include <array>

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class ObjectDebugTest : public ObjectTest {
  protected:
    ~ObjectDebugTest() override { map_.entries.clear(); }
    void map_object(Object* object) {
        entry_.map = &map_;
        entry_.start = kBase;
        entry_.end = kBase + kPageSize;
        entry_.object = object;
        map_.entries.clear();
        map_.entries.insert(entry_);
    }
    ObjectComplaint complaint(const Object& object) const {
        const std::array<const Map*, 1> maps{&map_};
        return check_object(maps, object);
    }

    Map map_;
    MapEntry entry_;
};

TEST_F(ObjectDebugTest, AMapLeadsToEveryObjectOfItsChains) {
    Object& bottom = anon(2);
    object_reference(k, bottom);
    std::uint64_t offset = 0;
    Object& top = object_shadow(k, bottom, offset, 2);
    EXPECT_FALSE(object_in_map(map_, top));
    map_object(nullptr);
    EXPECT_FALSE(object_in_map(map_, bottom));
    map_object(&bottom);
    EXPECT_TRUE(object_in_map(map_, bottom));
    EXPECT_FALSE(object_in_map(map_, top));
    map_object(&top);
    EXPECT_TRUE(object_in_map(map_, bottom));
    EXPECT_TRUE(object_in_map(map_, top));
}

TEST_F(ObjectDebugTest, ComplainsAboutAnonymousObjectsOnly) {
    Object& object = anon(1);
    Object& tables = k.objects.allocate(ObjectType::page_table, 1);
    EXPECT_EQ(complaint(object), ObjectComplaint::in_no_map);
    EXPECT_EQ(complaint(tables), ObjectComplaint::none);
    map_object(&object);
    EXPECT_EQ(complaint(object), ObjectComplaint::none);
    object.ref_count = 0;
    EXPECT_EQ(complaint(object), ObjectComplaint::unreferenced);
    object.ref_count = 1;
}

TEST_F(ObjectDebugTest, NeighboursInNeighbouringFramesAreOneRun) {
    Object& object = anon(8);
    const Frame first = put(object, 0, 1).frame;
    put(object, 1, 2);
    put(object, 3, 3);  // the next frame, but not the next index
    const std::vector<PageRun> runs = physical_runs(object);
    ASSERT_EQ(runs.size(), 2U);
    EXPECT_EQ(runs[0].first, 0U);
    EXPECT_EQ(runs[0].frame, first);
    EXPECT_EQ(runs[0].pages, 2U);
    EXPECT_EQ(runs[1].first, 3U);
    EXPECT_EQ(runs[1].pages, 1U);
    EXPECT_TRUE(physical_runs(anon(1)).empty());
}

}  // namespace
}  // namespace vmref::impl
