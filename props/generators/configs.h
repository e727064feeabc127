// Small machines for the suites: memory is short, page tables are dear, every tunable takes several values.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/config.h"
#include "ops/synthetic.h"

namespace vmref::props {

// The n-th of a family of small configurations; each fits together (config_problem).
inline Config small_config(std::uint64_t n) {
    std::uint32_t state = mix32(static_cast<std::uint32_t>(n) ^ mix32(static_cast<std::uint32_t>(n >> 32)));
    const auto between = [&](std::uint32_t low, std::uint32_t high) {
        state = mix32(state + 0x9e3779b9U);
        return low + state % (high - low + 1);
    };
    Config config;
    // Half of them have so little memory that it runs out at once.
    config.frames = between(0, 1) == 0 ? between(32, 96) : between(97, 512);
    config.cpus = between(1, 4);
    config.tlb_entries = 4U << between(0, 4);
    // Little swap beside little memory is what makes the kernel kill.
    const bool little_swap = between(0, 2) == 0;
    config.swap_slots = little_swap ? between(0, config.frames / 4) : between(33, 1024);
    // Read-ahead happens only while there is more free memory than the daemon works for: often that is little.
    config.free_target = between(4, between(0, 2) != 0 ? 6 : std::min(32U, config.frames / 4));
    config.free_min = between(3, config.free_target);
    config.free_severe = between(2, config.free_min);
    config.free_reserved = between(1, config.free_severe);
    config.inactive_target = between(0, config.frames / 4);
    config.prefault_pages = between(0, 8);
    config.fast_fault = between(0, 1);
    config.shared_fault = between(0, 1);
    config.virtual_copy_enable = between(0, 1);
    config.swap_cluster = between(1, 8);
    config.vnode_cluster = between(1, 8);
    config.pageout_page_count = between(1, 8);
    config.stack_grow = between(1, 8);
    config.wired_percent = between(5, 40);
    config.rss_slop = between(1, 24);
    return config;
}

}  // namespace vmref::props
