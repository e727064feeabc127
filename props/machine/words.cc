#include "props/machine/words.h"

#include "impl/machine/pte.h"
#include "ops/machine_ram.h"

namespace vmref::props {

namespace {

constexpr std::uint32_t kFewTables = 64;  // an image has more directory entries than tables: tables are shared
constexpr std::uint32_t kBigPages = (machine_ram::kDataEnd - machine_ram::kDataStart) >> impl::kPdeShift;
constexpr std::uint32_t kDataFrames = (machine_ram::kDataEnd - machine_ram::kDataStart) >> kPageShift;
constexpr std::uint32_t kPat = 0x1000;         // of a 4 MiB page
constexpr std::uint32_t kReserved = 0x200000;  // of a 4 MiB page, here and on later machines

// Most words are present; all other flags are as they come.
std::uint32_t draw_flags(Choices& choices) {
    const std::uint32_t word = choices.word();
    return (word & kPageMask & ~impl::kPteV) | ((word >> 16) % 8 != 7 ? impl::kPteV : 0);
}

}  // namespace

std::uint32_t draw_directory_word(Choices& choices) {
    const std::uint32_t flags = draw_flags(choices);
    const std::uint32_t where = choices.word();
    // Every fourth is a 4 MiB page, and every sixteenth of those has a reserved bit.
    if ((where >> 16) % 4 != 3) {
        return (flags & ~impl::kPtePS) | (machine_ram::kTablesStart + where % kFewTables * kPageSize);
    }
    return flags | impl::kPtePS | (machine_ram::kDataStart + (where % kBigPages << impl::kPdeShift)) |
           ((where & 0x100) != 0 ? kPat : 0) | ((where & 0xF000) == 0xF000 ? kReserved : 0);
}

std::uint32_t draw_table_word(Choices& choices) {
    const std::uint32_t flags = draw_flags(choices);
    return flags | (machine_ram::kDataStart + choices.below(kDataFrames) * kPageSize);
}

}  // namespace vmref::props
