// The state: who exists, and how it is looked at from outside.
#include "model/world.h"

#include <algorithm>
#include <utility>

#include "model/system.h"

namespace vmref::model {

World::World(const World& other)
    : config(other.config),
      processes(other.processes),
      kernel(other.kernel),
      pids(other.pids),
      files(other.files),
      held(other.held),
      devices(other.devices),
      planned_errors(other.planned_errors),
      planned_bad(other.planned_bad),
      keeps_next_back(other.keeps_next_back),
      kept(other.kept) {
    Container::Copies copies;
    const auto copy = [&copies](Process& process) {
        for (Range& range : process.space.clip(0, page_of(kUserEnd))) {
            range.container = range.container->clone(copies);
        }
    };
    for (auto& [pid, process] : processes) {
        copy(process);
    }
    copy(kernel);
    for (auto& [id, file] : files) {
        file = file->clone(copies);
    }
    for (Ref<Container>& device : devices) {
        device = device ? device->clone(copies) : device;
    }
    for (HeldPage& page : held) {
        page.container = page.used() ? page.container->clone(copies) : page.container;
    }
}

Process* World::find(Pid pid) {
    if (pid == 0) {
        return &kernel;
    }
    const auto found = processes.find(pid);
    return found != processes.end() ? &found->second : nullptr;
}

Container* World::find_file(FileId file) {
    const auto found = files.find(file);
    return found != files.end() ? found->second.get() : nullptr;
}

Process& World::add(Pid pid) {
    pids.insert(std::ranges::lower_bound(pids, pid), pid);
    return processes[pid];
}

void World::remove(Pid pid) {
    processes.erase(pid);
    std::erase(pids, pid);
}

namespace {

MappingView view_of(const Range& range) {
    return {.start = range.start << kPageShift,
            .pages = range.pages,
            .prot = range.prot,
            .max_prot = range.max_prot,
            .inherit = range.inherit,
            .wired = range.wired,
            .kernel_wirings = range.kernel_wirings,
            .shared = range.shared,
            .file = range.container->file(),
            .file_page = range.container->file() != 0 ? range.container->file_page(range.offset) : 0,
            .stack_reserve = range.reserve,
            .vpagetable = range.table,
            .root = range.root};
}

}  // namespace

struct System::State : World {
    using World::World;
};

System::System(const Config& config) : state_(std::make_unique<State>(config)) {}
System::System(const System& other) : state_(std::make_unique<State>(*other.state_)) {}
System::System(System&&) noexcept = default;
System& System::operator=(System&&) noexcept = default;
System::~System() = default;

Outcome System::step(const Operation& operation, const Observation& actual) {
    return take_step(*state_, operation, actual);
}

std::optional<std::string> System::refuse(const Operation& operation) const {
    return reason_to_refuse(*state_, operation);
}

const std::vector<Pid>& System::processes() const {
    return state_->pids;
}

std::vector<FileId> System::files() const {
    std::vector<FileId> ids;
    for (const auto& [id, file] : state_->files) {
        ids.push_back(id);
    }
    return ids;
}

std::uint32_t System::file_size(FileId file) const {
    const Container* found = state_->find_file(file);
    return found != nullptr ? found->size() : 0;
}

std::uint32_t System::threads(Pid pid) const {
    const Process* process = state_->find(pid);
    return process != nullptr ? process->threads : 0;
}

void System::mappings(Pid pid, std::vector<MappingView>& out) const {
    out.clear();
    if (const Process* process = state_->find(pid)) {
        for (const Range& range : process->space.ranges()) {
            out.push_back(view_of(range));
        }
    }
}

std::optional<bool> System::held(std::uint32_t slot) const {
    const HeldPage& page = state_->held.at(slot);
    return page.used() ? std::optional(page.write) : std::nullopt;
}

HeldPlace System::held_at(std::uint32_t slot) const {
    const HeldPage& page = state_->held.at(slot);
    return {page.pid, page.va};
}

bool System::locks_future(Pid pid) const {
    const Process* process = state_->find(pid);
    return process != nullptr && process->locks_future;
}

const Operation* System::kept_back() const {
    return state_->kept ? &*state_->kept : nullptr;
}

bool System::keeps_next_back() const {
    return state_->keeps_next_back;
}

std::size_t System::mapping_count(Pid pid) const {
    const Process* process = state_->find(pid);
    return process != nullptr ? process->space.ranges().size() : 0;
}

MappingView System::mapping(Pid pid, std::size_t n) const {
    return view_of(state_->find(pid)->space.ranges()[n]);
}

PageView System::page(Pid pid, Va va) const {
    const Process* process = state_->find(pid);
    const Range* range = process != nullptr ? process->space.at(page_of(va)) : nullptr;
    if (range == nullptr) {
        return {};
    }
    const PageIndex cell = range->cell(page_of(va));
    PageView out{.mapped = true, .prot = range->prot, .wired = range->wired};
    out.refused = range->container->refused(cell);
    out.bytes = out.refused ? nullptr : range->container->read(cell);
    return out;
}

std::optional<Va> System::translated(Pid pid, Va va) const {
    const AddressSpace& space = state_->find(pid)->space;
    const Range* const range = space.at(page_of(va));
    const Translation* const known = space.translation(page_of(va));
    return range == nullptr || known == nullptr
               ? std::nullopt
               : std::optional((range->start + (known->cell - range->offset)) << kPageShift);
}

const std::uint8_t* System::file_page(FileId file, PageIndex page) const {
    Container* found = state_->find_file(file);
    return found != nullptr && !found->refused(page) ? found->read(page) : nullptr;
}

}  // namespace vmref::model
