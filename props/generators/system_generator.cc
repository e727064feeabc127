#include "props/generators/system_generator.h"

#include <algorithm>

#include "props/generators/kernel_drawing.h"
#include "props/generators/mapping_drawing.h"
#include "props/generators/places.h"
#include "props/generators/stand_ins.h"
#include "props/generators/table_drawing.h"

namespace vmref::props {

namespace {

enum class Kind : std::uint8_t {
    access,
    mmap,
    munmap,
    mremap,
    mprotect,
    minherit,
    madvise,
    msync,
    mlock,
    munlock,
    ftruncate,
    file_read,
    file_write,
    create_file,
    fork,
    exit,
    exec,
    spawn,
    threads,
    switch_cpu,
    pageout,
    debug,
    kernel_get,
    kernel_put,
    kernel_wire,
    kernel_unwire,
    nofault,
    lock_future,
    map_device,
    kernel_memory,
    limit_resident,
    swapoff,
    stand_in,
    table,
};

// Per mille.
constexpr Weighted<Kind> kKinds[] = {
    {Kind::access, 506},       {Kind::mmap, 72},         {Kind::fork, 24},      {Kind::pageout, 40},
    {Kind::munmap, 16},        {Kind::mprotect, 24},     {Kind::minherit, 26},  {Kind::madvise, 32},
    {Kind::msync, 10},         {Kind::mlock, 10},        {Kind::munlock, 9},    {Kind::ftruncate, 14},
    {Kind::file_read, 12},     {Kind::file_write, 14},   {Kind::exit, 10},      {Kind::switch_cpu, 20},
    {Kind::threads, 6},        {Kind::mremap, 14},       {Kind::spawn, 4},      {Kind::create_file, 6},
    {Kind::exec, 2},           {Kind::debug, 18},        {Kind::kernel_get, 4}, {Kind::kernel_put, 4},
    {Kind::kernel_wire, 6},    {Kind::kernel_unwire, 6}, {Kind::stand_in, 25},  {Kind::nofault, 8},
    {Kind::lock_future, 5},    {Kind::swapoff, 2},       {Kind::map_device, 7}, {Kind::kernel_memory, 12},
    {Kind::limit_resident, 2}, {Kind::table, 30},
};

// While the kernel holds a page for reading.
constexpr std::uint32_t kAroundHeldPercent = 12;

class Drawing {
  public:
    Drawing(Choices& choices, const model::System& model, const Config& config)
        : choices_(choices),
          model_(model),
          config_(config),
          places_(choices, model, config),
          kernel_(choices, model, places_),
          tables_(choices, model, places_),
          mappings_(choices, model, config, places_) {}

    Operation operation();

  private:
    bool room_for_process() const { return model_.processes().size() < most_processes(config_); }
    Kind fitting(Kind kind, Pid pid);
    Kind fitting_holds(Kind kind);
    Operation memory_operation(Kind kind, Pid pid);
    Operation file_operation(Kind kind, Pid pid);
    Operation process_operation(Kind kind, Pid pid);
    Operation kernel_operation(Kind kind, Pid pid);

    Access access(Pid pid);
    Ftruncate cut_or_extend(const model::MappingView& locked);
    std::uint32_t new_size();
    std::uint32_t transfer_length();

    template <typename Op>
    Op on_range(Pid pid) {
        return on<Op>(pid, places_.range(pid));
    }
    template <typename Op>
    static Op on(Pid pid, const AddressRange& range) {
        Op op{};
        op.pid = pid;
        op.addr = range.addr;
        op.length = range.length;
        return op;
    }

    Choices& choices_;
    const model::System& model_;
    const Config& config_;
    Places places_;
    KernelDrawing kernel_;
    TableDrawing tables_;
    MappingDrawing mappings_;
};

// What is drawn instead where the state is at one of the bounds, or has nothing to work on.
Kind Drawing::fitting(Kind kind, Pid pid) {
    const std::size_t mappings = model_.mapping_count(pid);
    switch (kind) {
        case Kind::fork:
        case Kind::spawn:
            if (!room_for_process()) {
                return model_.processes().size() > 1 && choices_.chance(35) ? Kind::exit : Kind::access;
            }
            return kind;
        case Kind::exit:
            // The last process takes everything along.
            return model_.processes().size() == 1 && !choices_.chance(20) ? Kind::mmap : kind;
        case Kind::mmap:
            // Who locks all that he maps leaves nothing to page out: not for long.
            if (model_.locks_future(pid) && choices_.chance(25)) {
                return Kind::lock_future;
            }
            [[fallthrough]];
        case Kind::mprotect:
        case Kind::minherit:
        case Kind::mlock:
        case Kind::mremap:
        case Kind::map_device:
        case Kind::kernel_wire:
            if (mappings >= kManyMappings) {
                return Kind::munmap;
            }
            return mappings == 0 && kind != Kind::map_device ? Kind::mmap : kind;
        case Kind::munlock:
            return mappings != 0 && !places_.any_locked(pid) && !choices_.chance(15) ? Kind::mlock : kind;
        case Kind::kernel_unwire:
            return mappings != 0 && !kernel_.any_wired(pid) && !choices_.chance(15) ? Kind::kernel_wire : kind;
        case Kind::access:
            return mappings == 0 && !choices_.chance(15) ? Kind::mmap : kind;
        default:
            return kind;
    }
}

// Pages that the kernel holds for writing do not move, so that what it stores has a place in the model.
Kind Drawing::fitting_holds(Kind kind) {
    const std::uint32_t used = kernel_.slots_used();
    if (kind == Kind::kernel_get || kind == Kind::kernel_put) {
        return used == 0 ? Kind::kernel_get : used == kHoldSlots ? Kind::kernel_put : kind;
    }
    const bool stays = kind == Kind::access || kind == Kind::debug || kind == Kind::nofault ||
                       kind == Kind::kernel_memory || kind == Kind::limit_resident || kind == Kind::msync ||
                       kind == Kind::pageout || kind == Kind::threads || kind == Kind::switch_cpu;
    return stays || !kernel_.held_for_writing() ? kind : Kind::kernel_put;
}

Operation Drawing::operation() {
    const auto drawn = choices_.pick<Kind>(kKinds);
    if (model_.processes().empty()) {
        return Spawn{1};
    }
    if (model_.keeps_next_back()) {
        return kept_operation(choices_, places_);
    }
    const bool holds = drawn == Kind::kernel_get || drawn == Kind::kernel_put;
    if (const Operation* const kept = model_.kept_back(); kept != nullptr && (choices_.chance(85) || holds)) {
        return operation_beside(*kept, choices_, places_);
    }
    if (kernel_.slots_used() != 0 && !kernel_.held_for_writing() && choices_.chance(kAroundHeldPercent)) {
        return kernel_.around_held(room_for_process());
    }
    const Pid pid = places_.process();
    const Kind kind = fitting_holds(fitting(drawn, pid));
    switch (kind) {
        case Kind::access:
            return access(pid);
        case Kind::ftruncate:
        case Kind::file_read:
        case Kind::file_write:
        case Kind::create_file:
            return file_operation(kind, pid);
        case Kind::fork:
        case Kind::exit:
        case Kind::exec:
        case Kind::spawn:
        case Kind::threads:
        case Kind::switch_cpu:
        case Kind::pageout:
            return process_operation(kind, pid);
        case Kind::debug:
        case Kind::kernel_get:
        case Kind::kernel_put:
        case Kind::kernel_wire:
        case Kind::kernel_unwire:
        case Kind::nofault:
        case Kind::lock_future:
        case Kind::map_device:
        case Kind::kernel_memory:
        case Kind::limit_resident:
        case Kind::swapoff:
            return kernel_operation(kind, pid);
        case Kind::table: {
            const auto of_table = tables_.operation(pid);
            return of_table ? *of_table : access(pid);
        }
        case Kind::stand_in:
            return stand_in(pid, choices_, places_);
        default:
            return memory_operation(kind, pid);
    }
}

// --- accesses --------------------------------------------------------------------------------------------------------

Access Drawing::access(Pid pid) {
    struct Form {
        AccessKind kind;
        std::uint8_t size;
    };
    const auto form = choices_.pick<Form>({{{AccessKind::store, 4}, 32},
                                           {{AccessKind::load, 4}, 26},
                                           {{AccessKind::store, 1}, 10},
                                           {{AccessKind::store, 2}, 7},
                                           {{AccessKind::load, 1}, 8},
                                           {{AccessKind::load, 2}, 6},
                                           {{AccessKind::fetch, 4}, 6},
                                           {{AccessKind::fetch, 1}, 3},
                                           {{AccessKind::fetch, 2}, 2}});
    const Prot needed = form.kind == AccessKind::store ? kProtWrite : kProtRead;
    Access op{.pid = pid, .kind = form.kind, .addr = places_.access(pid, form.size, needed), .size = form.size};
    op.kernel = form.kind != AccessKind::fetch && choices_.chance(4);
    if (form.kind == AccessKind::store) {
        op.value = choices_.word();
    }
    return op;
}

Operation Drawing::memory_operation(Kind kind, Pid pid) {
    switch (kind) {
        case Kind::munmap: {
            if (model_.mapping_count(pid) >= kManyMappings || choices_.chance(30)) {
                const AddressRange range = places_.adjoining(pid);
                return Munmap{pid, range.addr, range.length};
            }
            return on_range<Munmap>(pid);
        }
        case Kind::mremap:
            return mappings_.mremap(pid);
        case Kind::mprotect: {
            auto op = on_range<Mprotect>(pid);
            op.prot = mappings_.prot();
            return op;
        }
        case Kind::minherit: {
            auto op = on_range<Minherit>(pid);
            op.inherit = choices_.pick<Inherit>({{Inherit::share, 62}, {Inherit::copy, 28}, {Inherit::none, 10}});
            return op;
        }
        case Kind::madvise: {
            auto op = on_range<Madvise>(pid);
            op.advice = choices_.pick<Advice>({{Advice::free, 40},
                                               {Advice::dontneed, 33},
                                               {Advice::willneed, 10},
                                               {Advice::nosync, 4},
                                               {Advice::autosync, 2},
                                               {Advice::normal, 1},
                                               {Advice::random, 5},
                                               {Advice::sequential, 5}});
            return op;
        }
        case Kind::msync: {
            auto op = on_range<Msync>(pid);
            op.invalidate = choices_.chance(50);
            return op;
        }
        case Kind::mlock:
            return on_range<Mlock>(pid);
        case Kind::munlock:
            return on<Munlock>(pid, places_.locked_range(pid));
        default:
            return mappings_.mmap(pid);
    }
}

// --- files -----------------------------------------------------------------------------------------------------------

// Mostly with an end inside a page.
std::uint32_t Drawing::new_size() {
    const std::uint32_t whole = choices_.below(kMostFilePages) << kPageShift;
    return whole + choices_.pick<std::uint32_t>({{0, 25}, {1, 10}, {kPageMask, 10}, {choices_.below(kPageSize), 55}});
}

std::uint32_t Drawing::transfer_length() {
    return choices_.pick<std::uint32_t>({{choices_.below(64), 40},
                                         {choices_.below(kPageSize), 30},
                                         {kPageSize, 10},
                                         {choices_.below(4 * kPageSize), 20}});
}

// A locked page stays where it is when its file ends before it, without contents: they are read when the file reaches
// it again (catalogue D-4).
Ftruncate Drawing::cut_or_extend(const model::MappingView& locked) {
    const std::uint32_t start = locked.file_page << kPageShift;
    const std::uint32_t size = model_.file_size(locked.file);
    const std::uint32_t pages = std::min(locked.pages, kMostFilePages);
    return {locked.file, size > start ? start : start + (pages << kPageShift)};
}

Operation Drawing::file_operation(Kind kind, Pid pid) {
    if (kind == Kind::ftruncate && choices_.chance(50)) {
        if (const auto locked = places_.locked_file()) {
            return cut_or_extend(locked->mapping);
        }
    }
    const FileId file = kind == Kind::create_file ? 0 : places_.file();
    if (file == 0) {
        const std::vector<FileId> files = model_.files();
        FileId unused = 1;
        while (std::ranges::binary_search(files, unused)) {
            ++unused;
        }
        if (unused <= kMostFiles) {
            return CreateFile{unused, new_size(), {}};
        }
        return Ftruncate{files[choices_.below(static_cast<std::uint32_t>(files.size()))], new_size()};
    }
    const std::uint32_t size = model_.file_size(file);
    if (kind == Kind::ftruncate || size > (kMostFilePages + 8) * kPageSize) {
        return Ftruncate{file, choices_.chance(60) ? places_.position(size) : new_size()};
    }
    std::uint32_t offset = places_.position(size);
    const std::uint32_t length = transfer_length();
    const Va buffer = places_.access(pid, 4, kind == Kind::file_read ? kProtWrite : kProtRead);
    if (kind == Kind::file_read) {
        return FileRead{pid, file, offset, length, buffer};
    }
    if (choices_.chance(1)) {
        offset = kMaxFileSize - length + 1;  // one byte too far
    }
    return FileWrite{pid, file, offset, length, buffer};
}

// --- processes and the machine ---------------------------------------------------------------------------------------

Operation Drawing::process_operation(Kind kind, Pid pid) {
    switch (kind) {
        case Kind::fork:
            return Fork{pid, places_.unused_pid()};
        case Kind::exit:
            return Exit{pid};
        case Kind::exec:
            return Exec{pid};
        case Kind::spawn:
            return Spawn{places_.unused_pid()};
        case Kind::threads:
            return Threads{pid, choices_.between(1, std::min(config_.cpus + 1, 8U))};
        case Kind::switch_cpu:
            return Switch{choices_.below(config_.cpus), choices_.chance(15) ? 0 : pid};
        default:
            return Pageout{choices_.chance(35) ? choices_.between(9, 64) : choices_.between(1, 8)};
    }
}

Operation Drawing::kernel_operation(Kind kind, Pid pid) {
    switch (kind) {
        case Kind::debug:
            return kernel_.debug(pid);
        case Kind::kernel_get:
            return kernel_.get(pid);
        case Kind::kernel_put:
            return kernel_.put();
        case Kind::kernel_wire:
            return kernel_.wire(pid);
        case Kind::nofault:
            return kernel_.nofault(pid);
        case Kind::lock_future:
            return kernel_.lock_future(pid);
        case Kind::map_device:
            return kernel_.map_device(pid, mappings_.prot());
        case Kind::kernel_memory:
            return kernel_.kernel_memory();
        case Kind::limit_resident:
            return kernel_.limit_resident(pid);
        case Kind::swapoff:
            return Swapoff{};
        default:
            return kernel_.unwire(pid);
    }
}

}  // namespace

std::uint32_t most_processes(const Config& config) {
    return std::clamp(config.frames / 24, 1U, 8U);
}

Operation draw(Choices& choices, const model::System& model, const Config& config) {
    return Drawing(choices, model, config).operation();
}

}  // namespace vmref::props
