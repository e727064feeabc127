// What the hardware noted about a page in the PTEs that map it.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

bool PmapSystem::is_modified(const Page& m) const {
    return test_bit(m, kPteM);
}

bool PmapSystem::is_referenced(const Page& m) const {
    return test_bit(m, kPteA);
}

// pmap_testbit (pmap.c:3053).
bool PmapSystem::test_bit(const Page& m, std::uint32_t bit) const {
    for (const PvEntry& pv : m.pv_list) {
        if ((machine_.memory().read32(pte_address(pv)) & bit) != 0) {
            return true;
        }
    }
    return false;
}

// A TLB entry that has seen M would let later stores pass without setting it again: it has to go.
void PmapSystem::clear_modify(Page& m) {
    for (const PvEntry& pv : m.pv_list) {
        change(*pv.pmap, pv.va, pte_address(pv), pte::clear<kPteM, std::uint32_t>);
    }
}

// TLB entries stay: uses through them are not noted until they are evicted, which only ages the page too fast.
void PmapSystem::clear_reference(Page& m) {
    for (const PvEntry& pv : m.pv_list) {
        change(*pv.pmap, pv.va, pte_address(pv), pte::clear<kPteA, std::uint32_t>);
    }
}

// A visited entry goes to the end of the list: the next call begins where this one stopped (pmap.c:3219).
unsigned PmapSystem::ts_referenced(Page& m) {
    constexpr unsigned kEnough = 5;
    unsigned count = 0;
    for (std::size_t left = m.pv_list.size(); left > 0 && count < kEnough; --left) {
        const PvEntry& pv = m.pv_list.front();
        m.pv_list.shift_forward();
        change(*pv.pmap, pv.va, pte_address(pv), [&count](std::uint32_t word) {
            count += (word & kPteA) != 0 ? 1U : 0U;
            return pte::clear<kPteA>(word);
        });
    }
    return count;
}

}  // namespace vmref::impl
