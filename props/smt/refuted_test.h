// Planted defects, and an obligation that each of them refutes.
#pragma once

#include <utility>

namespace vmref::smt {

inline constexpr std::pair<const char*, const char*> kRefuted[] = {
    {"B-11", "Z-3.fault_choice.data_is_the_content"},
    {"B-15", "Z-4.copied_entry.child_stores_within_protection"},
    {"B-20", "Z-4.fault.none_maps_nothing"},
    {"B-25", "Z-3.allocation.prefault_within_the_object"},
    {"B-40", "Z-1.collapse.content_is_kept"},
    {"B-63", "runs.flush.starts_at_or_before"},
    {"B-65", "Z-5.protect_big.counts_what_is_mapped"},
    {"B-66", "Z-5.protect_big.m_stays"},
    {"B-69", "Z-5.enter_race.m_is_not_lost"},
    {"B-79", "Z-4.fault.a_copy_only_if_it_may_be_written"},
    {"B-81", "Z-5.teardown.a_is_handed_over"},
    {"B-85", "Z-5.enter.no_leaf_is_refused"},
    {"B-95", "Z-4.fault.a_wired_page_grants_all"},
    {"B-102", "Z-7.no_memory.level_hold"},
    {"B-106", "Z-9.written_out.clean_equals_block"},
    {"M-01", "Z-4.fault.writable_only_at_the_top"},
    {"M-04", "Z-7.page_busy.top_paging"},
    {"M-05", "Z-7.map_changed.chain_locks"},
    {"M-06", "Z-7.beyond_size.placeholder"},
    {"M-10", "Z-9.write_granted.clean_without_block_may_be_lost"},
    {"M-12", "Z-8.merge.offset_leads_to_the_same_page"},
    {"M-13", "Z-8.bypass.references_of_what_lies_below"},
    {"M-14", "Z-8.shadow.is_counted"},
    {"M-16", "Z-5.remove.m_is_handed_over"},
    {"M-22", "Z-9.madvise_free.clean_equals_block"},
    {"M-24", "Z-9.rename.clean_without_block_may_be_lost"},
    {"M-26", "Z-10.growth.once_a_fault"},
};

}  // namespace vmref::smt
