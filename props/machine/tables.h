// Whole images of directories and tables, made from a seed.
#pragma once

#include <cstdint>
#include <span>

#include "ops/machine_operation.h"

namespace vmref::props {

// All words from machine_ram::kDirectoriesStart to kTablesEnd. Valid until the next call: the last one is kept, since
// model and subject ask for the same.
std::span<const std::uint32_t> tables_of(const RandomTables& op);
std::span<const std::uint32_t> tables_of(const PmapTables& op);

}  // namespace vmref::props
