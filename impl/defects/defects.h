// The catalogue of switchable defects. A DefectSet is a value that a system carries; all are off by default.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vmref::impl {

enum class Defect : std::uint8_t {
    b02_minflt_twice,
    b07_copy_unmaps_one_map,
    b08_wiring_stays_with_old_page,
    b11_ram_page_zero_filled,
    b15_copy_entry_max_protection,
    b18_wired_mprotect_not_copied,
    b20_wire_none_enters_page,
    b58_free_walks_the_chain,
    b106_pageout_skips_write,
    m01_backing_page_writable,
    m05_chain_released_partly,
    m08_pip_not_added,
    m10_block_freed_without_dirty,
    m22_free_keeps_block,
    w01_wp_ignored,
    w02_user_by_pte_only,
    w03_pde_not_accessed,
    w04_read_modifies,
    w05_big_page_offset_lost,
    w06_rights_fault_not_present,
    w07_invlpg_keeps_big,
    w08_pge_toggle_keeps_global,
    w09_cr3_load_keeps_all,
    w10_clean_hit_keeps_m,
    count,
};

struct DefectInfo {
    Defect defect;
    std::string_view id;         // "B-02"
    std::string_view title;      // what the code does instead
    std::string_view world;      // "system", "object", "pmap", "machine"
    std::string_view reach;      // "seq", "il", "proof"
    std::string_view source;     // "vm_fault.c:741-756"
    std::string_view detectors;  // "I-91"
};

std::span<const DefectInfo> defect_catalogue();
std::optional<Defect> find_defect(std::string_view id);

class DefectSet {
  public:
    bool on(Defect defect) const { return set_[static_cast<std::size_t>(defect)]; }
    void switch_on(Defect defect) { set_.set(static_cast<std::size_t>(defect)); }
    bool none() const { return set_.none(); }

  private:
    std::bitset<static_cast<std::size_t>(Defect::count)> set_;
};

}  // namespace vmref::impl
