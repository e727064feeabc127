// The RAM of the machine world: where directories, tables and data are, and what the data are in the beginning.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref::machine_ram {

inline constexpr std::uint32_t kDirectories = 4;
inline constexpr std::uint32_t kTables = 256;
inline constexpr Pa kDirectoriesStart = 0x00800000;
inline constexpr Pa kDirectoriesEnd = kDirectoriesStart + kDirectories * kPageSize;
inline constexpr Pa kTablesStart = 0x00900000;
inline constexpr Pa kTablesEnd = kTablesStart + kTables * kPageSize;
inline constexpr Pa kDataStart = 0x00C00000;  // two 4 MiB pages
inline constexpr Pa kDataEnd = 0x01400000;
inline constexpr std::uint32_t kEntries = 1024;  // of a directory or a table

// The directory slot in which the guest of the oracle lives: no operation touches it.
inline constexpr std::uint32_t kGuestSlot = 0x3F0;

constexpr bool is_directory_word(Pa pa) {
    return pa >= kDirectoriesStart && pa < kDirectoriesEnd;
}
constexpr bool is_table_word(Pa pa) {
    return pa >= kTablesStart && pa < kTablesEnd;
}
constexpr bool is_data(Pa pa) {
    return pa >= kDataStart && pa < kDataEnd;
}
constexpr Pa directory_address(std::uint32_t directory) {
    return kDirectoriesStart + directory * kPageSize;
}

// Every 16 bytes begin with code that tells a fetch where it was: "mov $place, %eax; int $0x80". The words behind it
// tell a load, and may be stored to. All words are even: taken for a page-table entry, none is present.
constexpr std::uint32_t initial_data(Pa pa) {
    switch (pa % 16) {
        case 0:
            return 0xB8U | (pa >> 4) << 8;
        case 4:
            return 0x0080CD00U;
        default:
            return pa;
    }
}
// What the code at `pa` puts into eax.
constexpr std::uint32_t code_result(std::uint32_t first_word) {
    return first_word >> 8;
}

}  // namespace vmref::machine_ram
