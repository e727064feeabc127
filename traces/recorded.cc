#include "traces/recorded.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "ops/codec_forms.h"
#include "ops/synthetic.h"
#include "traces/bounded_json.h"
#include "traces/mapped_ranges.h"
#include "traces/recorded_row.h"
#include "traces/text_file.h"

namespace vmref {

namespace {

constexpr std::uint32_t kMaxThreads = 8;

// The numbers of the recording machine.
constexpr std::uint32_t kMsInvalidate = 2;
constexpr std::uint32_t kMremapDontUnmap = 4;

struct Process {
    MappedRanges ranges;
    std::uint32_t threads = 1;
};

class Recording {
  public:
    Recording(TextFile& file, const Config& config) : file_(file) {
        trace_.config = config;
        trace_.recorded = true;
        trace_.note = "recorded: " + std::filesystem::path(file.path()).filename().string();
    }

    Trace read() {
        std::string line;
        bool any = false;
        while (file_.read_line(line, kMaxRecordedLine)) {
            take(RecordedRow(file_, line));
            any = true;
        }
        if (!any) {
            file_.fail_here("expected a row, found nothing");
        }
        return std::move(trace_);
    }

  private:
    using Handler = void (Recording::*)(const RecordedRow&);
    static const std::map<std::string_view, Handler>& handlers();

    void take(const RecordedRow& row) {
        const auto handler = handlers().find(row.op());
        if (handler == handlers().end()) {
            file_.fail_here("row.op: expected the name of a recorded operation, found " + codec::excerpt(row.op()));
        }
        if (row.has("err")) {
            return;
        }
        const Pid subject = row.has("pid") ? row.number("pid", 1) : 0;
        const std::size_t before = mappings(subject);
        (this->*handler->second)(row);
        mappings_ += mappings(subject) - before;
        if (mappings_ > kMaxRecordedMappings) {
            file_.fail_here("expected at most " + std::to_string(kMaxRecordedMappings) + " mappings at a time");
        }
    }

    std::size_t mappings(Pid pid) const {
        const auto process = processes_.find(pid);
        return process == processes_.end() ? 0 : process->second.ranges.size();
    }

    void emit(Operation operation) {
        if (trace_.steps.size() == kMaxTraceOperations) {
            file_.fail_here("expected a recording of at most " + std::to_string(kMaxTraceOperations) + " operations");
        }
        trace_.steps.push_back({std::move(operation), std::nullopt, file_.line()});
    }

    Pid new_pid(const RecordedRow& row, const char* name) const {
        const Pid pid = row.number(name, 1);
        if (processes_.contains(pid)) {
            row.fail(name, "a process that does not exist yet");
        }
        return pid;
    }

    std::pair<const Pid, Process>& process(const RecordedRow& row) {
        const auto process = processes_.find(row.number("pid", 1));
        if (process == processes_.end()) {
            row.fail("pid", "a process that exists");
        }
        return *process;
    }

    FileId known_file(const RecordedRow& row) const {
        const FileId file = row.number("file", 1);
        if (!files_.contains(file)) {
            row.fail("file", "a file named by a row before");
        }
        return file;
    }

    void spawn(const RecordedRow& row) {
        const Pid pid = new_pid(row, "pid");
        row.text("exe");
        processes_.emplace(pid, Process{MappedRanges(trace_.config.stack_grow)});
        emit(Spawn{pid});
    }

    void exec(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        row.text("exe");
        process = Process{MappedRanges(trace_.config.stack_grow)};
        emit(Exec{pid});
    }

    void exit(const RecordedRow& row) {
        const Pid pid = process(row).first;
        processes_.erase(pid);
        emit(Exit{pid});
    }

    void fork(const RecordedRow& row) {
        const auto& [pid, parent] = process(row);
        const Pid child = new_pid(row, "child");
        row.optional_number("vfork", 0, 1);
        Process copy{parent.ranges};
        copy.ranges.unlock_all();
        mappings_ += copy.ranges.size();
        processes_.emplace(child, std::move(copy));
        emit(Fork{pid, child});
    }

    void file(const RecordedRow& row) {
        const FileId id = row.number("id", 1);
        if (!files_.insert(id).second) {
            row.fail("id", "a file that has no row yet");
        }
        emit(CreateFile{id, row.number("size", 0, kMaxFileSize), row.text("path")});
    }

    void ftruncate(const RecordedRow& row) {
        process(row);
        const FileId file = known_file(row);
        emit(Ftruncate{file, row.number("size", 0, kMaxFileSize)});
    }

    void mmap(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        const VaRange range = row.pages("addr", "len", RecordedRow::kNotEmpty);
        const MapFlags flags = row.map_flags();
        Mmap map{pid, range.start, range.length(), row.prot()};
        map.shared = flags.shared;
        map.fixed = true;
        map.stack = flags.stack;
        if (!flags.anonymous) {
            map.file = known_file(row);
            map.offset = row.optional_number("off", 0, kMaxFileSize).value_or(0);
            if ((map.offset & kPageMask) != 0) {
                row.fail("off", "a multiple of the page size");
            }
        } else if (row.has("file")) {
            row.fail("file", "no file for an anonymous mapping");
        }
        flags.stack ? process.ranges.map_stack(range) : process.ranges.map(range);
        emit(map);
    }

    void munmap(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        for (const VaRange& run : process.ranges.mapped(row.pages("addr", "len", RecordedRow::kNotEmpty))) {
            process.ranges.unmap(run);
            emit(Munmap{pid, run.start, run.length()});
        }
    }

    void mremap(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        const VaRange from = row.pages("addr", "len", RecordedRow::kNotEmpty);
        const VaRange to = row.pages("ret", "newlen", RecordedRow::kNotEmpty);
        const std::uint32_t flags = row.number("flags");
        if (from.start != to.start && from.start < to.end && to.start < from.end) {
            row.fail("ret", "the same address or a range apart from the old one");
        }
        if (!process.ranges.covers(from)) {
            row.fail("addr", "a range that is mapped");
        }
        process.ranges.move(from, to);
        emit(Mremap{pid, from.start, from.length(), to.start, to.length()});
        if ((flags & kMremapDontUnmap) != 0 && from.start != to.start) {
            process.ranges.map(from);
            Mmap left{pid, from.start, from.length(), kProtAll};
            left.fixed = true;
            emit(left);
        }
    }

    void mprotect(const RecordedRow& row) {
        const Pid pid = process(row).first;
        const VaRange range = row.pages("addr", "len");
        const Prot prot = row.prot();
        if (!range.empty()) {
            emit(Mprotect{pid, range.start, range.length(), prot});
        }
    }

    void madvise(const RecordedRow& row) {
        constexpr std::array<std::pair<std::uint32_t, Advice>, 6> known{{{0, Advice::normal},
                                                                         {1, Advice::random},
                                                                         {2, Advice::sequential},
                                                                         {3, Advice::willneed},
                                                                         {4, Advice::dontneed},
                                                                         {8, Advice::free}}};
        const Pid pid = process(row).first;
        const VaRange range = row.pages("addr", "len");
        const std::uint32_t arg = row.number("arg");
        const auto* const advice =
            std::find_if(known.begin(), known.end(), [&](const auto& entry) { return entry.first == arg; });
        if (advice != known.end() && !range.empty()) {
            emit(Madvise{pid, range.start, range.length(), advice->second});
        }
    }

    void msync(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        const bool invalidate = (row.number("arg") & kMsInvalidate) != 0;
        for (const VaRange& run : process.ranges.mapped(row.pages("addr", "len"))) {
            emit(Msync{pid, run.start, run.length(), invalidate});
        }
    }

    void mlock(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        row.optional_number("arg");
        for (const VaRange& run : process.ranges.mapped(row.pages("addr", "len", RecordedRow::kAnyStart))) {
            process.ranges.set_locked(run, true);
            emit(Mlock{pid, run.start, run.length()});
        }
    }

    void munlock(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        row.optional_number("arg");
        for (const VaRange& run : process.ranges.locked(row.pages("addr", "len", RecordedRow::kAnyStart))) {
            process.ranges.set_locked(run, false);
            emit(Munlock{pid, run.start, run.length()});
        }
    }

    void touch(const RecordedRow& row) {
        auto& [pid, process] = this->process(row);
        const AccessKind kind = row.access_kind();
        const Va page = trunc_page(row.number("addr", 0, kUserEnd - 1));
        const bool kernel = row.optional_number("k", 0, 1).value_or(0) == 1;
        // 13 words further each time: the places inside a page differ, and no access leaves its page.
        const Va addr = page + (static_cast<std::uint32_t>(touches_ * 52) & (kPageMask & ~3U));
        const std::uint32_t value = kind == AccessKind::store ? synthetic_store(touches_) : 0;
        ++touches_;
        process.ranges.touch(page);
        emit(Access{pid, kind, addr, 4, value, kernel});
    }

    void thread(const RecordedRow& row) { set_threads(row, process(row).second.threads + 1); }

    void thread_exit(const RecordedRow& row) {
        // Threads that an exec ended may still be reported, and so may the last one of a process.
        set_threads(row, std::max(process(row).second.threads, 2U) - 1);
    }

    void set_threads(const RecordedRow& row, std::uint32_t count) {
        auto& [pid, process] = this->process(row);
        const std::uint32_t before = std::min(std::exchange(process.threads, count), kMaxThreads);
        if (std::min(count, kMaxThreads) != before) {
            emit(Threads{pid, std::min(count, kMaxThreads)});
        }
    }

    void epoch(const RecordedRow& row) { process(row); }

    TextFile& file_;
    Trace trace_;
    std::map<Pid, Process> processes_;
    std::set<FileId> files_;
    std::size_t mappings_ = 0;  // over all processes
    std::uint64_t touches_ = 0;
};

const std::map<std::string_view, Recording::Handler>& Recording::handlers() {
    static const std::map<std::string_view, Handler> kHandlers{
        {"spawn", &Recording::spawn},
        {"exec", &Recording::exec},
        {"exit", &Recording::exit},
        {"fork", &Recording::fork},
        {"file", &Recording::file},
        {"ftruncate", &Recording::ftruncate},
        {"mmap", &Recording::mmap},
        {"munmap", &Recording::munmap},
        {"mremap", &Recording::mremap},
        {"mprotect", &Recording::mprotect},
        {"madvise", &Recording::madvise},
        {"msync", &Recording::msync},
        {"mlock", &Recording::mlock},
        {"munlock", &Recording::munlock},
        {"touch", &Recording::touch},
        {"thread", &Recording::thread},
        {"thread_exit", &Recording::thread_exit},
        {"epoch", &Recording::epoch},
    };
    return kHandlers;
}

// Whether the first line of `file` is a row. What is longer than a row may be is none.
bool starts_with_row(TextFile& file) {
    const std::string_view text = file.peek();
    const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')), nullptr, false);
    return first.is_object() && first.contains("op");
}

}  // namespace

Trace read_recorded(const std::string& path, const Config& config) {
    TextFile file(path, kMaxRecordedBytes);
    return Recording(file, config).read();
}

Trace read_any(const std::string& path, const Config& recorded_config) {
    if (path.ends_with(".jsonl") || path.ends_with(".jsonl.gz")) {
        return read_recorded(path, recorded_config);
    }
    TextFile file(path, kMaxRecordedBytes);
    return starts_with_row(file) ? Recording(file, recorded_config).read() : read_trace(file);
}

}  // namespace vmref
