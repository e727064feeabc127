#include "props/generators/enumerator.h"

#include <cstddef>

#include "props/lockstep.h"

namespace vmref::props {

namespace {

class Enumeration {
  public:
    Enumeration(const Scope& scope, const impl::DefectSet& defects, std::size_t depth)
        : scope_(scope), lockstep_(scope.config, defects, {.checkpoint_every = 0}), letters_(depth, 0) {}

    EnumerationResult run() {
        bool more = true;
        while (more && !result_.violation) {
            more = next(run_sequence());
        }
        return std::move(result_);
    }

  private:
    // Runs the letters as they are. Returns how many were not refused: if not all, the one after them was.
    std::size_t run_sequence() {
        lockstep_.reset();
        for (const Operation& operation : scope_.setup) {
            apply(operation);
        }
        for (std::size_t n = 0; n < letters_.size() && !result_.violation; ++n) {
            const Operation& operation = scope_.alphabet[letters_[n]];
            if (lockstep_.refuse(operation)) {
                ++result_.refused;
                return n;
            }
            apply(operation);
        }
        ++result_.sequences;
        if (!result_.violation) {
            result_.violation = lockstep_.checkpoint();
        }
        if (result_.violation) {
            keep_trace();
        }
        return letters_.size();
    }

    void apply(const Operation& operation) {
        if (!result_.violation) {
            ++result_.operations;
            result_.violation = lockstep_.apply(operation);
        }
    }

    void keep_trace() {
        result_.trace = scope_.setup;
        for (const std::size_t letter : letters_) {
            result_.trace.push_back(scope_.alphabet[letter]);
        }
        if (result_.violation->step < result_.trace.size()) {
            result_.trace.resize(result_.violation->step + 1);
        }
    }

    // The letters that follow in lexical order, without those that begin with the refused ones: only the first `taken`
    // letters were. False: there are none.
    bool next(std::size_t taken) {
        std::size_t at = taken < letters_.size() ? taken + 1 : taken;
        while (at > 0) {
            --at;
            if (++letters_[at] < scope_.alphabet.size()) {
                for (std::size_t n = at + 1; n < letters_.size(); ++n) {
                    letters_[n] = 0;
                }
                return true;
            }
        }
        return false;
    }

    const Scope& scope_;
    SystemLockstep lockstep_;
    std::vector<std::size_t> letters_;  // indexes into the alphabet
    EnumerationResult result_;
};

constexpr Pid kParent = 1;
constexpr Pid kChild = 2;
constexpr FileId kFile = 1;
constexpr Va kStart = 0x10000;
constexpr Va kSecond = kStart + kPageSize;
constexpr std::uint32_t kLength = 2 * kPageSize;
constexpr Prot kReadWrite = kProtRead | kProtWrite;

// No larger than two pages and two processes need, but memory does not run out.
Config scope_config() {
    Config config;
    config.frames = 64;
    config.cpus = 1;
    config.tlb_entries = 4;
    config.swap_slots = 16;
    config.free_reserved = 2;
    config.free_severe = 3;
    config.free_min = 4;
    config.free_target = 8;
    config.inactive_target = 8;
    config.prefault_pages = 1;
    return config;
}

Access load(Pid pid, Va addr) {
    return {.pid = pid, .kind = AccessKind::load, .addr = addr, .size = 4};
}

Access store(Pid pid, Va addr, std::uint32_t value) {
    return {.pid = pid, .kind = AccessKind::store, .addr = addr, .size = 4, .value = value};
}

Mmap map(Prot prot, bool shared, FileId file) {
    return {
        .pid = kParent, .addr = kStart, .length = kLength, .prot = prot, .shared = shared, .fixed = true, .file = file};
}

}  // namespace

EnumerationResult enumerate(const Scope& scope, const impl::DefectSet& defects, std::size_t depth) {
    return Enumeration(scope, defects, depth).run();
}

EnumerationResult enumerate_shortest(const Scope& scope, const impl::DefectSet& defects, std::size_t most) {
    EnumerationResult result;
    for (std::size_t depth = 1; depth <= most && !result.violation; ++depth) {
        result = enumerate(scope, defects, depth);
    }
    return result;
}

Scope anonymous_scope() {
    return {
        .config = scope_config(),
        .setup = {Spawn{kParent}},
        .alphabet = {map(kReadWrite, false, 0), map(kReadWrite, true, 0), Fork{kParent, kChild}, Exit{kParent},
                     Exit{kChild}, load(kParent, kStart), load(kChild, kStart), store(kParent, kStart, 1),
                     store(kChild, kStart, 2), store(kParent, kSecond, 3), load(kChild, kSecond),
                     Mprotect{kParent, kStart, kPageSize, kProtRead}, Mprotect{kParent, kStart, kLength, kReadWrite},
                     Madvise{kParent, kStart, kLength, Advice::free}, Pageout{8}, Munmap{kParent, kSecond, kPageSize}}};
}

Scope file_scope() {
    return {
        .config = scope_config(),
        .setup = {Spawn{kParent}, CreateFile{kFile, kPageSize + 100, {}}},
        .alphabet = {map(kReadWrite, false, kFile), map(kReadWrite, true, kFile),
                     Minherit{kParent, kStart, kLength, Inherit::share}, Fork{kParent, kChild}, Exit{kParent},
                     load(kParent, kStart), load(kChild, kStart), store(kParent, kStart, 1), store(kChild, kStart, 2),
                     load(kParent, kSecond), store(kChild, kSecond, 3), Ftruncate{kFile, 10}, Ftruncate{kFile, kLength},
                     Msync{kParent, kStart, kLength, true}, Pageout{8}}};
}

Scope inherited_scope() {
    return {.config = scope_config(),
            .setup = {Spawn{kParent}, CreateFile{kFile, kPageSize + 100, {}}},
            .alphabet = {map(kReadWrite, false, kFile), Minherit{kParent, kStart, kLength, Inherit::share},
                         Fork{kParent, kChild}, load(kChild, kStart), store(kParent, kStart, 1),
                         store(kChild, kSecond, 2), Exit{kParent}, Pageout{8}}};
}

Scope wired_scope() {
    return {.config = scope_config(),
            .setup = {Spawn{kParent}, CreateFile{kFile, kLength, {}}},
            .alphabet = {map(kReadWrite, false, kFile), map(kProtRead, false, kFile), map(kReadWrite, false, 0),
                         Mlock{kParent, kStart, kLength}, Mlock{kParent, kStart, kPageSize},
                         Munlock{kParent, kStart, kPageSize}, Mprotect{kParent, kStart, kLength, kProtRead},
                         Mprotect{kParent, kStart, kLength, kReadWrite}, Mprotect{kParent, kStart, kLength, kProtNone},
                         Fork{kParent, kChild}, Exit{kParent}, store(kParent, kStart, 1), load(kChild, kStart),
                         store(kChild, kStart, 2), Ftruncate{kFile, kPageSize}, Pageout{8}}};
}

}  // namespace vmref::props
