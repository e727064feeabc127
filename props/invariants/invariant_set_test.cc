// The set itself, what the probe sees, and contents.
#include "props/invariants/invariant_set_test.h"

#include <fstream>
#include <sstream>

#include "impl/vm/page_ops.h"
#include "ops/virtual_page_table.h"

namespace vmref::props {
namespace {

TEST_F(InvariantSetTest, SoundStateBreaksNothing) {
    populate();
    share();
    apply(Mlock{.pid = 1, .addr = kAnonymous, .length = kPageSize});
    apply(Fork{.parent = 2, .child = 3});
    store(3, kAnonymous, 31);
    apply(Mprotect{.pid = 1, .addr = kAnonymous, .length = kPageSize, .prot = kProtNone});
    for (int i = 0; i < 20; ++i) {
        apply(Pageout{.pages = 100});
    }
    load(2, kAnonymous);
    apply(Ftruncate{.file = 1, .size = kPageSize});
    apply(Exit{.pid = 2});
    apply(Munmap{.pid = 1, .addr = kPrivateFile, .length = kPageSize});
    EXPECT_EQ(found_by_changes(), "");
    EXPECT_EQ(found_by_all(), "");
    EXPECT_EQ(violated(set_), "") << message(set_);
}

TEST_F(InvariantSetTest, EveryCheckHasApplied) {
    populate();
    share();
    apply(FileWrite{.pid = 1, .file = 1, .offset = 0, .length = 4, .buffer = kAnonymous});
    write_to_swap(page(1, kAnonymous));
    apply(Madvise{.pid = 1, .addr = kFile, .length = kPageSize, .advice = Advice::dontneed});
    apply(Munmap{.pid = 1, .addr = kPrivateFile, .length = kPageSize});
    apply(Mprotect{.pid = 1, .addr = kAnonymous, .length = kPageSize, .prot = kProtNone});
    apply(Mlock{.pid = 1, .addr = kShared, .length = kPageSize});
    InvariantSet set(system_);
    store(1, kAnonymous + kPageSize, 1);
    store(2, kAnonymous, 2);
    kernel_.pmaps.remove(pmap(1), kFile, kFile + 2 * kPageSize);
    load(1, kFile);
    store(1, kShared, 3);
    apply(Msync{.pid = 1, .addr = kFile, .length = kPageSize});
    apply(KernelWire{.pid = 1, .addr = kShared, .length = kPageSize});
    // Read-only, and two pages longer than its file.
    constexpr Va kReadOnly = 0x50000;
    apply(Mmap{.pid = 1, .addr = kReadOnly, .length = 6 * kPageSize, .prot = kProtRead, .fixed = true, .file = 1});
    apply(DebugAccess{DebugCall::debug_write, 2, 1, kReadOnly, 4, 5});
    apply(Mlock{.pid = 1, .addr = kReadOnly, .length = 6 * kPageSize});
    apply(Mlock{.pid = 1, .addr = kAnonymous + kPageSize, .length = kPageSize});
    apply(Fork{.parent = 1, .child = 3});
    apply(Munlock{.pid = 1, .addr = kAnonymous + kPageSize, .length = kPageSize});
    // A page that is its own table.
    constexpr Va kTabled = 0x90000;
    apply(Mmap{.pid = 1, .addr = kTabled, .length = kPageSize, .prot = kProtAll, .fixed = true, .vpagetable = true});
    apply(Mcontrol{TableCall::set_map, 1, kTabled, kPageSize, kVpteV | kVpteRW | kVptePS});
    store(1, kTabled, kVpteV | kVpteRW);
    apply(Mcontrol{TableCall::set_map, 1, kTabled, kPageSize, kVpteV | kVpteRW});
    load(1, kTabled);
    apply(Madvise{.pid = 1, .addr = kShared, .length = kPageSize, .advice = Advice::nosync});
    kernel_.pmaps.remove(pmap(2), kShared, kShared + kPageSize);
    apply(Mprotect{.pid = 1, .addr = kShared, .length = kPageSize, .prot = kProtRead});
    apply(Mprotect{.pid = 1, .addr = kShared, .length = kPageSize, .prot = kReadWrite});
    store(1, kShared, 1);
    apply(MapDevice{1, 1, 0x60000, kPageSize, kReadWrite});
    store(1, 0x60000, 1);
    apply(NofaultAccess{NofaultCall::load_nofault, 1, kShared, 4});
    apply(KernelAlloc{kKernelMemory, 1});
    apply(DebugAccess{DebugCall::debug_read, 0, 0, kKernelMemory, 4});
    // A write that goes on, and a page that cannot be read.
    constexpr Va kUnread = 0x70000;
    apply(WriteOut{.pid = 1, .addr = kAnonymous + kPageSize, .unfinished = true});
    apply(CreateFile{.file = 9, .size = kPageSize, .path = {}});
    apply(Mmap{.pid = 1, .addr = kUnread, .length = kPageSize, .prot = kProtRead, .fixed = true, .file = 9});
    apply(PlanIo{.call = IoCall::get, .ordinal = 1, .answer = IoAnswer::error});
    apply(Access{.pid = 1, .kind = AccessKind::load, .addr = kUnread, .size = 4});
    set.check_all();
    for (const Invariant& each : set.invariants()) {
        const bool by_comparison =
            each.id <= "I-04" || each.id == "I-13" || each.id == "I-19" || each.id == "I-20" || each.id == "I-92";
        // What has no premise in sound states: I-15 (a PTE where none may be), I-11 (a page freed while seen).
        const bool rare = each.id == "I-11" || each.id == "I-15";
        EXPECT_TRUE(by_comparison || rare || each.elsewhere || each.applied > 0) << each.id;
        EXPECT_GE(each.checked, each.applied) << each.id;
    }
    EXPECT_EQ(violated(set), "") << message(set);
}

TEST_F(InvariantSetTest, MarksOfVirtualPageTables) {
    constexpr Va kTabled = 0x90000;
    populate();
    apply(Mmap{.pid = 1, .addr = kTabled, .length = kPageSize, .prot = kProtAll, .fixed = true, .vpagetable = true});
    apply(Mcontrol{TableCall::set_map, 1, kTabled, kPageSize, kVpteV | kVpteRW | kVptePS});
    store(1, kTabled, kVpteV | kVpteRW);
    apply(Mcontrol{TableCall::set_map, 1, kTabled, kPageSize, kVpteV | kVpteRW});
    const impl::MapEntry& tabled = entry(1, kTabled);
    InvariantSet unmarked(system_);
    unmarked.table_walked(tabled, 0, kProtRead, true, kProtRead);
    EXPECT_EQ(violated(unmarked), "I-95") << message(unmarked);
    load(1, kTabled);
    InvariantSet marked(system_);
    marked.table_walked(tabled, 0, kProtRead, true, kProtRead);
    EXPECT_EQ(violated(marked), "") << message(marked);
    marked.table_walked(tabled, 0, kProtRead, true, kProtRead | kProtWrite);
    EXPECT_EQ(violated(marked), "I-95") << "M is not set";
    InvariantSet forbidden(system_);
    forbidden.before_table_marked(tabled, kVpteV, false);
    EXPECT_EQ(violated(forbidden), "I-95");
}

TEST_F(InvariantSetTest, SleepersOnAPageThatIsNotBusy) {
    populate();
    page(1, kFile).set(impl::kPageWanted);
    expect_broken("I-83");
}

TEST_F(InvariantSetTest, BlockUnderWriteThatIsNotThePages) {
    populate();
    store(1, kAnonymous, 1);
    apply(WriteOut{.pid = 1, .addr = kAnonymous, .unfinished = true});
    EXPECT_EQ(violated(set_), "");
    object(1, kAnonymous).swap_slots[page(1, kAnonymous).pindex] = impl::kNoSwapSlot;
    expect_broken("I-10");
}

TEST_F(InvariantSetTest, UnreadPageThatIsMapped) {
    populate();
    kernel_.failed.push_back({1, kFile, false});
    expect_broken("I-08");
}

TEST_F(InvariantSetTest, OnlyTheFirstViolationIsKept) {
    populate();
    ++kernel_.stats.minflt;
    set_.check_all();
    ++object(1, kAnonymous).paging_in_progress;
    set_.check_all();
    ASSERT_TRUE(set_.violation());
    EXPECT_EQ(set_.violation()->rule, "I-91");
    EXPECT_EQ(invariant(set_, "I-91").violated, 2U);
    EXPECT_EQ(invariant(set_, "I-33").violated, 1U);
}

TEST_F(InvariantSetTest, DescriptionIsBuiltOnlyForViolations) {
    int described = 0;
    const auto describe = [&described] {
        ++described;
        return std::string("told");
    };
    EXPECT_TRUE(set_.evaluate(Rule::i01, true, true, describe));
    EXPECT_TRUE(set_.evaluate(Rule::i01, false, false, describe));
    EXPECT_EQ(described, 0);
    EXPECT_FALSE(set_.evaluate(Rule::i02, true, false, describe));
    EXPECT_EQ(described, 1);
    EXPECT_EQ(set_.violation()->rule, "I-02");
    EXPECT_EQ(set_.violation()->message, "told");
}

// --- what the probe sees ---------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, ZeroFillOverData) {
    populate();
    const impl::Page& unused = kernel_.pages.pages()[kernel_.config.frames];
    ASSERT_EQ(unused.valid, 0);
    set_.before_zero_fill(object(1, kAnonymous), 0, unused);
    EXPECT_EQ(violated(set_), "I-05");
}

TEST_F(InvariantSetTest, CopyOverData) {
    populate();
    set_.before_copy(page(1, kFile), page(1, kAnonymous));
    EXPECT_EQ(violated(set_), "I-06");
}

TEST_F(InvariantSetTest, ZeroFillOfPageWithData) {
    populate();
    impl::Page& unused = kernel_.pages.page_of_frame(kernel_.config.frames);
    unused.valid = impl::kPageBitsAll;
    set_.before_zero_fill(object(1, kAnonymous), 3, unused);
    EXPECT_EQ(violated(set_), "I-06");
}

TEST_F(InvariantSetTest, FreeingTheOnlyCopy) {
    populate();
    set_.before_free(page(1, kAnonymous));
    EXPECT_EQ(violated(set_), "I-11");
}

TEST_F(InvariantSetTest, FreeingADirtyFilePage) {
    populate();
    impl::Page& target = page(1, kFile);
    set_.before_free(target);
    EXPECT_EQ(violated(set_), "") << "a clean page equals its block";
    kernel_.machine.memory().write32(target.frame << kPageShift, 1);
    set_.before_free(target);
    EXPECT_EQ(violated(set_), "I-11");
}

TEST_F(InvariantSetTest, FreeingIsHarmlessWhereNobodyLooks) {
    populate();
    share();
    impl::Page& target = page(1, kAnonymous);
    kernel_.discarded.push_back({.pid = 1, .va = kAnonymous});
    set_.before_free(target);  // told
    kernel_.discarded.clear();
    ++target.object->paging_in_progress;
    set_.before_free(target);  // its range is being removed
    --target.object->paging_in_progress;
    target.object->size = 0;
    set_.before_free(target);  // truncated
    EXPECT_EQ(violated(set_), "") << message(set_);
    EXPECT_EQ(invariant(set_, "I-11").checked - invariant(set_, "I-11").applied, 2U);
}

TEST_F(InvariantSetTest, CachedFilePageThatDiffers) {
    populate();
    impl::Page& target = page(1, kFile);
    ASSERT_TRUE(kernel_.pages.busy_try(target));
    impl::page_cache(kernel_, target);
    ASSERT_EQ(target.queue, impl::Queue::cache);
    kernel_.machine.memory().write32(target.frame << kPageShift, 1);
    expect_broken("I-11");
}

TEST_F(InvariantSetTest, FreeingAWiredPage) {
    populate();
    apply(Mlock{.pid = 1, .addr = kFile, .length = kPageSize});
    set_.before_free(page(1, kFile));
    EXPECT_EQ(violated(set_), "I-50");
}

TEST_F(InvariantSetTest, ChainLockAfterAWalk) {
    populate();
    ++object(1, kAnonymous).chain_holders;
    set_.fault_object_left(object(1, kAnonymous), true);
    EXPECT_EQ(violated(set_), "I-35");
}

TEST_F(InvariantSetTest, PagingInProgressAfterAWalk) {
    populate();
    share();
    impl::Object& top = object(1, kAnonymous);
    ASSERT_NE(top.backing, nullptr);
    ++top.backing->paging_in_progress;
    set_.fault_object_left(top, true);
    EXPECT_EQ(violated(set_), "") << "the level of the found page";
    set_.fault_object_left(top, false);
    EXPECT_EQ(violated(set_), "I-33");
}

// --- contents --------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, CleanPageDiffersFromItsBlock) {
    populate();
    impl::Page& target = page(1, kAnonymous);
    write_to_swap(target);
    EXPECT_EQ(found_by_all(), "");
    kernel_.machine.memory().write32(target.frame << kPageShift, 99);
    expect_broken("I-09");
}

TEST_F(InvariantSetTest, ForgottenStore) {
    populate();
    page(1, kAnonymous).dirty = 0;
    EXPECT_EQ(found_by_all(), "") << "the PTE still knows";
    set_pte(1, kAnonymous, pte(1, kAnonymous) & ~impl::kPteM);
    expect_broken("I-69");
}

// --- registry --------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, DocumentListsEveryRule) {
    std::ifstream file("docs/invariants.md");
    ASSERT_TRUE(file) << "run in the root of the repository";
    std::stringstream text;
    text << file.rdbuf();
    for (const Invariant& each : set_.invariants()) {
        std::string row = "| " + std::string(each.id);
        row += " | " + std::string(each.statement);
        row += " | " + std::string(each.source) + " |";
        EXPECT_NE(text.str().find(row), std::string::npos) << row;
    }
}

}  // namespace
}  // namespace vmref::props
