#include "props/smt/property.h"

#include <fmt/format.h>

namespace vmref::smt {

std::vector<Property> all_properties(unsigned slots, unsigned pages) {
    std::vector<Property> list;
    add_chain_properties(list);
    add_rights_properties(list);
    add_pte_properties(list);
    add_mmu_properties(list);
    add_counter_properties(list);
    add_exit_properties(list);
    add_link_properties(list);
    add_swap_properties(list);
    add_system_properties(list, slots, pages);
    return list;
}

std::string mutation_text(const Mutation& mutation) {
    if (mutation.truth) {
        return mutation.seam + (mutation.always ? " always true" : " always false");
    }
    if (mutation.add != 0) {
        return mutation.seam + " one too many";
    }
    const std::uint32_t bits = mutation.set != 0 ? mutation.set : mutation.clear;
    return mutation.seam + (mutation.set != 0 ? " always with " : " never with ") + fmt::format("{:#x}", bits);
}

}  // namespace vmref::smt
