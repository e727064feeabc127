// One struct per operation of the system world; Operation is the variant of the operations of all worlds.
//
// The comments are the contract: both the model and the implementation are written from them.
// Conventions for every operation with a range [addr, addr + length):
//   - length 0 is success without effect;
//   - the range is widened outward to page boundaries;
//   - a range that wraps or ends above kUserEnd gives invalid_argument and no effect;
//   - "hole" means a page of the widened range that is not mapped (the reserve of a stack is not mapped).
// A process that is killed for memory (Witness::killed) is gone after the operation, as by Exit. If it is the
// operation's own process, the observation has Signal::kill and the operation has no effect, but for the bytes that a
// FileRead or FileWrite had moved (Observation::value) and the discards reported. A pid, cpu or file that does not
// exist, and a mapping outside user space, never reach either side: `refuse` (model/system.h) refuses them as bad
// input.
// A read from a file or from swap can fail (PlanIo, Config::io_errors); Witness::failed says which page could not be
// had:
//   - an Access ends there with Signal::bus, as if the page refused it;
//   - a FileRead or FileWrite ends before the run with that user page; a FileRead also before the run with that file
//   page;
//   - an Mlock gives `failure` (`protection_failure` if the pager's answer was `bad`), and nothing is newly wired;
//   - a KernelWire, DebugAccess or KernelGet ends with the same statuses;
//   - a Fork gives `failure`, and there is no child;
//   - an Mprotect succeeds; that page only is not copied at once.
// A mapping with a virtual page table (Mmap::vpagetable) is one thing, its tables and its memory: an operation with a
// boundary inside it gives invalid_argument, without effect. So do Mlock, KernelWire and Mremap of any part of one.
// Madvise free, dontneed and willneed, and Msync, name pages of its memory by their place in the mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include "ops/injection_operation.h"
#include "ops/kernel_operation.h"
#include "ops/machine_operation.h"
#include "ops/object_operation.h"
#include "ops/pmap_operation.h"
#include "ops/table_operation.h"
#include "ops/types.h"
#include "ops/world.h"

namespace vmref {

// A process with an empty address space, one thread, on cpu 0.
struct Spawn {
    Pid pid;
    bool operator==(const Spawn&) const = default;
};

// The address space of `pid` is replaced by an empty one; extra threads vanish.
struct Exec {
    Pid pid;
    bool operator==(const Exec&) const = default;
};

// The process ends; its mappings go.
struct Exit {
    Pid pid;
    bool operator==(const Exit&) const = default;
};

// `child` gets the address space of `parent`, mapping by mapping, by inheritance:
//   none:  not mapped in the child;
//   share: both sides see the same cells from now on;
//   copy:  a MAP_SHARED file mapping, and any mapping that other mappings share at the same cells with a right to
//          store directly (MAP_SHARED, or inherited shared), becomes private in the child; its values at
//          the fork are the child's own. File pages that nobody stored to privately go on seeing through to the file.
//          The parent keeps exactly what it had (catalogue D-9). A wired mapping is copied at once (D-10): pages that
//          see through to a file below its end become the child's own values; pages past the end go on seeing through.
// The child is unwired, has one thread and the parent's cpu.
struct Fork {
    Pid parent;
    Pid child;
    bool operator==(const Fork&) const = default;
};

// `pid` has `count` threads from now on (1 or more): it may be active on as many CPUs at a time.
struct Threads {
    Pid pid;
    std::uint32_t count;
    bool operator==(const Threads&) const = default;
};

// CPU `cpu` runs a thread of `pid` from now on; pid 0 idles the CPU. A process that is active on as many CPUs as it
// has threads leaves one of them (migration). Later accesses without an explicit cpu go to the CPU named last.
struct Switch {
    CpuId cpu;
    Pid pid;
    bool operator==(const Switch&) const = default;
};

// Names a file of `size` bytes with the synthetic contents of ops/synthetic.h. An existing id is bad input.
struct CreateFile {
    FileId file;
    std::uint32_t size;
    std::string path;  // for the reader only
    bool operator==(const CreateFile&) const = default;
};

// Maps [addr, addr + length), rounded up to pages.
//   fixed:     addr must be page aligned, else invalid_argument; whatever is mapped in the range goes first.
//   not fixed: the implementation chooses an unmapped, page-aligned range in user space, outside stack reserves, and
//              reports its start as Observation::address; no_space if there is none.
//   shared / private, anonymous / file: as mmap(2). offset must be page aligned, else invalid_argument.
//   prot beyond max_prot: protection_failure. max_prot stands for the rights of the descriptor. A private
//   mapping's max_prot is always everything.
//   inheritance starts as share for shared mappings, copy for private ones.
//   stack:     needs fixed, private and anonymous, else invalid_argument. The whole range is cleared, then its
//              highest min(length, stack_grow pages) are mapped; the rest is the reserve of that mapping (grow_stack).
//   vpagetable: needs offset 0 and no stack, else invalid_argument. The mapping's memory is the file's, or anonymous
//              memory, as many pages as the mapping has; but a process reaches it through a page table that is itself
//              part of that memory (ops/virtual_page_table.h), from a root that Mcontrol sets; it is 0 at first. Each
//              fault walks the tables: for page n of the mapping, from the root down to a word with PS, or the second
//              level. An invalid word, or one without RW on the way of a store, ends the access with Signal::bus
//              (`failure`, where the contract speaks of statuses); so does a word that names a page past the mapping's
//              length or past the end of the file (`protection_failure`). If the mapping's protection has write, every
//              word on the way gets A, and M if the access stores (a private mapping gets its own values of those
//              pages by it). Without, tables are only read. What was translated once may be used again without a walk,
//              whatever the tables say by then, until Mcontrol; for stores only if a store, or a walk that met M, had
//              translated it. Witness::walked says when the tables were walked. Of an access whose process is killed
//              for memory the marks in the tables remain.
// Reading file pages: at or past the page after the end of file: Signal::bus. Bytes past the end inside the last page
// are ordinary bytes, zero at first, that a shared store can change; they become zero whenever the size changes.
// grow_stack: an access to an unmapped page below a stack mapping M grows it, if the next mapping above is M, if the
// page lies inside M's reserve and above the previous mapping. The new mapping covers the distance rounded up to
// stack_grow pages, cut to the reserve and to the gap; it has protection and maximum everything, inheritance copy, it
// is a stack with what is left of the reserve. M keeps its own, which counts again if the new one is unmapped. Clipping
// a stack copies its reserve.
struct Mmap {
    Pid pid;
    Va addr;
    std::uint32_t length;
    Prot prot;
    Prot max_prot = kProtAll;
    bool shared = false;
    bool fixed = false;
    bool stack = false;
    FileId file = 0;  // 0: anonymous
    std::uint32_t offset = 0;
    bool vpagetable = false;
    bool operator==(const Mmap&) const = default;
};

// Unmaps the range; invalid_argument, without effect, if it has a hole.
struct Munmap {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const Munmap&) const = default;
};

// Moves, shrinks or grows one mapping range: [addr, addr + length) becomes [new_addr, new_addr + new_length).
// All must be page aligned, new_addr == addr or the two ranges disjoint, lengths not 0, both ranges in user
// space, else invalid_argument; a hole in the old range gives invalid_address. When moved, the target range is
// unmapped first; when grown in place the added range must be unmapped, else no_space. Values, protection, wiring
// excepted (moved pages are not wired), move along. The added part has the attributes of the old last page
// (protection, inheritance, sharing; never wired): anonymous parts are fresh, file parts continue the file.
struct Mremap {
    Pid pid;
    Va addr;
    std::uint32_t length;
    Va new_addr;
    std::uint32_t new_length;
    bool operator==(const Mremap&) const = default;
};

// Protection of every mapped page in the range (holes are skipped). protection_failure, without effect, if prot
// exceeds any page's max_prot.
struct Mprotect {
    Pid pid;
    Va addr;
    std::uint32_t length;
    Prot prot;
    bool operator==(const Mprotect&) const = default;
};

// Inheritance of every mapped page in the range; holes are skipped.
struct Minherit {
    Pid pid;
    Va addr;
    std::uint32_t length;
    Inherit inherit;
    bool operator==(const Minherit&) const = default;
};

// Advice; holes are skipped. `nosync` asks that stores be written back only when memory is short, `autosync` takes that
// back. Only `free` concerns values: each page of the range in anonymous memory (no file below)
// that only this mapping reaches may become zero at any later time until it is next stored to. A fork hands that
// freedom on to the child's copy. The implementation reports every (process, page) that became zero in
// Witness::discarded; those of the Madvise operation itself come after its own effect. Wired pages are left alone.
struct Madvise {
    Pid pid;
    Va addr;
    std::uint32_t length;
    Advice advice;
    bool operator==(const Madvise&) const = default;
};

// Writes file pages of the range back, `invalidate` also drops clean ones. No value changes. invalid_address if
// the range has a hole.
struct Msync {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool invalidate = false;
    bool operator==(const Msync&) const = default;
};

// Wires the range for the user. invalid_address if it has a hole. Pages already wired by the user stay so. Every other
// page is faulted in with the full protection of its mapping; the first that cannot be (protection none; past the
// end of the file) gives protection_failure, and nothing is newly wired. resource_shortage, without effect, if
// too many pages would be wired. Wiring may copy private pages (no value changes). A page that is wired and loses its
// file by truncation stays wired.
struct Mlock {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const Mlock&) const = default;
};

// invalid_address if the range has a hole; invalid_argument, without effect, if a page is not wired by the user.
struct Munlock {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const Munlock&) const = default;
};

// Sets the size. Shrinking discards what lies behind; private values stay. Growing adds zeroes. Either way the bytes
// of the old last page past the old end, and of the new last page past the new end, become zero in the file.
struct Ftruncate {
    FileId file;
    std::uint32_t size;
    bool operator==(const Ftruncate&) const = default;
};

// read(2) / write(2) at an offset between the file and user memory at `buffer`. A read stops at the end of the
// file; a write extends the file (invalid_argument beyond kMaxFileSize). Bytes are moved in order, in runs that end at
// every page boundary of either side, whole runs at a time; Observation::value is the number of bytes moved. The first
// run whose user page cannot be accessed (no right, unmapped, past the end of its file, not user space) ends the call
// with invalid_address; what was moved before stays. User pages are accessed as kernel accesses (see Access), stacks
// grow.
struct FileRead {
    Pid pid;
    FileId file;
    std::uint32_t offset;
    std::uint32_t length;
    Va buffer;
    bool operator==(const FileRead&) const = default;
};
struct FileWrite {
    Pid pid;
    FileId file;
    std::uint32_t offset;
    std::uint32_t length;
    Va buffer;
    bool operator==(const FileWrite&) const = default;
};

// One access of 1, 2 or 4 bytes, little endian, at any address; it may cross a page boundary. A store that ends in a
// signal changes nothing. Loads and fetches need read permission, stores need write permission; the i386 cannot refuse
// a read of a page it maps, so a read of a page whose protection is not none but lacks read may also succeed: the
// implementation decides and reports it (witness: the signal itself).
// Signals: unmapped or not user space: segv. No right, or file page past the end: bus. The faulting address
// is `addr` if its page refuses, else the start of the second page. The first page is judged first.
// kernel: the kernel touches user memory for the process (copyin, copyout): the same rights; failure is status
// invalid_address instead of a signal.
struct Access {
    Pid pid;
    AccessKind kind;
    Va addr;
    std::uint8_t size;        // 1, 2 or 4
    std::uint32_t value = 0;  // stores only
    bool kernel = false;
    bool operator==(const Access&) const = default;
};

// One step of the pageout daemon over at most `pages` pages of each queue, as if memory were short.
struct Pageout {
    std::uint32_t pages;
    bool operator==(const Pageout&) const = default;
};

template <typename... Op>
struct OperationList {};

using SystemOperations =
    OperationList<Spawn, Exec, Exit, Fork, Threads, Switch, CreateFile, Mmap, Munmap, Mremap, Mprotect, Minherit,
                  Madvise, Msync, Mlock, Munlock, Ftruncate, FileRead, FileWrite, Access, Pageout, DebugAccess,
                  KernelGet, KernelPut, KernelWire, KernelUnwire, NofaultAccess, LockFuture, MapDevice, Swapoff,
                  KernelAlloc, KernelFree, KernelAccess, LimitResident, WriteOut, FinishIo, Reclaim, BusyPage, PlanIo,
                  PlanShortage, Hook, Mcontrol>;

using MachineOperations = OperationList<SetWord, Probe, Invlpg, LoadCr3, Control, Evict, RandomTables, PmapTables>;
using PmapOperations = OperationList<PageCall, PmapZeroPageArea, PmapCopyPage, PmapPageProtect, PmapCall, PmapSwitch,
                                     PmapEnter, PmapEnterQuick, PmapObjectInitPt, PmapInstall4m, PmapRange, PmapProtect,
                                     PmapAddress, PmapPair, PmapCollect, KernelEnter, KernelAddress, KernelPages,
                                     PmapMapdev, PmapUnmapdev, PmapGrowkernel, PmapAddrHint, HardwareAccess, EvictTlb>;
using ObjectOperations = OperationList<ObjectAllocate, ObjectCall, ObjectShadow, ObjectCoalesce, ObjectTruncate,
                                       ObjectPut, ObjectFault, ObjectPage, ObjectBusy, ObjectPin, ObjectUnpin,
                                       ObjectWrite, ObjectIoDone, ObjectRange, ObjectPageout>;

namespace operation_detail {

template <WorldName world>
struct OperationsOf;
template <>
struct OperationsOf<WorldName::system> {
    using List = SystemOperations;
};
template <>
struct OperationsOf<WorldName::machine> {
    using List = MachineOperations;
};
template <>
struct OperationsOf<WorldName::pmap> {
    using List = PmapOperations;
};
template <>
struct OperationsOf<WorldName::object> {
    using List = ObjectOperations;
};

template <typename Op, typename... Ops>
constexpr bool contains(OperationList<Ops...> /*list*/) {
    return (std::is_same_v<Op, Ops> || ...);
}

template <typename... Ops>
constexpr std::size_t length(OperationList<Ops...> /*list*/) {
    return sizeof...(Ops);
}

template <typename List>
struct FirstOf;
template <typename First, typename... Rest>
struct FirstOf<OperationList<First, Rest...>> {
    using Type = First;
};

template <typename... Lists>
struct VariantOf;
template <typename... Op>
struct VariantOf<OperationList<Op...>> {
    using Type = std::variant<Op...>;
};
template <typename... First, typename... Second, typename... Rest>
struct VariantOf<OperationList<First...>, OperationList<Second...>, Rest...>
    : VariantOf<OperationList<First..., Second...>, Rest...> {};

}  // namespace operation_detail

using Operation =
    operation_detail::VariantOf<SystemOperations, PmapOperations, MachineOperations, ObjectOperations>::Type;

// Whether `world` takes operations of type `Op`.
template <WorldName world, typename Op>
inline constexpr bool kTakes = operation_detail::contains<Op>(typename operation_detail::OperationsOf<world>::List{});

// How many kinds of operations the world has; those of the system world come first in the variant.
template <WorldName world>
inline constexpr std::size_t kOperationKinds =
    operation_detail::length(typename operation_detail::OperationsOf<world>::List{});

template <WorldName world>
bool belongs_to(const Operation& operation) {
    return std::visit([]<typename Op>(const Op&) { return kTakes<world, Op>; }, operation);
}

// What `visitor` makes of an operation of `world`. Errors: std::bad_variant_access, if it belongs to another world; its
// model refuses such operations before anybody visits them.
template <WorldName world, typename Visitor>
decltype(auto) visit_operation(Visitor&& visitor, const Operation& operation) {
    using First = operation_detail::FirstOf<typename operation_detail::OperationsOf<world>::List>;
    using Result = std::invoke_result_t<Visitor&, const typename First::Type&>;
    return std::visit(
        [&visitor]<typename Op>(const Op& op) -> Result {
            if constexpr (kTakes<world, Op>) {
                return visitor(op);
            } else {
                throw std::bad_variant_access();
            }
        },
        operation);
}

}  // namespace vmref
