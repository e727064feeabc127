// What debuggers and the kernel itself do to user memory (ops/kernel_operation.h), drawn.
#pragma once

#include "model/system.h"
#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/generators/places.h"

namespace vmref::props {

class KernelDrawing {
  public:
    KernelDrawing(Choices& choices, const model::System& model, Places& places)
        : choices_(choices), model_(model), places_(places) {}

    // Slots in use; those held for writing forbid whatever moves pages or mappings.
    std::uint32_t slots_used() const;
    bool held_for_writing() const;

    // Of `target`'s memory, by another process, itself or a kernel thread.
    DebugAccess debug(Pid target);
    KernelGet get(Pid pid);  // Requires: a slot is empty
    KernelPut put();         // Requires: a slot is in use
    KernelWire wire(Pid pid);
    KernelUnwire unwire(Pid pid);
    bool any_wired(Pid pid) const;
    // What makes something of a page that is held: processes that share it come and go and get pages of their own
    // around it, others are written out. Whoever has the page below him cannot take it over meanwhile (catalogue D-7,
    // D-8). Requires: a slot is in use, none for writing; a process exists.
    Operation around_held(bool room_for_process);
    NofaultAccess nofault(Pid pid);
    LockFuture lock_future(Pid pid);
    MapDevice map_device(Pid pid, Prot prot);
    LimitResident limit_resident(Pid pid);
    // Something about the kernel's own memory.
    Operation kernel_memory();

  private:
    std::uint32_t slot(bool used);
    KernelAlloc kernel_alloc();
    KernelAccess kernel_access(Va page);

    Choices& choices_;
    const model::System& model_;
    Places& places_;
};

}  // namespace vmref::props
