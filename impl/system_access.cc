// User accesses, traps, and the kernel's copies between files and user memory.
#include <algorithm>

#include "impl/system.h"
#include "impl/vm/fault.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// A fault that succeeds so often without the access getting through will never let it through (I-81).
constexpr unsigned kMaxFaultsPerAccess = 1000;

// trap_pfault: how a failed fault ends for the process. `failure`: the data exists and cannot be read (SIGBUS by POSIX;
// decision 0030).
Signal signal_of(Status status) {
    return status == Status::protection_failure || status == Status::failure ? Signal::bus : Signal::segv;
}

}  // namespace

// trap_pfault: a #PF of the process's CPU. The i386 reports fetches as reads. Blocks
Status System::handle_fault(Process& self, const AccessResult& fault, Privilege privilege) {
    ++kernel_.stats.traps;
    if (fault.cr2 >= kUserEnd) {
        return Status::invalid_address;
    }
    const bool store = (fault.error_code & kFaultWrite) != 0;
    const Prot needed = store ? kProtWrite : kProtRead;
    std::uint8_t flags = store ? kFaultDirty : kFaultNormal;
    if (privilege == Privilege::user) {
        flags |= kFaultBurst | kFaultUserMode;
    }
    return vm_fault(kernel_, self.map, trunc_page(fault.cr2), needed, flags);
}

Outcome System::run(const Access& operation) {
    Process& self = process(operation.pid);
    run_on(self, self.cpu);
    if (operation.kernel && std::uint64_t{operation.addr} + operation.size > kUserEnd) {
        // copyin and copyout stop where user space ends; the page before is touched first, as by any other copy.
        Pa pa = 0;
        Status status = Status::success;
        translate_user(self, operation.kind, operation.addr, pa, status);
        return {.status = Status::invalid_address};
    }
    const Privilege privilege = operation.kernel ? Privilege::supervisor : Privilege::user;
    std::uint32_t value = operation.value;
    for (unsigned faults = 0; faults < kMaxFaultsPerAccess; ++faults) {
        kernel_.sched.wait_for_cpu(self.cpu);
        const AccessResult result =
            kernel_.machine.access(self.cpu, operation.kind, operation.addr, operation.size, privilege, value);
        if (result.ok) {
            return {.value = operation.kind == AccessKind::store ? 0 : value};
        }
        const Status status = handle_fault(self, result, privilege);
        if (status == Status::success) {
            continue;
        }
        if (operation.kernel) {
            return {.status = Status::invalid_address};
        }
        return {.signal = signal_of(status), .address = result.cr2};
    }
    throw Finding("I-81", "an access faults again and again although every fault succeeds");
}

bool System::translate_user(Process& self, AccessKind kind, Va va, Pa& pa, Status& status) {
    status = Status::invalid_address;
    if (va >= kUserEnd) {
        return false;
    }
    run_on(self, self.cpu);
    for (unsigned faults = 0; faults < kMaxFaultsPerAccess; ++faults) {
        kernel_.sched.wait_for_cpu(self.cpu);
        const AccessResult result = kernel_.machine.translate(self.cpu, kind, va, Privilege::supervisor, pa);
        if (result.ok) {
            return true;
        }
        status = handle_fault(self, result, Privilege::supervisor);
        if (status != Status::success) {
            return false;
        }
    }
    throw Finding("I-81", "a kernel copy faults again and again although every fault succeeds");
}

// Bytes of one file page and one user page.
struct System::CopyRun {
    std::uint32_t file_offset;
    Va user;
    std::uint32_t length;
};

// copyout of one run: the file page is held while the user page is made accessible. Blocks
bool System::read_run(Process& self, Vnode& vnode, const CopyRun& run) {
    Status status = Status::success;
    Page* const page =
        vm_fault_object_page(kernel_, *vnode.object, page_of(run.file_offset), kProtRead, kFaultNormal, status);
    if (page == nullptr) {
        return false;
    }
    Pa target = 0;
    const bool accessible = translate_user(self, AccessKind::store, run.user, target, status);
    if (accessible) {
        std::uint8_t bytes[kPageSize];
        kernel_.machine.memory().load((page->frame << kPageShift) | (run.file_offset & kPageMask), run.length, bytes);
        kernel_.machine.memory().store(target, run.length, bytes);
        kernel_.bytes_moved += run.length;
    }
    kernel_.pages.unhold(*page);
    return accessible;
}

// copyin of one run. Its bytes are taken first: a run that cannot be read must not extend the file, and extending it
// zeroes bytes that the run may be reading through a mapping of the same file. Blocks
bool System::write_run(Process& self, Vnode& vnode, const CopyRun& run) {
    Status status = Status::success;
    Pa source = 0;
    if (!translate_user(self, AccessKind::load, run.user, source, status)) {
        return false;
    }
    std::uint8_t bytes[kPageSize];
    kernel_.machine.memory().load(source, run.length, bytes);
    kernel_.bytes_moved += run.length;  // from here on the run cannot fail, and a discard of its source comes too late
    const std::uint32_t end = run.file_offset + run.length;
    if (end > vnode.size()) {
        vnode_pager_setsize(kernel_, vnode, end);
    }
    Page* const page =
        vm_fault_object_page(kernel_, *vnode.object, page_of(run.file_offset), kProtWrite, kFaultNormal, status);
    if (page == nullptr) {
        // Dying for memory with the file extended already: the run still goes into the file, which outlives the
        // process.
        vnode_pager_write_through(kernel_, vnode, run.file_offset, bytes, run.length);
        return true;
    }
    const Pa target = (page->frame << kPageShift) | (run.file_offset & kPageMask);
    kernel_.machine.memory().store(target, run.length, bytes);
    // Dirty after the store, at release: a write-out in between would miss it (B-27).
    kernel_.pages.dirty(*page);
    kernel_.pages.unhold(*page);
    return true;
}

// uiomove: run by run, each inside one page of either side, until one fails.
template <class MoveRun>
Outcome System::move_bytes(Process& self, std::uint32_t offset, std::uint32_t length, Va buffer, MoveRun move_run) {
    const std::uint32_t& moved = kernel_.bytes_moved;  // each run counts its own bytes
    while (moved < length && !kernel_.current_dying()) {
        const std::uint32_t file_offset = offset + moved;
        const Va user = buffer + moved;
        const std::uint32_t run =
            std::min({length - moved, kPageSize - (file_offset & kPageMask), kPageSize - (user & kPageMask)});
        if (!move_run(self, CopyRun{file_offset, user, run})) {
            return {.status = Status::invalid_address, .value = moved};
        }
    }
    return {.value = moved};
}

Outcome System::run(const FileRead& operation) {
    Vnode& vnode = *kernel_.vnodes.at(operation.file);
    const std::uint32_t available = operation.offset < vnode.size() ? vnode.size() - operation.offset : 0;
    return move_bytes(process(operation.pid), operation.offset, std::min(operation.length, available), operation.buffer,
                      [&](Process& self, const CopyRun& run) { return read_run(self, vnode, run); });
}

Outcome System::run(const FileWrite& operation) {
    Vnode& vnode = *kernel_.vnodes.at(operation.file);
    if (operation.length != 0 && std::uint64_t{operation.offset} + operation.length > kMaxFileSize) {
        return {.status = Status::invalid_argument};
    }
    return move_bytes(process(operation.pid), operation.offset, operation.length, operation.buffer,
                      [&](Process& self, const CopyRun& run) { return write_run(self, vnode, run); });
}

}  // namespace vmref::impl
