// The state of the model, and one step through it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/address_space.h"
#include "model/container.h"
#include "model/system.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::model {

struct Process {
    AddressSpace space;
    std::uint32_t threads = 1;
    bool locks_future = false;
};

// A page that the kernel holds from KernelGet to KernelPut.
struct HeldPage {
    Ref<Container> container{};
    PageIndex cell = 0;
    std::uint32_t offset = 0;  // of the word in the page
    bool write = false;
    Pid pid = 0;  // by whose address it was got
    Va va = 0;
    bool used() const { return container != nullptr; }
};

struct World {
    explicit World(const Config& configuration) : config(configuration) {}
    World(const World& other);  // deep
    World& operator=(const World&) = delete;

    Process* find(Pid pid);             // nullptr: no such process. 0: the kernel
    Container* find_file(FileId file);  // nullptr: no such file
    Process& add(Pid pid);
    void remove(Pid pid);

    Config config;
    std::map<Pid, Process> processes;
    Process kernel;         // its own memory
    std::vector<Pid> pids;  // the keys of `processes`
    std::map<FileId, Ref<Container>> files;
    std::array<HeldPage, kHoldSlots> held{};
    std::array<Ref<Container>, kUserDevices> devices{};  // null: nobody has mapped it yet
    // Stand-ins (injection.cc): reads that may still fail as planned, and what a Hook keeps back.
    std::uint32_t planned_errors = 0;
    std::uint32_t planned_bad = 0;
    bool keeps_next_back = false;
    std::optional<Operation> kept;
};

// One step under way.
struct Step {
    World& world;
    const Observation& actual;
    Observation& expected;
    std::string& illegal;
    bool& illegal_discard;
    bool killed = false;           // the operation's own process is
    std::size_t next_discard = 0;  // in the witness
    std::size_t next_walk = 0;     // the same

    void complain(const std::string& why) { illegal = illegal.empty() ? why : illegal; }
    void complain_of_discard(const std::string& why) {
        illegal_discard = illegal_discard || illegal.empty();
        complain(why);
    }
};

// Why the state cannot be asked this; nullopt if it can.
std::optional<std::string> reason_to_refuse(World& world, const Operation& operation);

Outcome take_step(World& world, const Operation& operation, const Observation& actual);
// The same, without what runs beside it.
Outcome take_alone(World& world, const Operation& operation, const Observation& actual);

// Takes the discards that happened after `moved` bytes.
void apply_discards(Step& step, std::uint32_t moved);

// Wiring (wiring.cc).
void run(Step& step, const Mlock& op);
void run(Step& step, const Munlock& op);
void run(Step& step, const KernelWire& op);
void run(Step& step, const KernelUnwire& op);
void run(Step& step, const LockFuture& op);
void run(Step& step, const LimitResident& op);
// Locks what was newly mapped, if the process wants that.
void lock_new(Step& step, Pid pid, PageIndex first, PageIndex end);
// The range that maps `page`, if need be after growing a stack; nullptr: there is none.
const Range* mapped_or_grown(Step& step, Pid pid, PageIndex page);
// What passes the page tables by (kernel_access.cc).
void run(Step& step, const DebugAccess& op);
void run(Step& step, const KernelGet& op);
void run(Step& step, const KernelPut& op);
void run(Step& step, const NofaultAccess& op);
void run(Step& step, const KernelAccess& op);
// The kernel's own memory (kernel_memory.cc).
void run(Step& step, const KernelAlloc& op);
void run(Step& step, const KernelFree& op);
// Why nobody may fault at the page; nullopt if one may.
std::optional<Status> forbidden(const Range& range, PageIndex page);
// The kernel outlives what cannot be read of its memory, but for the submap's: zeroes take its place.
bool outlives_loss(Pid pid, PageIndex page);
// The read that failed of this page (of a mapping, or with pid 0 of an object); nullptr: none.
const FailedRead* failed_read(const Step& step, Pid pid, Va va);
// Complains of failed reads that nothing has planned.
void judge_failed_reads(Step& step);
// Pages that were copied although nothing was stored keep what they show.
void take_early_copies(Step& step);
// Why the operation cannot be kept back by a Hook; nullopt if it can.
std::optional<std::string> reason_not_to_keep_back(const Operation& operation);
// Whether what is kept back may run while this operation waits for a pager.
bool lets_others_run(const Operation& operation);
// Virtual page tables (virtual_page_table.cc).
void run(Step& step, const Mcontrol& op);
struct TableTarget {
    Status status = Status::success;
    PageIndex cell = 0;
};
// An access to a page of a range with a table.
struct TableAccess {
    Pid pid;
    PageIndex page;
    Prot need;
    Prot allowed;     // the rights that count
    bool unreadable;  // a page that could not be read ends it
    bool enters;      // what it finds may be used again without a walk
};
// What it reaches: by the walks that the witness reports of it; without one by what was translated before.
TableTarget translate(Step& step, const TableAccess& access);
// The walks that an access of two pages began again: what one of them does to mappings may concern the other.
void translate_again(Step& step, Pid pid, Prot need, PageIndex first, PageIndex last);
// The walks that nothing has asked for: those of an operation whose process was killed have marked the tables.
void take_left_walks(Step& step, Prot need, bool overriding);
// Stand-ins (injection.cc).
void run(Step& step, const PlanIo& op);
void run(Step& step, const Hook& op);
// The operations that touch user memory (access.cc).
void run(Step& step, const Access& op);
void run(Step& step, const FileRead& op);
void run(Step& step, const FileWrite& op);

std::string hex(std::uint64_t value);

}  // namespace vmref::model
