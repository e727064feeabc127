// Which functions of vm_object.c ran, and how often.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vmref::impl {

// In the order of vm_object.c. What is left out there starts up or prints.
enum class ObjectFunction : std::uint8_t {
    reference,
    vndeallocate,
    deallocate,
    terminate,
    terminate_callback,
    page_clean,
    page_clean_pass1,
    page_clean_pass2,
    page_collect_flush,
    deactivate_pages,
    pmap_copy_1,
    pmap_remove,
    madvise,
    shadow,
    backing_scan_test,
    backing_scan_nowait,
    backing_scan_wait,
    backing_scan_callback,
    qcollapse,
    collapse,
    collapse_merges,
    collapse_bypasses,
    page_remove,
    page_remove_callback,
    coalesce,
    set_writeable_dirty,
    count,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(ObjectFunction::count)> kObjectFunctionNames{
    "vm_object_reference",
    "vm_object_vndeallocate",
    "vm_object_deallocate",
    "vm_object_terminate",
    "vm_object_terminate_callback",
    "vm_object_page_clean",
    "vm_object_page_clean_pass1",
    "vm_object_page_clean_pass2",
    "vm_object_page_collect_flush",
    "vm_object_deactivate_pages",
    "vm_object_pmap_copy_1",
    "vm_object_pmap_remove",
    "vm_object_madvise",
    "vm_object_shadow",
    "vm_object_backing_scan(TEST)",
    "vm_object_backing_scan(NOWAIT)",
    "vm_object_backing_scan(WAIT)",
    "vm_object_backing_scan_callback",
    "vm_object_qcollapse",
    "vm_object_collapse",
    "vm_object_collapse: merges",
    "vm_object_collapse: bypasses",
    "vm_object_page_remove",
    "vm_object_page_remove_callback",
    "vm_object_coalesce",
    "vm_object_set_writeable_dirty",
};

class ObjectCoverage {
  public:
    void ran(ObjectFunction function) { ++counts_[static_cast<std::size_t>(function)]; }
    std::uint64_t count(ObjectFunction function) const { return counts_[static_cast<std::size_t>(function)]; }

  private:
    std::array<std::uint64_t, static_cast<std::size_t>(ObjectFunction::count)> counts_{};
};

}  // namespace vmref::impl
