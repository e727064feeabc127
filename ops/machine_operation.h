// The operations of the machine world: page tables in RAM, CPUs and their TLBs. There is no kernel.
//
// The comments are the contract: both the model and the implementation are written from them.
// RAM: directories and page tables have frames of their own, all else holds data, so that data never become tables and
// no access stores to a table (machine_ram, ops/machine_ram.h). What breaks this never reaches either side: the model
// refuses it as bad input (model/mmu.h).
// In the beginning all tables are empty, every CPU has the first directory, WP and PSE set, PGE clear.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref {

// The word at `pa`, in a directory or a table, becomes `value`. No TLB is told.
struct SetWord {
    Pa pa;
    std::uint32_t value;
    bool operator==(const SetWord&) const = default;
};

// One access of 4 bytes by CPU `cpu`, aligned to 4; a fetch to 16, a store to the last 8 of 16, with an even value.
// Success: `value` is what was read (0 for a store). Page fault: Status::failure, `value` is the error code, `address`
// what CR2 holds.
// The CPU walks the tables, as the i386 manual says: a present directory entry that leads to a table gets A, even if
// the access is then refused; the leaf gets A, and M for a store, only if the access is allowed; nothing else changes
// but the data stored. A directory entry with PS is a leaf if CR4.PSE is set; bits 21 to 13 are reserved there.
// Or (witness: `cached`) it uses the translation, with its rights, that the last walk on this CPU for this page found,
// if nothing has dropped it since: a page fault at the page, Invlpg, LoadCr3, Control, or an image. Then the tables are
// neither read nor written; a store may do so only if the walk saw or set M. A translation may vanish at any time.
struct Probe {
    CpuId cpu;
    AccessKind kind;
    Va va;
    std::uint32_t value = 0;  // stores only
    bool user = false;
    bool operator==(const Probe&) const = default;
};

// Drops the translation of the page that `va` lies in, and all others of the same 4 MiB page.
struct Invlpg {
    CpuId cpu;
    Va va;
    bool operator==(const Invlpg&) const = default;
};

// Directory `directory` (0, 1, ...) rules from now on. Drops all translations but those that were found with CR4.PGE
// set and G in the leaf.
struct LoadCr3 {
    CpuId cpu;
    std::uint32_t directory;
    bool operator==(const LoadCr3&) const = default;
};

// CR0.WP, CR4.PSE and CR4.PGE. A change of PSE or PGE drops all translations, a change of WP none.
struct Control {
    CpuId cpu;
    bool wp = false;
    bool pse = false;
    bool pge = false;
    bool operator==(const Control&) const = default;
};

// The TLB forgets the translation of the page, if it has one. Nobody can tell.
struct Evict {
    CpuId cpu;
    Va va;
    bool operator==(const Evict&) const = default;
};

// All directories and tables get random words, made from `seed`; all TLBs are flushed.
struct RandomTables {
    std::uint32_t seed;
    bool operator==(const RandomTables&) const = default;
};

// All directories and tables become those that the pmap has after `operations` random operations of the system world,
// made from `seed`. Frames are renumbered: directories, tables and data each into their part of RAM. All TLBs are
// flushed.
struct PmapTables {
    std::uint32_t seed;
    std::uint32_t operations;
    bool operator==(const PmapTables&) const = default;
};

}  // namespace vmref
