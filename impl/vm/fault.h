// vm_fault.c: the page-fault handler (semantics.md section 3).
#pragma once

#include <cstdint>

#include "impl/vm/kernel.h"

namespace vmref::impl {

// VM_FAULT_* flags.
inline constexpr std::uint8_t kFaultNormal = 0;
inline constexpr std::uint8_t kFaultUserWire = 1U << 0;      // the user wires the page (mlock)
inline constexpr std::uint8_t kFaultBurst = 1U << 1;         // neighbours may be mapped too
inline constexpr std::uint8_t kFaultDirty = 1U << 2;         // the access is a store: the page is dirty from now on
inline constexpr std::uint8_t kFaultUnswap = 1U << 3;        // the swap block goes too
inline constexpr std::uint8_t kFaultChangeWiring = 1U << 4;  // the kernel wires the page
inline constexpr std::uint8_t kFaultUserMode = 1U << 5;      // a user's own access: his resident limit holds
inline constexpr std::uint8_t kFaultWiring = kFaultUserWire | kFaultChangeWiring;  // VM_FAULT_WIRE_MASK

// Handles a fault at `va` (page aligned) for an access that needs `fault_type` (vm_fault.c:372).
// Requires: no locks held. Post: no locks held; on success a PTE for va with at most the entry's rights is entered.
// Returns success; invalid_address or failure where nothing is mapped or the data cannot be had; protection_failure
// where the rights or the file do not allow the access, or the process is dying for memory.
// Blocks: K1 to K13.
Status vm_fault(Kernel& k, Map& map, Va va, Prot fault_type, std::uint8_t fault_flags);

// What is asked of vm_fault_page: `fault_type` may have kProtOverrideWrite.
struct PageRequest {
    Va va;  // page aligned
    Prot fault_type;
    std::uint8_t fault_flags = kFaultNormal;
};
// vm_fault_page (vm_fault.c:839): the page that an access of `fault_type` at `va` would find, faulted in as by
// vm_fault, but no PTE is entered. nullptr with `status` set on failure. The page is held; for who asks for write
// access and gives `busied` it is busied instead, and *busied true (I-99). It is dirty then; who stores to it later
// dirties it again when he is through (B-27). Requires: no locks held. Blocks.
Page* vm_fault_page(Kernel& k, Map& map, const PageRequest& request, Status& status, bool* busied);
// vm_fault_page_quick (vm_fault.c:804): of the current process. There is no quick way on the i386
// (pmap_fault_page_quick finds nothing). Requires: k.curproc.
Page* vm_fault_page_quick(Kernel& k, Va va, Prot fault_type, Status& status, bool* busied);

// vm_fault_object_page (vm_fault.c:1216): the page of (object, index) as a fault of `fault_type` would find it, held.
// nullptr with `status` set on failure. Requires: the caller references the object. Blocks.
// shared: begins with shared holds, where the configuration has them; what needs more starts over without.
Page* vm_fault_object_page(Kernel& k, Object& object, PageIndex index, Prot fault_type, std::uint8_t fault_flags,
                           Status& status, bool shared = false);

// vm_fault_wire (vm_fault.c:2299): faults and wires every page of the entry, whose wired_count the caller has raised:
// for the user with the entry's rights, for the kernel for reading and writing. On failure nothing stays wired.
// Requires and post: map locked exclusively. Blocks: the map is unlocked meanwhile.
enum class Wirer : std::uint8_t { user, kernel };
Status fault_wire(Kernel& k, Map& map, MapEntry& entry, Wirer wirer);

// vm_fault_unwire (vm_fault.c:2377): takes back one wiring of every page of the entry: the first resident page on its
// chain, whether or not a PTE is left (catalogue D-4). Requires: map locked exclusively. Blocks on busy pages.
void fault_unwire(Kernel& k, Map& map, MapEntry& entry);

// vm_fault_copy_entry (vm_fault.c:2422, catalogue D-9 and D-10): gives `to`, which has no object yet, its own pages
// with the values of `from`. Of a wired source also the pages that see through to a file. False: the process was killed
// for memory on the way, or a page could not be read. Requires: both maps locked exclusively. Blocks.
bool fault_copy_entry(Kernel& k, MapEntry& to, MapEntry& from);

// vm_prefault (vm_fault.c:2704) and vm_prefault_quick (vm_fault.c:3003): enter neighbours of a fault at `va` whose PTEs
// are empty and whose pages are there already. Change no contents (I-98). Require: map locked; quick: the entry's
// object held, no backing object.
void vm_prefault(Kernel& k, MapEntry& entry, Va va, Prot prot, std::uint8_t fault_flags);
void vm_prefault_quick(Kernel& k, MapEntry& entry, Va va, Prot prot, std::uint8_t fault_flags);

}  // namespace vmref::impl
