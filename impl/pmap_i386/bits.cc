// What the hardware noted about a page in the PTEs that map it.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

bool PmapSystem::is_modified(const Page& m) {
    coverage_.ran(PmapFunction::is_modified);
    return test_bit(m, kPteM);
}

bool PmapSystem::is_referenced(const Page& m) {
    return test_bit(m, kPteA);
}

// pmap_testbit (pmap.c:3053).
bool PmapSystem::test_bit(const Page& m, std::uint32_t bit) {
    coverage_.ran(PmapFunction::testbit);
    for (const PvEntry& pv : m.pv_list) {
        if (tracked(pv.va) && (word_at(quick_leaf(pv)) & bit) != 0) {
            return true;
        }
    }
    return false;
}

// A TLB entry that has seen M would let later stores pass without setting it again: it has to go.
void PmapSystem::clear_modify(Page& m) {
    coverage_.ran(PmapFunction::clear_modify);
    coverage_.ran(PmapFunction::clearbit);
    for (const PvEntry& pv : m.pv_list) {
        const PtePointer pointer = quick_leaf(pv);
        if (defects_.on(Defect::b68_clear_modify_keeps_tlbs)) {
            change_here(*pv.pmap, pv.va, pointer, pte::clear<kPteM, std::uint32_t>);
        } else {
            change(*pv.pmap, pv.va, pointer, pte::clear<kPteM, std::uint32_t>);
        }
    }
}

void PmapSystem::clear_modify_in_tables(Page& m) {
    for (const PvEntry& pv : m.pv_list) {
        const Pa address = pte_address(pv);
        const std::uint32_t old = machine_.memory().read32(address);
        const std::uint32_t stopped = interlock(*pv.pmap);
        commit(*pv.pmap, pv.va, address, old, pte::clear<kPteM>(old));
        deinterlock(*pv.pmap, pv.va, false, stopped);
    }
}

// TLB entries stay: uses through them are not noted until they are evicted, which only ages the page too fast.
void PmapSystem::clear_reference(Page& m) {
    coverage_.ran(PmapFunction::clear_reference);
    coverage_.ran(PmapFunction::clearbit);
    for (const PvEntry& pv : m.pv_list) {
        change(*pv.pmap, pv.va, quick_leaf(pv), pte::clear<kPteA, std::uint32_t>);
    }
}

// pmap_clearbit(RW) (pmap.c:3096). Whether a mapping kept its write right: those of the buffer cache do.
bool PmapSystem::write_protect(Page& m) {
    coverage_.ran(PmapFunction::clearbit);
    bool writable_left = false;
    for (const PvEntry& pv : m.pv_list) {
        const PtePointer pointer = quick_leaf(pv);
        if (!tracked(pv.va)) {
            writable_left = writable_left || (word_at(pointer) & kPteRW) != 0;
            continue;
        }
        change(*pv.pmap, pv.va, pointer, [](std::uint32_t word) { return pte::page_protect(word, kProtRead); });
    }
    return writable_left;
}

// A visited entry goes to the end of the list: the next call begins where this one stopped (pmap.c:3219).
unsigned PmapSystem::ts_referenced(Page& m) {
    coverage_.ran(PmapFunction::ts_referenced);
    constexpr unsigned kEnough = 5;
    unsigned count = 0;
    for (std::size_t left = m.pv_list.size(); left > 0 && count < kEnough; --left) {
        const PvEntry& pv = m.pv_list.front();
        m.pv_list.shift_forward();
        if (!tracked(pv.va)) {
            continue;
        }
        change(*pv.pmap, pv.va, quick_leaf(pv), [&count](std::uint32_t word) {
            count += (word & kPteA) != 0 ? 1U : 0U;
            return pte::clear<kPteA>(word);
        });
    }
    return count;
}

}  // namespace vmref::impl
