#include "impl/defects/defects.h"

#include <algorithm>
#include <array>

namespace vmref::impl {

namespace {

// In the order of the enumeration. Lines are those of the three texts that the sources' comments cite; a source without
// a line is outside of them. "LS": the observation differs from the model's.
constexpr std::array<DefectInfo, static_cast<std::size_t>(Defect::count)> kCatalogue{{
    {Defect::b02_minflt_twice, "B-02", "every fault counts a minor fault, before hard and soft ones are told apart",
     "system", "seq", "vm_fault.c:742-743,754", "I-91, LS"},
    {Defect::b07_copy_unmaps_one_map, "B-07",
     "copy-on-write in a shared top object removes the old page from the faulting address space only", "system", "seq",
     "vm_fault.c:2138-2142", "I-04, I-19"},
    {Defect::b08_wiring_stays_with_old_page, "B-08",
     "copy-on-write in a wired entry leaves the wiring with the page that was replaced", "system", "seq",
     "vm_fault.c:705-709,2137-2141", "I-49, I-52"},
    {Defect::b11_ram_page_zero_filled, "B-11",
     "a valid page with a read-ahead mark in an object without pager is taken as absent and zeroed", "system", "seq",
     "vm_fault.c:1686-1691,2012-2047", "I-05, I-06, I-01"},
    {Defect::b15_copy_entry_max_protection, "B-15",
     "fork of a wired entry maps the child's pages with the maximum protection", "system", "seq", "vm_fault.c:2445",
     "I-14, I-97"},
    {Defect::b18_wired_mprotect_not_copied, "B-18",
     "giving write access to a wired private entry copies nothing, and its write faults are refused", "system", "seq",
     "vm_fault.c:457-459 with the lookup of vm_map.c", "LS, I-51"},
    {Defect::b20_wire_none_enters_page, "B-20", "locking memory without any access maps it readable", "system", "seq",
     "vm_fault.c:462-467, pmap.c:3320-3327", "I-15, LS"},
    {Defect::b58_free_walks_the_chain, "B-58",
     "MADV_FREE walks down the chain and discards a copy above older data, which then shows", "system", "seq",
     "vm_object.c:923-930", "I-13"},
    {Defect::b106_pageout_skips_write, "B-106",
     "pageout of a dirty page that has a swap block marks it clean and writes nothing", "system", "seq",
     "NetBSD uvm_fault log, PR 7578", "I-09, LS"},
    {Defect::m01_backing_page_writable, "M-01", "a backing object's page is mapped for a read with write access",
     "system", "seq", "vm_fault.c:2185", "I-16"},
    {Defect::m05_chain_released_partly, "M-05", "a finished fault releases the chain lock of the last object only",
     "system", "seq", "vm_fault.c:2266", "I-35"},
    {Defect::m08_pip_not_added, "M-08", "the step to a backing object does not count paging in progress there",
     "system", "seq", "vm_fault.c:2057", "I-33"},
    {Defect::m10_block_freed_without_dirty, "M-10",
     "a fault with write rights frees the swap block although the page stays clean", "system", "seq",
     "vm_fault.c:2230-2260", "I-11, LS"},
    {Defect::m22_free_keeps_block, "M-22", "MADV_FREE keeps the swap block of a discarded page", "system", "seq",
     "vm_object.c:983-984", "I-09, I-13"},
    {Defect::w01_wp_ignored, "W-01", "a supervisor store to a read-only page succeeds although CR0.WP is set",
     "machine", "seq", "i386 manual, page protection", "LS"},
    {Defect::w02_user_by_pte_only, "W-02", "a user access needs U in the leaf only, not in the directory entry",
     "machine", "seq", "i386 manual, page protection", "LS, I-21"},
    {Defect::w03_pde_not_accessed, "W-03", "the directory entry of a page table that is used does not get A", "machine",
     "seq", "i386 manual, accessed bit", "LS"},
    {Defect::w04_read_modifies, "W-04", "a load sets M, too", "machine", "seq", "i386 manual, dirty bit", "LS"},
    {Defect::w05_big_page_offset_lost, "W-05",
     "in a 4 MiB page the bits 21 to 12 of the address are taken from the directory entry", "machine", "seq",
     "i386 manual, 4 MiB pages", "LS"},
    {Defect::w06_rights_fault_not_present, "W-06",
     "the error code of a rights violation says that the page was not present", "machine", "seq",
     "i386 manual, page-fault error code", "LS"},
    {Defect::w07_invlpg_keeps_big, "W-07", "invlpg leaves a translation of a 4 MiB page", "machine", "seq",
     "i386 manual, INVLPG", "LS, I-67"},
    {Defect::w08_pge_toggle_keeps_global, "W-08", "global translations survive a change of CR4.PGE", "machine", "seq",
     "i386 manual, invalidation of the TLB", "LS, I-67"},
    {Defect::w09_cr3_load_keeps_all, "W-09", "a load of CR3 drops no translation", "machine", "seq",
     "i386 manual, invalidation of the TLB", "LS, I-67"},
    {Defect::w10_clean_hit_keeps_m, "W-10", "a store through a clean cached translation does not set M", "machine",
     "seq", "i386 manual, dirty bit", "LS, I-69"},
}};

}  // namespace

std::span<const DefectInfo> defect_catalogue() {
    return kCatalogue;
}

std::optional<Defect> find_defect(std::string_view id) {
    const auto* const found =
        std::find_if(kCatalogue.begin(), kCatalogue.end(), [id](const DefectInfo& info) { return info.id == id; });
    if (found == kCatalogue.end()) {
        return std::nullopt;
    }
    return found->defect;
}

}  // namespace vmref::impl
