// The debugger's helpers of vm_object.c (1694-1980). They look at a kernel at rest and change nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "impl/vm/map.h"

namespace vmref::impl {

// An entry of the map leads to the object, at the top or further down its chain (vm_object.c:1702-1750).
bool object_in_map(const Map& map, const Object& object);

// What vmochk says about an object (vm_object.c:1795-1822).
enum class ObjectComplaint : std::uint8_t { none, unreferenced, in_no_map };
// Files and page tables are not its business: somebody else keeps them.
ObjectComplaint check_object(std::span<const Map* const> maps, const Object& object);

// Pages of neighbouring indexes in neighbouring frames (vmopag, vm_object.c:1892-1980).
struct PageRun {
    PageIndex first = 0;
    Frame frame = 0;  // of the first
    std::uint32_t pages = 0;
};
// All of the object's resident pages, by index.
std::vector<PageRun> physical_runs(const Object& object);

}  // namespace vmref::impl
