// What the host and the guest in QEMU say to each other: steps in guest RAM, and a mailbox that says when to run them.
// For both sides: plain words, no library. Physical addresses are those of the guest's RAM.
#pragma once

namespace vmref::guest {

using Word = unsigned int;

// The directory slot through which the guest sees itself and the mailbox, in every directory it runs with. The pmap
// uses the slots around it, never this one.
inline constexpr Word kSlot = 0x3F0;
inline constexpr Word kSlotBase = kSlot << 22;
inline constexpr Word kSlotEnd = 0x400000;  // the slot shows RAM from 0 up to here

inline constexpr Word kMailboxAddress = 0x200000;
inline constexpr Word kStepsAddress = 0x201000;

enum class Do : Word {
    load,
    store,
    fetch,
    invlpg,     // address
    load_cr3,   // value
    load_cr0,   // value: 0x10000 for WP
    load_cr4,   // value: 0x10 for PSE, 0x80 for PGE
    write_ram,  // value to the physical address
};

struct Step {
    Do what;
    Word address;
    Word value;
    Word user;     // load, store, fetch: made in user mode
    Word pde_at;   // physical address of a word to report afterwards, in `pde`; 0: none
    Word leaf_at;  // the same, in `leaf`
    Word vector;   // of the exception that ended it; kNoException
    Word error;    // its error code
    Word cr2;      // after it
    Word read;     // what a load or a fetch gave
    Word pde;
    Word leaf;
};
inline constexpr Word kNoException = 0x100;

struct Mailbox {
    Word magic;  // kMagic once the host is there
    Word asked;  // the host counts up: run `steps` steps
    Word done;   // the guest follows
    Word steps;
};
inline constexpr Word kMagic = 0x4D4D5532;
inline constexpr Word kMaxSteps = (kSlotEnd - kStepsAddress) / sizeof(Step);

}  // namespace vmref::guest
