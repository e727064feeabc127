// What walks leave in virtual page tables (I-95).
#include <fmt/format.h>

#include <cstring>

#include "impl/vm/vm_object.h"
#include "ops/virtual_page_table.h"
#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

void InvariantSet::before_table_marked(const impl::MapEntry& entry, std::uint32_t vpte, bool may_write) {
    evaluate(Rule::i95, true, may_write, [&] {
        return fmt::format("{}: word {:#x} of its tables is about to be marked, expected an entry that may write",
                           name_of(entry), vpte);
    });
}

// Follows the tables once more, by what the entry shows.
void InvariantSet::table_walked(const impl::MapEntry& entry, PageIndex index, Prot fault_type, bool may_write,
                                Prot granted) {
    const bool stores = (fault_type & kProtWrite) != 0;
    const std::uint32_t left = stores ? kVpteA | kVpteM : kVpteA;
    bool all_marked = true;
    std::uint32_t word = entry.master_pde;
    for (unsigned shift = kVpteIndexBits; shift != 0 && (word & (kVpteV | kVptePS)) == kVpteV;) {
        shift -= kVpteLevelBits;
        const std::uint32_t slot = (index >> shift) % (1U << kVpteLevelBits);
        const impl::Content table = impl::object_content(entry.object, word >> kVpteFrameShift);
        const std::uint8_t* const bytes = impl::content_bytes(kernel_, table);
        word = 0;
        if (bytes != nullptr) {
            std::memcpy(&word, bytes + 4 * slot, sizeof word);
        }
        all_marked = all_marked && (word & left) == left;
    }
    evaluate(Rule::i95, may_write, all_marked && (word & kVpteV) != 0, [&] {
        return fmt::format(
            "{}: its page {} was translated for {}, expected {:#x} in every word on the way, found {:#x}",
            name_of(entry), index, stores ? "storing" : "reading", left, word);
    });
    constexpr std::uint32_t kStored = kVpteRW | kVpteM;
    const bool grants = (granted & kProtWrite) != 0;
    evaluate(Rule::i95, grants && !stores, (word & kStored) == kStored, [&] {
        return fmt::format("{}: its page {} is to be mapped writable for reading, found word {:#x}", name_of(entry),
                           index, word);
    });
}

}  // namespace vmref::props
