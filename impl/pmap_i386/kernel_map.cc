// Kernel mappings without pv entries or statistics (pmap.c:789-976, 3352-3420). What is "quick" tells its own CPU only;
// who uses it sees to the others.
#include <algorithm>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

PmapSystem::PtePointer PmapSystem::kernel_leaf(Va va) {
    const PtePointer pointer = leaf(kernel_, va);
    ensure_rule(va >= kKernelStart && va < kernel_end_ && pointer.there(), "I-78",
                "a kernel address lies where the kernel has page tables");
    return pointer;
}

PmapSystem::PteStep PmapSystem::kernel_step(std::uint32_t old, Va va, Pa pa, std::uint32_t more) const {
    const pte::Request<std::uint32_t> request{
        .pa = pa, .va = va, .prot = kProtRead | kProtWrite, .wired = false, .managed = false, .global = pgeflag_ != 0};
    return pte::replace(old, pte::fresh_pte(request) | more);
}

void PmapSystem::kenter(Va va, Pa pa) {
    coverage_.ran(PmapFunction::kenter);
    change(
        kernel_, va, kernel_leaf(va), [&](std::uint32_t word) { return kernel_step(word, va, pa); }, true);
}

void PmapSystem::kenter_quick(Va va, Pa pa) {
    coverage_.ran(PmapFunction::kenter_quick);
    change_here(kernel_, va, kernel_leaf(va), [&](std::uint32_t word) { return kernel_step(word, va, pa); });
}

void PmapSystem::kenter_sync(Va va) {
    coverage_.ran(PmapFunction::kenter_sync);
    const std::uint32_t stopped = interlock(kernel_);
    deinterlock(kernel_, va, true, stopped);
}

void PmapSystem::kenter_sync_quick(Va va) {
    coverage_.ran(PmapFunction::kenter_sync_quick);
    machine_.invlpg(cpu_, va);
    ++invalidations_;
}

// Returns the start of the crash dump map, whatever the index (pmap.c:2569).
Va PmapSystem::kenter_temporary(Pa pa, std::uint32_t index) {
    coverage_.ran(PmapFunction::kenter_temporary);
    kenter_quick(kCrashRange.start + (index << kPageShift), pa);
    return kCrashRange.start;
}

void PmapSystem::kremove(Va va) {
    coverage_.ran(PmapFunction::kremove);
    change(
        kernel_, va, kernel_leaf(va), [](std::uint32_t word) { return pte::replace(word, 0U); }, true);
}

void PmapSystem::kremove_quick(Va va) {
    coverage_.ran(PmapFunction::kremove_quick);
    change_here(kernel_, va, kernel_leaf(va), [](std::uint32_t word) { return pte::replace(word, 0U); });
}

void PmapSystem::kmodify_rw(Va va) {
    coverage_.ran(PmapFunction::kmodify_rw);
    change_here(kernel_, va, kernel_leaf(va), [](std::uint32_t word) { return pte::replace(word, word | kPteRW); });
}

void PmapSystem::kmodify_nc(Va va) {
    coverage_.ran(PmapFunction::kmodify_nc);
    change_here(kernel_, va, kernel_leaf(va), [](std::uint32_t word) { return pte::replace(word, word | kPteN); });
}

Va PmapSystem::map(Va virt, Pa start, Pa end) {
    coverage_.ran(PmapFunction::map);
    for (; start < end; start += kPageSize, virt += kPageSize) {
        kenter(virt, start);
    }
    return virt;
}

void PmapSystem::flush_every_cpu() {
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        flush(cpu);
    }
}

void PmapSystem::qenter(Va va, std::span<Page* const> pages) {
    coverage_.ran(PmapFunction::qenter);
    for (const Page* const page : pages) {
        change_here(kernel_, va, kernel_leaf(va),
                    [&](std::uint32_t word) { return kernel_step(word, va, page->frame << kPageShift); });
        va += kPageSize;
    }
    flush_every_cpu();
}

void PmapSystem::qremove(Va va, std::uint32_t count) {
    coverage_.ran(PmapFunction::qremove);
    for (; count > 0; --count, va += kPageSize) {
        change_here(kernel_, va, kernel_leaf(va), [](std::uint32_t word) { return pte::replace(word, 0U); });
    }
    flush_every_cpu();
}

// The first free piece that is long enough (pmap.c:3352).
Va PmapSystem::mapdev(Pa pa, std::uint32_t size, bool uncacheable) {
    coverage_.ran(uncacheable ? PmapFunction::mapdev_uncacheable : PmapFunction::mapdev);
    const std::uint32_t offset = pa & kPageMask;
    const std::uint32_t count = pages_in(offset + size);
    const auto free_piece = std::search_n(device_pages_used_.begin(), device_pages_used_.end(), count, std::uint8_t{0});
    if (free_piece == device_pages_used_.end()) {
        return 0;
    }
    std::fill_n(free_piece, count, std::uint8_t{1});
    const Va start =
        kDeviceRange.start + (static_cast<std::uint32_t>(free_piece - device_pages_used_.begin()) << kPageShift);
    for (std::uint32_t n = 0; n < count; ++n) {
        const Va va = start + (n << kPageShift);
        const std::uint32_t stopped = interlock(kernel_);
        const PtePointer pointer = kernel_leaf(va);
        const std::uint32_t old = word_at(pointer);
        commit(kernel_, va, pointer.address, old,
               kernel_step(old, va, (pa & kPteFrame) + (n << kPageShift), uncacheable ? kPteN : 0));
        deinterlock(kernel_, va, false, stopped);
    }
    flush_every_cpu();
    return start + offset;
}

void PmapSystem::unmapdev(Va va, std::uint32_t size) {
    coverage_.ran(PmapFunction::unmapdev);
    const std::uint32_t count = pages_in((va & kPageMask) + size);
    qremove(trunc_page(va), count);
    std::fill_n(device_pages_used_.begin() + page_of(va - kDeviceRange.start), count, std::uint8_t{0});
}

// pmap_kvtom (pmap.c:3618).
Page* PmapSystem::kvtom(Va va) {
    coverage_.ran(PmapFunction::kvtom);
    return &pages_.page_of_frame(word_at(kernel_leaf(va)) >> kPageShift);
}

}  // namespace vmref::impl
