#include "ops/config.h"

#include <array>
#include <bit>

namespace vmref {

namespace {

constexpr std::array kKeys{
    ConfigKey{"frames", &Config::frames, 24, 1U << 19, "physical pages"},
    ConfigKey{"cpus", &Config::cpus, 1, 8, "processors"},
    ConfigKey{"tlb_entries", &Config::tlb_entries, 1, 4096, "TLB entries per processor, a power of two"},
    ConfigKey{"swap_slots", &Config::swap_slots, 0, 1U << 20, "pages of swap"},
    ConfigKey{"free_reserved", &Config::free_reserved, 1, 1U << 16, "pages that only the system may take"},
    ConfigKey{"free_severe", &Config::free_severe, 1, 1U << 16, "below: faults wait for memory"},
    ConfigKey{"free_min", &Config::free_min, 1, 1U << 16, "below: the pageout daemon is behind"},
    ConfigKey{"free_target", &Config::free_target, 1, 1U << 16, "what the pageout daemon works up to"},
    ConfigKey{"inactive_target", &Config::inactive_target, 0, 1U << 16, "wanted length of the inactive queue"},
    ConfigKey{"prefault_pages", &Config::prefault_pages, 0, 1024, "neighbours mapped by one fault"},
    ConfigKey{"fast_fault", &Config::fast_fault, 0, 1, "prefault may zero-fill"},
    ConfigKey{"shared_fault", &Config::shared_fault, 0, 1, "faults start with shared object holds"},
    ConfigKey{"virtual_copy_enable", &Config::virtual_copy_enable, 0, 1, "a write fault may steal a page"},
    ConfigKey{"swap_cluster", &Config::swap_cluster, 1, 64, "pages of one swap transfer"},
    ConfigKey{"vnode_cluster", &Config::vnode_cluster, 1, 64, "pages of one file read"},
    ConfigKey{"pageout_page_count", &Config::pageout_page_count, 1, 64, "pages of one clustered flush"},
    ConfigKey{"stack_grow", &Config::stack_grow, 1, 4096, "pages by which a stack grows"},
    ConfigKey{"wired_percent", &Config::wired_percent, 0, 90, "share of the frames that mlock may wire"},
    ConfigKey{"pv_entries", &Config::pv_entries, 16, 1U << 22, "managed mappings of all address spaces together"},
    ConfigKey{"io_errors", &Config::io_errors, 0, 900, "of a thousand page reads and writes so many fail"},
    ConfigKey{"rss_slop", &Config::rss_slop, 1, 1U << 19, "pages beyond the resident limit before it is enforced"},
};

}  // namespace

std::span<const ConfigKey> config_keys() {
    return kKeys;
}

std::string_view config_problem(const Config& config) {
    for (const ConfigKey& key : kKeys) {
        if (config.*key.field < key.min || config.*key.field > key.max) {
            return key.name;
        }
    }
    if (!std::has_single_bit(config.tlb_entries)) {
        return "tlb_entries must be a power of two";
    }
    if (config.free_reserved > config.free_severe || config.free_severe > config.free_min ||
        config.free_min > config.free_target) {
        return "free_reserved <= free_severe <= free_min <= free_target must hold";
    }
    if (config.free_target + 8 > config.frames) {
        return "free_target must leave at least 8 frames";
    }
    return {};
}

}  // namespace vmref
