// One struct of everything a run depends on besides its operations. Recorded in every trace.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vmref {

struct Config {
    std::uint32_t frames = 16384;  // physical pages, the kernel's own excluded
    std::uint32_t cpus = 2;
    std::uint32_t tlb_entries = 64;      // per CPU, power of two
    std::uint32_t swap_slots = 65536;    // pages
    std::uint32_t free_reserved = 8;     // below: v_free_reserved, only the system allocates
    std::uint32_t free_severe = 12;      // below: vm_page_count_severe()
    std::uint32_t free_min = 16;         // below: vm_page_count_min()
    std::uint32_t free_target = 32;      // the pageout daemon works up to here
    std::uint32_t inactive_target = 32;  // pages the daemon wants on the inactive queue
    std::uint32_t prefault_pages = 8;    // vm_prefault_pages
    std::uint32_t fast_fault = 1;        // vm_fast_fault
    std::uint32_t shared_fault = 1;      // vm_shared_fault
    std::uint32_t virtual_copy_enable = 1;
    std::uint32_t swap_cluster = 8;        // pages read or written in one swap transfer
    std::uint32_t vnode_cluster = 8;       // pages read in one vnode transfer
    std::uint32_t pageout_page_count = 8;  // pages in one clustered flush
    std::uint32_t stack_grow = 32;         // SGROWSIZ, pages
    std::uint32_t wired_percent = 33;      // share of the frames that mlock may wire
    std::uint32_t pv_entries = 1U << 20;   // managed mappings of all pmaps together
    std::uint32_t io_errors = 0;           // of a thousand reads and writes of pagers so many fail
    std::uint32_t rss_slop = 4096;         // pages by which a process may exceed its resident limit unnoticed
    bool operator==(const Config&) const = default;
};

struct ConfigKey {
    std::string_view name;
    std::uint32_t Config::*field;
    std::uint32_t min;
    std::uint32_t max;
    std::string_view meaning;
};

// Every key, in the order of the struct: what `--set`, configuration files and traces accept.
std::span<const ConfigKey> config_keys();

// Empty if the fields fit together (thresholds ascending, power of two, ...); else one line saying what does not.
std::string_view config_problem(const Config& config);

}  // namespace vmref
