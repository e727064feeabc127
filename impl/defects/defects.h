// The catalogue of switchable defects. A DefectSet is a value that a system carries; all are off by default.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vmref::impl {

enum class Defect : std::uint8_t {
    b01_fault_page_unmaps,
    b02_minflt_twice,
    b03_device_keeps_object,
    b04_message_names_process,
    b05_copy_unmaps_in_process,
    b06_copy_unmaps_current_only,
    b07_copy_unmaps_one_map,
    b08_wiring_stays_with_old_page,
    b09_unwire_walks_ptes,
    b10_retry_keeps_raised_access,
    b11_ram_page_zero_filled,
    b12_invalid_page_stays_busy,
    b13_filled_under_shared_hold,
    b14_device_pages_unwired,
    b15_copy_entry_max_protection,
    b16_copy_entry_top_only,
    b17_copy_entry_as_found,
    b18_wired_mprotect_not_copied,
    b19_wire_lowers_max_protection,
    b20_wire_none_enters_page,
    b21_prefault_wrap_closes_forward,
    b22_prefault_dirties,
    b23_prefault_locks_top_only,
    b24_prefault_walks_swap,
    b25_prefault_beyond_size,
    b27_dirtied_before_the_store,
    b28_page_of_guard,
    b30_steal_from_far_below,
    b31_refused_page_stays_busy,
    b32_wired_placeholder_freed,
    b33_behavior_read_late,
    b34_dead_object_refuses,
    b35_again_falls_through,
    b36_error_falls_through,
    b37_returns_as_raised,
    b38_table_marked_anyway,
    b39_unswap_without_hold,
    b40_invalid_page_counts,
    b41_block_of_invalid_page_freed,
    b42_wired_page_destroyed,
    b43_invalid_page_renamed,
    b44_dead_before_the_scan,
    b45_scan_never_tests_again,
    b46_collapse_after_sleep_untested,
    b47_source_block_wins,
    b48_bypass_ignores_swap,
    b49_clean_repeats,
    b50_clean_flags_early,
    b51_marked_while_busy,
    b52_flushed_page_by_old_pointer,
    b53_wired_test_first,
    b54_truncation_keeps_dirty,
    b55_remove_forgets_blocks,
    b56_clean_removal_frees_held,
    b57_terminate_panics_on_busy,
    b58_free_walks_the_chain,
    b59_free_keeps_translations,
    b60_shadow_keeps_one_mapping,
    b61_reference_without_hold,
    b63_look_behind_wraps,
    b64_coalesce_removes_nothing,
    b65_protect_big_uncounts,
    b66_protect_big_clears_modify,
    b67_big_page_zeroed_only,
    b68_clear_modify_keeps_tlbs,
    b69_enter_harvests_sample,
    b70_kernel_table_unwired,
    b71_nosync_record_not_initialised,
    b72_nosync_always,
    b73_enter_forgets_wiring,
    b74_removed_without_hold,
    b75_remove_all_counts_early,
    b76_last_wiring_tested_outside,
    b77_vanished_table_not_tested,
    b78_pv_not_tested,
    b79_emulation_test_inverted,
    b80_enter_quick_asserts_frame,
    b81_remove_pages_drops_reference,
    b82_extract_without_valid,
    b83_wiring_of_empty_pte,
    b84_prefault_reads_big_page,
    b85_leaf_taken_for_big,
    b86_enter_stores_over,
    b87_protect_stores_plainly,
    b88_harvest_after_unlinking,
    b89_page_protect_clears_writeable,
    b90_growkernel_leaves_busy,
    b91_release_without_token,
    b92_init_pt_without_read,
    b93_exit_leaves_wired,
    b94_unwire_needs_pte,
    b95_wire_for_reading_only,
    b96_remove_ignores_writes,
    b97_failed_pageout_frees,
    b98_invalidation_deferred,
    b100_put_finished_twice,
    b101_modify_tested_first,
    b102_no_memory_holds_again,
    b103_failed_enter_stays_busy,
    b104_every_unwire_gives_pages_back,
    b105_unwires_without_lock,
    b106_pageout_skips_write,
    b107_tables_from_normal_memory,
    b108_busy_page_moved,
    b109_debugger_wires,
    b110_table_freed_first,
    b111_release_panics_on_users,
    b112_growth_wires_under_lock,
    b114_taken_page_used,
    b115_kernel_text_for_users,
    b116_write_forgets_stores,
    b117_partial_clean_marks_nothing,
    b118_fork_ignores_sharers,
    m01_backing_page_writable,
    m02_timestamp_ignored,
    m03_old_page_pointer,
    m04_exit_keeps_pip,
    m05_chain_released_partly,
    m06_placeholder_freed_twice,
    m07_unbusied_before_filled,
    m08_pip_not_added,
    m09_flags_after_enter,
    m10_block_freed_without_dirty,
    m11_steal_ignores_references,
    m12_offsets_not_added,
    m13_bypass_not_referenced,
    m14_shadow_not_counted,
    m15_terminate_waits_for_nothing,
    m16_remove_without_harvest,
    m17_second_pv,
    m18_old_bit_first,
    m19_copy_before_joining,
    m20_cached_not_cleared,
    m21_wakeup_omitted,
    m22_free_keeps_block,
    m23_coalesce_ignores_references,
    m24_renamed_page_clean,
    m25_clean_removal_destroys_dirty,
    m26_stack_grown_again,
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
    std::string_view detectors;  // "I-91, LS, P": invariants, a difference from the model, an assertion
};

std::span<const DefectInfo> defect_catalogue();
std::optional<Defect> find_defect(std::string_view id);

class DefectSet {
  public:
    constexpr bool on(Defect defect) const { return set_[static_cast<std::size_t>(defect)]; }
    void switch_on(Defect defect) { set_.set(static_cast<std::size_t>(defect)); }
    bool none() const { return set_.none(); }

  private:
    std::bitset<static_cast<std::size_t>(Defect::count)> set_;
};

}  // namespace vmref::impl
