// The guest that QEMU runs: it waits for steps in its mailbox, takes them on its MMU and reports what happened.
// Bare metal, 32 bits, no library.
#include "props/machine/guest_protocol.h"

namespace vmref::guest {
namespace {

extern "C" {
// start.S
extern Word trap_entries[33];
extern Word slot_table[1024];
extern volatile Word trap_vector;
extern volatile Word trap_error;
extern volatile Word trap_cr2;
extern volatile Word trap_eax;
using Access = void();
void probe(Access* access, Word address, Word value, Word user);
void access_load();
void access_store();
void access_fetch();
}

struct Gate {
    unsigned short low;
    unsigned short selector;
    unsigned char zero;
    unsigned char type;
    unsigned short high;
};
Gate gates[0x81];

struct [[gnu::packed]] GatesPointer {
    unsigned short limit;
    Word base;
};

constexpr unsigned short kKernelCode = 0x08;
constexpr unsigned char kGate = 0x8E;      // interrupt gate
constexpr unsigned char kUserGate = 0xEE;  // that user mode may call

void set_gate(Word vector, Word entry, unsigned char type) {
    gates[vector] = {static_cast<unsigned short>(entry), kKernelCode, 0, type,
                     static_cast<unsigned short>(entry >> 16)};
}

template <typename T>
T& in_slot(Word physical) {
    return *reinterpret_cast<T*>(kSlotBase + physical);
}

// Any word of RAM, through the first page of the slot.
volatile Word& in_ram(Word physical) {
    slot_table[0] = (physical & ~0xFFFU) | 0x67;
    asm volatile("invlpg (%0)" ::"r"(kSlotBase) : "memory");
    return in_slot<volatile Word>(physical & 0xFFF);
}

void take_access(Step& step, Access* access) {
    probe(access, step.address, step.value, step.user);
    step.vector = trap_vector;
    step.error = trap_error;
    step.cr2 = trap_cr2;
    step.read = trap_eax;
}

void load_cr3(Word directory) {
    in_ram((directory & ~0xFFFU) + 4 * kSlot) = (reinterpret_cast<Word>(slot_table) - kSlotBase) | 0x27;
    asm volatile("mov %0, %%cr3" ::"r"(directory) : "memory");
}

void take(Step& step) {
    step.vector = kNoException;
    switch (step.what) {
        case Do::load:
            take_access(step, access_load);
            break;
        case Do::store:
            take_access(step, access_store);
            break;
        case Do::fetch:
            take_access(step, access_fetch);
            break;
        case Do::invlpg:
            asm volatile("invlpg (%0)" ::"r"(step.address) : "memory");
            break;
        case Do::load_cr3:
            load_cr3(step.value);
            break;
        case Do::load_cr0:
            asm volatile("mov %0, %%cr0" ::"r"(step.value | 0x80000011) : "memory");
            break;
        case Do::load_cr4:
            asm volatile("mov %0, %%cr4" ::"r"(step.value) : "memory");
            break;
        case Do::write_ram:
            in_ram(step.address) = step.value;
            break;
    }
    if (step.pde_at != 0) {
        step.pde = in_ram(step.pde_at);
    }
    if (step.leaf_at != 0) {
        step.leaf = in_ram(step.leaf_at);
    }
}

}  // namespace

extern "C" void guest_main() {
    for (Word vector = 0; vector < 32; ++vector) {
        set_gate(vector, trap_entries[vector], kGate);
    }
    set_gate(0x80, trap_entries[32], kUserGate);
    const GatesPointer pointer{sizeof gates - 1, reinterpret_cast<Word>(gates)};
    asm volatile("lidt %0" ::"m"(pointer));
    volatile Mailbox& mailbox = in_slot<volatile Mailbox>(kMailboxAddress);
    Step* const steps = &in_slot<Step>(kStepsAddress);
    for (;;) {
        while (mailbox.magic != kMagic || mailbox.asked == mailbox.done) {
            asm volatile("pause");
        }
        const Word count = mailbox.steps < kMaxSteps ? mailbox.steps : kMaxSteps;
        asm volatile("" ::: "memory");
        for (Word i = 0; i < count; ++i) {
            take(steps[i]);
        }
        asm volatile("" ::: "memory");
        mailbox.done = mailbox.asked;
    }
}

}  // namespace vmref::guest
