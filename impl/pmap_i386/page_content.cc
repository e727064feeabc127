// Contents of pages, through the windows of the CPU (pmap.c:2775-2902).
#include <algorithm>
#include <cstring>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

void PmapSystem::zero_page(const Page& m) {
    coverage_.ran(PmapFunction::zero_page);
    std::memset(open_window(WindowUse::zero, m, kPteRW | kPteA | kPteM), 0, kPageSize);
    close_window(WindowUse::zero);
}

void PmapSystem::zero_page_area(const Page& m, std::uint32_t offset, std::uint32_t size) {
    coverage_.ran(PmapFunction::zero_page_area);
    ensure(offset <= kPageSize && size <= kPageSize - offset, "the area lies in its page");
    std::memset(open_window(WindowUse::zero, m, kPteRW | kPteA | kPteM) + offset, 0, size);
    close_window(WindowUse::zero);
}

bool PmapSystem::page_is_zero(const Page& m) {
    coverage_.ran(PmapFunction::page_assertzero);
    const std::uint8_t* const bytes = open_window(WindowUse::zero, m, kPteRW | kPteA | kPteM);
    const bool zero = std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; });
    close_window(WindowUse::zero);
    return zero;
}

void PmapSystem::copy_page(const Page& from, const Page& to) {
    coverage_.ran(PmapFunction::copy_page);
    const std::uint8_t* const source = open_window(WindowUse::copy_from, from, kPteA);
    std::memmove(open_window(WindowUse::copy_to, to, kPteRW | kPteA | kPteM), source, kPageSize);
    close_window(WindowUse::copy_from);
    close_window(WindowUse::copy_to);
}

void PmapSystem::copy_page_frag(const Page& from, std::uint32_t from_offset, const Page& to, std::uint32_t to_offset,
                                std::uint32_t size) {
    coverage_.ran(PmapFunction::copy_page_frag);
    ensure(std::max(from_offset, to_offset) <= kPageSize && size <= kPageSize - std::max(from_offset, to_offset),
           "the fragments lie in their pages");
    const std::uint8_t* const source = open_window(WindowUse::copy_from, from, kPteA);
    std::memmove(open_window(WindowUse::copy_to, to, kPteRW | kPteA | kPteM) + to_offset, source + from_offset, size);
    close_window(WindowUse::copy_from);
    close_window(WindowUse::copy_to);
}

}  // namespace vmref::impl
