// What the tests of the VM share: objects without maps, processes without a generator, and short names for both.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "impl/defects/assertion_test.h"
#include "impl/system.h"
#include "impl/vm/fault.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pageout.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"
#include "ops/synthetic.h"

namespace vmref::impl {

inline constexpr Prot kRead = kProtRead;
inline constexpr Prot kReadWrite = kProtRead | kProtWrite;
inline constexpr Va kBase = 0x08000000;

// Small, without prefault and shared holds: a test that is about either switches it on.
inline Config vm_config() {
    Config config;
    config.frames = 256;
    config.tlb_entries = 16;
    config.swap_slots = 64;
    config.prefault_pages = 0;
    config.shared_fault = 0;
    return config;
}

// An object's pages, reached directly. Contents are told by their first byte.
class ObjectActions {
  public:
    explicit ObjectActions(Kernel& kernel) : k(kernel) {}

    Object& anon(PageIndex pages) { return k.objects.allocate(ObjectType::default_, pages); }
    Page* page(Object& object, PageIndex index) { return k.pages.lookup(object, index); }
    // A resident page without data: some other kernel user allocated it, its fill failed (catalogue D-6).
    Page& grab(Object& object, PageIndex index) {
        Page* const m = k.pages.alloc(object, index, AllocClass::normal);
        EXPECT_NE(m, nullptr);
        k.pages.wakeup(*m);
        return *m;
    }
    // A valid, dirty page full of `value`.
    Page& put(Object& object, PageIndex index, std::uint8_t value) {
        Page& m = grab(object, index);
        EXPECT_TRUE(k.pages.busy_try(m));
        std::fill_n(k.machine.memory().frame_for_write(m.frame), kPageSize, value);
        k.pages.set_valid_clean(m);
        k.pages.dirty(m);
        k.pages.activate(m);
        k.pages.wakeup(m);
        return m;
    }
    void wire(Page& m) {
        EXPECT_TRUE(k.pages.busy_try(m));
        k.pages.wire(m);
        k.pages.wakeup(m);
    }
    bool write_out(Page& m) {
        EXPECT_TRUE(k.pages.busy_try(m));
        const bool written = pager_put_page(k, m) == PagerResult::ok;
        k.pages.wakeup(m);
        return written;
    }
    void drop(Page& m) {
        EXPECT_TRUE(k.pages.busy_try(m));
        page_unmap_and_free(k, m);
    }
    // Only the block (or the file) holds the data afterwards.
    void swap_out(Object& object, PageIndex index) {
        Page& m = *page(object, index);
        EXPECT_TRUE(write_out(m));
        drop(m);
    }
    bool has_block(const Object& object, PageIndex index) const { return object.swap_slot(index) != kNoSwapSlot; }
    std::uint32_t blocks_used() const { return k.config.swap_slots - k.swap.free_slots(); }
    // What a reader of (object, index) sees; nothing where all is zero.
    std::optional<std::uint8_t> value(const Object& object, PageIndex index) {
        const std::uint8_t* const bytes = content_bytes(k, object_content(&object, index));
        return bytes == nullptr ? std::nullopt : std::optional(*bytes);
    }

    Kernel& k;
};

// A kernel with objects and nobody who maps them.
class ObjectTest : public testing::Test, protected ObjectActions {
  protected:
    ObjectTest() : ObjectActions(kernel_) {}
    void SetUp() override { kernel_.sched.set_inline_waiter(nullptr); }

    Config config_ = vm_config();
    Kernel kernel_{config_, DefectSet{}};
};

// Stands in for the thread that a sleeper waits for.
class Helper final : public InlineWaiter {
  public:
    explicit Helper(std::function<bool(BlockPoint)> help) : help_(std::move(help)) {}
    bool make_progress(BlockPoint point, const void* /*channel*/) override { return help_(point); }

  private:
    std::function<bool(BlockPoint)> help_;
};

constexpr Va va(PageIndex page) {
    return kBase + page * kPageSize;
}

// Processes and files. Mappings begin at page numbers from kBase on; accesses are to the first word of a page.
struct World : ObjectActions {
    explicit World(const Config& config = vm_config()) : World(std::make_unique<System>(config, DefectSet{})) {}

    Observation run(const Operation& operation) { return system->apply(operation); }
    void spawn(Pid pid) { run(Spawn{pid}); }
    void fork(Pid parent, Pid child) { EXPECT_EQ(run(Fork{parent, child}).status, Status::success); }
    void file(FileId id, PageIndex pages) { run(CreateFile{id, pages * kPageSize, ""}); }
    void resize(FileId id, PageIndex pages) { run(Ftruncate{id, pages * kPageSize}); }

    void map(Pid pid, PageIndex at, PageIndex pages, Prot prot = kReadWrite, FileId from = 0, bool shared = false) {
        const Mmap request{.pid = pid,
                           .addr = va(at),
                           .length = pages * kPageSize,
                           .prot = prot,
                           .shared = shared,
                           .fixed = true,
                           .file = from};
        EXPECT_EQ(run(request).status, Status::success);
    }
    void unmap(Pid pid, PageIndex at, PageIndex pages) {
        EXPECT_EQ(run(Munmap{pid, va(at), pages * kPageSize}).status, Status::success);
    }
    Status protect(Pid pid, PageIndex at, PageIndex pages, Prot prot) {
        return run(Mprotect{pid, va(at), pages * kPageSize, prot}).status;
    }
    void inherit(Pid pid, PageIndex at, PageIndex pages, Inherit how) {
        run(Minherit{pid, va(at), pages * kPageSize, how});
    }
    Observation advise(Pid pid, PageIndex at, PageIndex pages, Advice advice) {
        return run(Madvise{pid, va(at), pages * kPageSize, advice});
    }
    Status lock(Pid pid, PageIndex at, PageIndex pages) { return run(Mlock{pid, va(at), pages * kPageSize}).status; }
    Status unlock(Pid pid, PageIndex at, PageIndex pages) {
        return run(Munlock{pid, va(at), pages * kPageSize}).status;
    }
    Observation sync(Pid pid, PageIndex at, PageIndex pages, bool invalidate = false) {
        return run(Msync{pid, va(at), pages * kPageSize, invalidate});
    }
    Observation store(Pid pid, PageIndex at, std::uint32_t word) {
        return run(Access{pid, AccessKind::store, va(at), 4, word});
    }
    Observation load(Pid pid, PageIndex at) { return run(Access{pid, AccessKind::load, va(at), 4}); }
    std::uint32_t word(Pid pid, PageIndex at) {
        const Observation seen = load(pid, at);
        EXPECT_EQ(seen.signal, Signal::none);
        return seen.value;
    }
    void fill(Pid pid, PageIndex at, PageIndex pages, std::uint32_t first_word) {
        for (PageIndex n = 0; n < pages; ++n) {
            EXPECT_EQ(store(pid, at + n, first_word + n).signal, Signal::none);
        }
    }

    Map& map_of(Pid pid) { return system->find(pid)->map; }
    MapEntry& entry(Pid pid, PageIndex at) { return *map_entry_at(map_of(pid), va(at)); }
    Object& top(Pid pid, PageIndex at) { return *entry(pid, at).object; }
    Object& file_object(FileId id) { return *k.vnodes.at(id)->object; }
    std::uint32_t pte(Pid pid, PageIndex at) { return k.pmaps.pte(*map_of(pid).pmap, va(at)); }
    bool mapped(Pid pid, PageIndex at) { return (pte(pid, at) & kPteV) != 0; }
    bool mapped_writable(Pid pid, PageIndex at) { return mapped(pid, at) && (pte(pid, at) & kPteRW) != 0; }
    // What the PTE names; nullptr where there is none.
    Page* mapped_page(Pid pid, PageIndex at) { return k.pmaps.page_at(*map_of(pid).pmap, va(at)); }
    // How many faults ended so far, and how many attempts they needed beyond the first.
    std::uint64_t retries() const { return k.stats.fault_retries; }

    std::unique_ptr<System> system;

  private:
    explicit World(std::unique_ptr<System> owned) : ObjectActions(owned->kernel()), system(std::move(owned)) {}
};

}  // namespace vmref::impl
