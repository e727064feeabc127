#include "props/shrink_changes.h"

#include <algorithm>
#include <array>
#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "props/machine/simpler.h"

namespace vmref::props {

namespace {

constexpr std::size_t kFewScans = 3;
constexpr std::size_t kManyScans = 24;  // too many stretches

// --- scans -----------------------------------------------------------------------------------------------------------

struct Place {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const Place&) const = default;
};

bool is_scan(const Operation& operation) {
    return std::holds_alternative<Pageout>(operation);
}

void add_place(std::vector<Place>& places, const Place& place) {
    if (std::find(places.begin(), places.end(), place) == places.end()) {
        places.push_back(place);
    }
}

// Where pages may be that the operations touch at some time: the mappings around the accesses.
std::vector<Place> touched_places(const Operations& operations) {
    std::vector<std::pair<Va, std::uint32_t>> mapped;
    std::vector<Place> places;
    for (const Operation& operation : operations) {
        if (const auto* const mmap = std::get_if<Mmap>(&operation)) {
            mapped.emplace_back(mmap->addr, round_page(mmap->length));
        } else if (const auto* const mremap = std::get_if<Mremap>(&operation)) {
            mapped.emplace_back(mremap->new_addr, round_page(mremap->new_length));
        } else if (const auto* const access = std::get_if<Access>(&operation)) {
            add_place(places, {access->pid, access->addr & ~kPageMask, kPageSize});
            for (const auto& [start, length] : mapped) {
                if (access->addr >= start && access->addr - start < length) {
                    add_place(places, {access->pid, start, length});
                }
            }
        }
    }
    return places;
}

// The scans from `first` to `last` become advice and `scans` scans where `at` is.
Operations advised(const Operations& operations, std::size_t first, std::size_t last, std::size_t at,
                   const Place& place, unsigned scans) {
    Operations changed;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (i < first || i > last || !is_scan(operations[i])) {
            changed.push_back(operations[i]);
        }
        if (i == at) {
            changed.push_back(Madvise{place.pid, place.addr, place.length, Advice::dontneed});
            changed.insert(changed.end(), scans, Pageout{kManyPages});
        }
    }
    return changed;
}

// --- processes -------------------------------------------------------------------------------------------------------

// Calls `see` with every process that the operation names.
template <typename See>
void for_each_process(Operation& operation, See see) {
    std::visit(
        [&see](auto& op) {
            if constexpr (requires { op.pid; }) {
                if (op.pid != 0) {
                    see(op.pid);
                }
                if constexpr (requires { op.target; }) {
                    if (op.target != 0) {
                        see(op.target);
                    }
                }
            } else if constexpr (requires { op.parent; }) {
                see(op.parent);
                see(op.child);
            }
        },
        operation);
}

std::vector<Pid> processes_of(Operations operations) {
    std::vector<Pid> pids;
    for (Operation& operation : operations) {
        for_each_process(operation, [&pids](Pid pid) {
            if (std::find(pids.begin(), pids.end(), pid) == pids.end()) {
                pids.push_back(pid);
            }
        });
    }
    return pids;
}

Operations without_child(Operations operations, std::size_t at, const Fork fork) {
    operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(at));
    for (std::size_t i = at; i < operations.size(); ++i) {
        for_each_process(operations[i], [&fork](Pid& pid) { pid = pid == fork.child ? fork.parent : pid; });
    }
    return operations;
}

// What is done to the file created at `at` is done to the one created at `other`, which is as long as the longer one.
Operations with_file_of(Operations operations, std::size_t at, const CreateFile& create, std::size_t other) {
    CreateFile& kept = std::get<CreateFile>(operations[other]);
    kept.size = std::max(kept.size, create.size);
    const FileId file = kept.file;
    operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(at));
    for (Operation& operation : operations) {
        std::visit(
            [&](auto& op) {
                if constexpr (requires { op.file; }) {
                    op.file = op.file == create.file ? file : op.file;
                }
            },
            operation);
    }
    return operations;
}

Operations created_with_size(Operations operations, std::size_t at, const Ftruncate truncate) {
    for (std::size_t i = 0; i < at; ++i) {
        CreateFile* const create = std::get_if<CreateFile>(&operations[i]);
        if (create != nullptr && create->file == truncate.file) {
            create->size = truncate.size;
        }
    }
    operations.erase(operations.begin() + static_cast<std::ptrdiff_t>(at));
    return operations;
}

// --- configurations --------------------------------------------------------------------------------------------------

constexpr std::array kFrames{32U, 40U, 48U, 56U, 64U, 80U, 96U, 128U, 192U, 256U, 512U, 1024U, 4096U};

bool is_size(const ConfigKey& key) {
    return key.field == &Config::frames || key.field == &Config::cpus || key.field == &Config::tlb_entries;
}

}  // namespace

Operations renumber_processes(Operations operations) {
    std::map<Pid, Pid> numbers;
    for (Operation& operation : operations) {
        for_each_process(operation, [&numbers](Pid& pid) {
            pid = numbers.emplace(pid, static_cast<Pid>(numbers.size() + 1)).first->second;
        });
    }
    return operations;
}

std::vector<Operations> with_advice_for_scans(const Operations& operations) {
    std::vector<std::size_t> scans;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (is_scan(operations[i])) {
            scans.push_back(i);
        }
    }
    std::vector<Operations> candidates;
    if (scans.size() > kManyScans) {
        return candidates;
    }
    const std::vector<Place> places = touched_places(operations);
    for (std::size_t count = scans.size(); count >= kFewScans; --count) {
        for (std::size_t n = 0; n + count <= scans.size(); ++n) {
            const std::size_t first = scans[n];
            const std::size_t last = scans[n + count - 1];
            for (const Place& place : places) {
                candidates.push_back(advised(operations, first, last, last, place, 1));
                candidates.push_back(advised(operations, first, last, first, place, 1));
                if (count > kFewScans) {
                    candidates.push_back(advised(operations, first, last, last, place, 2));
                    candidates.push_back(advised(operations, first, last, first, place, 2));
                }
            }
        }
    }
    return candidates;
}

std::vector<Burst> with_memory_burst(const Operations& operations) {
    constexpr Va unused_place = 0x60000000U;
    constexpr FileId unused_file = 1000;
    Config config;
    config.frames = 256;
    config.free_reserved = 2;
    config.free_severe = 3;
    config.free_min = 4;
    config.free_target = 5;
    // Every fault on its own, at once with the locks that it needs in the end.
    config.prefault_pages = 0;
    config.shared_fault = 0;
    const std::uint32_t length = (config.frames + config.frames / 4) << kPageShift;
    std::vector<Burst> candidates;
    const std::vector<Pid> pids = processes_of(operations);
    for (std::size_t at = operations.size(); at-- > 1;) {
        for (const Pid pid : pids) {
            const Operations burst{
                CreateFile{unused_file, length, ""},
                Mmap{.pid = pid, .addr = unused_place, .length = length, .prot = kProtRead | kProtWrite, .fixed = true},
                FileRead{pid, unused_file, 0, length, unused_place}, Munmap{pid, unused_place, length}};
            Operations candidate = operations;
            candidate.insert(candidate.begin() + static_cast<std::ptrdiff_t>(at), burst.begin(), burst.end());
            candidates.push_back({std::move(candidate), config});
        }
    }
    return candidates;
}

std::vector<Operations> with_advice_and_scan(const Operations& operations) {
    const std::vector<Place> places = touched_places(operations);
    std::vector<Operations> candidates;
    for (std::size_t at = 0; at + 1 < operations.size(); ++at) {
        for (const Place& place : places) {
            // No scan lies in this stretch of one, so that all operations stay.
            if (!is_scan(operations[at])) {
                candidates.push_back(advised(operations, at, at, at, place, 1));
            }
        }
    }
    return candidates;
}

std::vector<Operations> with_fewer_actors(const Operations& operations) {
    std::vector<Operations> candidates;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (const auto* const fork = std::get_if<Fork>(&operations[i])) {
            candidates.push_back(without_child(operations, i, *fork));
        } else if (const auto* const truncate = std::get_if<Ftruncate>(&operations[i])) {
            candidates.push_back(created_with_size(operations, i, *truncate));
        } else if (const auto* const create = std::get_if<CreateFile>(&operations[i])) {
            for (std::size_t other = 0; other < operations.size(); ++other) {
                if (other != i && std::holds_alternative<CreateFile>(operations[other])) {
                    candidates.push_back(with_file_of(operations, i, *create, other));
                }
            }
        }
    }
    return candidates;
}

std::vector<Operations> with_one_less(const Operations& operations) {
    std::vector<Operations> candidates = with_fewer_actors(operations);
    for (std::size_t i = operations.size(); i-- > 0;) {
        candidates.push_back(operations);
        candidates.back().erase(candidates.back().begin() + static_cast<std::ptrdiff_t>(i));
    }
    return candidates;
}

std::vector<Operations> with_later_fork(const Operations& operations) {
    std::vector<Operations> candidates;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        if (!std::holds_alternative<Fork>(operations[i])) {
            continue;
        }
        Operations candidate = operations;
        for (std::size_t at = i + 1; at < operations.size(); ++at) {
            std::swap(candidate[at - 1], candidate[at]);
            candidates.push_back(candidate);
        }
    }
    return candidates;
}

std::vector<Operations> with_early_exit(const Operations& operations) {
    std::vector<Operations> candidates;
    const std::vector<Pid> pids = processes_of(operations);
    // Always fewer operations, or an end where there was none: or two ends could replace one another for ever.
    const bool ends = !operations.empty() && std::holds_alternative<Exit>(operations.back());
    for (std::size_t count = 1; count + (ends ? 2 : 1) <= operations.size(); ++count) {
        for (const Pid pid : pids) {
            Operations candidate(operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(count));
            candidate.push_back(Exit{pid});
            candidates.push_back(std::move(candidate));
        }
    }
    return candidates;
}

Config with_large_reserve(Config config) {
    config.free_target = config.frames - 8;
    config.free_reserved = config.free_severe = config.free_min = config.free_target;
    return config;
}

std::vector<Config> simpler_configs(const Config& config) {
    std::vector<Config> candidates;
    const auto add = [&](std::uint32_t Config::*field, std::uint32_t value) {
        Config changed = config;
        changed.*field = value;
        if (changed != config && config_problem(changed).empty()) {
            candidates.push_back(changed);
        }
    };
    for (const ConfigKey& key : config_keys()) {
        if (!is_size(key)) {
            add(key.field, Config{}.*key.field);
        }
    }
    for (std::uint32_t cpus = 1; cpus < config.cpus; ++cpus) {
        add(&Config::cpus, cpus);
    }
    for (std::uint32_t entries = 1; entries < config.tlb_entries; entries *= 2) {
        add(&Config::tlb_entries, entries);
    }
    for (const std::uint32_t frames : kFrames) {
        if (frames < config.frames) {
            add(&Config::frames, frames);
        }
    }
    return candidates;
}

}  // namespace vmref::props
