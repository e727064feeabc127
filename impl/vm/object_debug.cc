#include "impl/vm/object_debug.h"

#include <algorithm>

namespace vmref::impl {

bool object_in_map(const Map& map, const Object& object) {
    return std::any_of(map.entries.begin(), map.entries.end(), [&](const MapEntry& entry) {
        if (entry.submap != nullptr) {
            return object_in_map(*entry.submap, object);
        }
        const Object* level = entry.object;
        while (level != nullptr && level != &object) {
            level = level->backing;
        }
        return level != nullptr;
    });
}

ObjectComplaint check_object(std::span<const Map* const> maps, const Object& object) {
    if (!object.anonymous()) {
        return ObjectComplaint::none;
    }
    if (object.ref_count == 0) {
        return ObjectComplaint::unreferenced;
    }
    const bool found =
        std::any_of(maps.begin(), maps.end(), [&object](const Map* const map) { return object_in_map(*map, object); });
    return found ? ObjectComplaint::none : ObjectComplaint::in_no_map;
}

std::vector<PageRun> physical_runs(const Object& object) {
    std::vector<PageRun> runs;
    for (const Page& page : object.pages) {
        PageRun* const last = runs.empty() ? nullptr : &runs.back();
        if (last != nullptr && last->first + last->pages == page.pindex && last->frame + last->pages == page.frame) {
            ++last->pages;
        } else {
            runs.push_back({page.pindex, page.frame, 1});
        }
    }
    return runs;
}

}  // namespace vmref::impl
