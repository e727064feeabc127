// Each rule on resting state: broken behind the kernel's back, it must be the one that is reported.
#include "props/invariants/invariant_set_test.h"

namespace vmref::props {
namespace {

// --- protection ------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, MoreRightsThanTheEntry) {
    populate();
    entry(1, kAnonymous).protection = kProtRead;
    expect_broken("I-14");
}

TEST_F(InvariantSetTest, MappingWithoutEntry) {
    populate();
    impl::MapEntry& target = entry(1, kAnonymous);
    target.start += kPageSize;
    target.offset += kPageSize;
    expect_broken("I-14");
}

TEST_F(InvariantSetTest, MappingOfProtectionNone) {
    populate();
    entry(1, kAnonymous).protection = kProtNone;
    expect_broken("I-15");
}

TEST_F(InvariantSetTest, WritableMappingOfAnotherIndex) {
    populate();
    share();
    apply(Munmap{.pid = 1, .addr = kShared + kPageSize, .length = kPageSize});
    ASSERT_EQ(object(1, kShared).size, 2U);
    entry(1, kShared).offset += kPageSize;
    expect_broken("I-16");
}

TEST_F(InvariantSetTest, WritableMappingOfASnapshot) {
    populate();
    share();
    kernel_.pmaps.remove(pmap(1), kShared, kShared + 2 * kPageSize);
    entry(1, kShared).set(impl::kEntryCow | impl::kEntryNeedsCopy);
    expect_broken("I-17");
}

TEST_F(InvariantSetTest, WritableFilePageOfAPrivateEntry) {
    populate();
    apply(Mmap{
        .pid = 1, .addr = 0x50000, .length = kPageSize, .prot = kReadWrite, .shared = true, .fixed = true, .file = 1});
    store(1, 0x50000, 1);
    entry(1, 0x50000).set(impl::kEntryCow);
    expect_broken("I-17");
}

TEST_F(InvariantSetTest, WritableMappingUnmarked) {
    populate();
    object(1, kAnonymous).clear(impl::kObjMightBeDirty);
    expect_broken("I-18");
    object(1, kAnonymous).set(impl::kObjMightBeDirty);
    page(1, kAnonymous).clear(impl::kPageWriteable);
    expect_broken("I-18");
}

TEST_F(InvariantSetTest, UserMappingWithoutUserBit) {
    populate();
    set_pte(1, kFile, pte(1, kFile) & ~impl::kPteU);
    expect_broken("I-21");
}

TEST_F(InvariantSetTest, UserBitInTheDirectorysOwnSlot) {
    populate();
    const Pa slot = (pmap(1).directory->frame << kPageShift) + 4 * impl::kDirectoryIndex;
    kernel_.machine.memory().write32(slot, kernel_.machine.memory().read32(slot) | impl::kPteU);
    EXPECT_EQ(found_by_all(), "I-21");
}

// --- objects ---------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, ObjectOutOfReach) {
    populate();
    impl::Object& lost = kernel_.objects.allocate(impl::ObjectType::default_, 1);
    lost.ref_count = 0;
    kernel_.journal.object_changed(lost.id);
    expect_broken("I-24");
}

TEST_F(InvariantSetTest, ReferenceTooMany) {
    populate();
    ++object(1, kAnonymous).ref_count;
    expect_broken("I-25");
}

TEST_F(InvariantSetTest, PageTableObjectReferencedTwice) {
    populate();
    pmap(1).pteobj->ref_count = 2;
    expect_broken("I-25");
}

TEST_F(InvariantSetTest, ShadowCountWrong) {
    populate();
    ++object(1, kAnonymous).shadow_count;
    expect_broken("I-26");
}

TEST_F(InvariantSetTest, ShadowOfSomebodyElse) {
    populate();
    share();
    impl::Object& shadow = object(1, kAnonymous);
    ASSERT_NE(shadow.backing, nullptr);
    shadow.backing = &object(1, kShared);
    const std::string found = found_by_all();
    EXPECT_EQ(found, "I-26");
}

TEST_F(InvariantSetTest, OffsetNotAligned) {
    populate();
    ASSERT_NE(object(1, kPrivateFile).backing, nullptr);
    object(1, kPrivateFile).backing_offset |= 1;
    expect_broken("I-27");
}

TEST_F(InvariantSetTest, ChainWithoutEnd) {
    populate();
    impl::Object& target = object(1, kAnonymous);
    target.backing = &target;
    expect_broken("I-27");
    target.backing = nullptr;
}

TEST_F(InvariantSetTest, PageClaimsAnotherObject) {
    populate();
    page(1, kFile).object = &object(1, kPrivateFile);
    page(1, kFile).pindex = 3;
    expect_broken("I-29");
}

TEST_F(InvariantSetTest, EntryPastItsObject) {
    populate();
    object(1, kAnonymous).size = 3;
    expect_broken("I-30");
}

TEST_F(InvariantSetTest, PagePastTheEndOfItsFile) {
    populate();
    object(1, kFile).size = 0;
    expect_broken("I-30");
}

TEST_F(InvariantSetTest, ResidentPageCountWrong) {
    populate();
    ++object(1, kAnonymous).resident_page_count;
    expect_broken("I-31");
}

TEST_F(InvariantSetTest, PagingInProgressAtRest) {
    populate();
    ++object(1, kAnonymous).paging_in_progress;
    expect_broken("I-33");
}

TEST_F(InvariantSetTest, ChainLockAtRest) {
    populate();
    ++object(1, kAnonymous).chain_holders;
    expect_broken("I-35");
}

// --- pages -----------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, BusyPageAtRest) {
    populate();
    page(1, kFile).busy_owner = 1;
    expect_broken("I-46");
}

TEST_F(InvariantSetTest, HeldPageAtRest) {
    populate();
    ++page(1, kFile).hold_count;
    expect_broken("I-46");
}

TEST_F(InvariantSetTest, PageThatThePageoutDaemonCannotFind) {
    populate();
    kernel_.pages.unqueue(page(1, kAnonymous));
    expect_broken("I-48");
}

TEST_F(InvariantSetTest, MappedPageOnTheCacheQueue) {
    populate();
    impl::Page& target = page(1, kFile);
    const auto flags = target.flags;
    target.clear(impl::kPageMapped);
    kernel_.pages.to_cache(target);
    target.flags = flags;
    expect_broken("I-48");
}

TEST_F(InvariantSetTest, QueueLengthWrong) {
    populate();
    page(1, kAnonymous).queue = impl::Queue::inactive;
    EXPECT_EQ(found_by_all(), "I-48");
}

TEST_F(InvariantSetTest, WiredPageOnAQueue) {
    populate();
    apply(Mlock{.pid = 1, .addr = kAnonymous, .length = kPageSize});
    set_wired(page(1, kAnonymous), false);
    page(1, kAnonymous).wire_count = 1;
    expect_broken("I-50");
}

// --- pmap ------------------------------------------------------------------------------------------------------------

TEST_F(InvariantSetTest, PvEntryWithoutMapping) {
    populate();
    set_pte(1, kFile, 0);
    EXPECT_EQ(found_by_changes(), "I-60");
}

TEST_F(InvariantSetTest, MappingWithoutPvEntry) {
    populate();
    const Frame other = page(1, kFile).frame == 1 ? 2 : 1;
    set_pte(1, kFile, (pte(1, kFile) & ~impl::kPteFrame) | (other << kPageShift));
    expect_broken("I-60");
}

TEST_F(InvariantSetTest, MappingOfNoFrame) {
    populate();
    set_pte(1, kFile, pte(1, kFile) | 0xFFFFF000U);
    expect_broken("I-60");
}

TEST_F(InvariantSetTest, ManagedBitMissing) {
    populate();
    set_pte(1, kFile, pte(1, kFile) & ~impl::kPteManaged);
    expect_broken("I-61");
}

TEST_F(InvariantSetTest, ResidentCountWrong) {
    populate();
    ++pmap(1).resident_count;
    EXPECT_EQ(found_by_all(), "I-62");
}

TEST_F(InvariantSetTest, WiredCountWrong) {
    populate();
    ++pmap(1).wired_count;
    EXPECT_EQ(found_by_all(), "I-63");
}

TEST_F(InvariantSetTest, PageTableWiredTooOften) {
    populate();
    const std::uint32_t pde = kernel_.pmaps.pde(pmap(1), kFile);
    ++kernel_.pages.page_of_frame(pde >> kPageShift).wire_count;
    EXPECT_EQ(found_by_all(), "I-64");
}

TEST_F(InvariantSetTest, RecountsComeRoundAfterManyChanges) {
    populate();
    apply(Mmap{.pid = 1, .addr = 0x100000, .length = 8 * kPageSize, .prot = kReadWrite, .fixed = true});
    const std::uint32_t pde = kernel_.pmaps.pde(pmap(1), kFile);
    impl::Page& table = kernel_.pages.page_of_frame(pde >> kPageShift);
    const auto changes_until_found = [&] {
        InvariantSet set(system_);
        int changes = 0;
        while (!set.violation() && changes < 2000) {
            kernel_.journal.clear();
            kernel_.journal.pte_changed(pmap(1).id, kFile);
            set.check_changes();
            ++changes;
        }
        return violated(set) + " " + std::to_string(changes);
    };
    ++table.wire_count;
    EXPECT_EQ(changes_until_found(), "I-64 64");
    --table.wire_count;
    ++pmap(1).resident_count;
    EXPECT_EQ(changes_until_found(), "I-62 1024");
}

TEST_F(InvariantSetTest, StaleTranslation) {
    populate();
    const Frame frame = page(1, kFile).frame;
    const impl::TlbEntry sound{.page = page_of(kFile), .frame = frame, .valid = true, .user = true};
    for (const int variant : {0, 1, 2}) {
        impl::TlbEntry stale = sound;
        stale.frame += variant == 0 ? 1 : 0;
        stale.writable = variant == 1;
        stale.modified = variant == 2;
        kernel_.machine.cpu(0).tlb.insert(sound);
        EXPECT_EQ(found_by_all(), "");
        kernel_.machine.cpu(0).tlb.insert(stale);
        expect_broken("I-67");
    }
}

TEST_F(InvariantSetTest, TranslationOfNothing) {
    populate();
    kernel_.machine.cpu(0).tlb.insert({.page = page_of(kAnonymous) + 3, .frame = 5, .valid = true, .user = true});
    EXPECT_EQ(found_by_all(), "I-67");
}

TEST_F(InvariantSetTest, InterlockLeftBehind) {
    populate();
    pmap(1).interlocked = true;
    EXPECT_EQ(found_by_all(), "I-68");
}

TEST_F(InvariantSetTest, StoppedCpuLeftBehind) {
    populate();
    kernel_.sched.cpus().quiesce(pmap(1).active);
    EXPECT_EQ(found_by_all(), "I-68");
}

TEST_F(InvariantSetTest, CpuInNoAddressSpace) {
    populate();
    kernel_.machine.cpu(1).cr3 = 5U << kPageShift;
    EXPECT_EQ(found_by_all(), "I-67");
}

TEST_F(InvariantSetTest, MappedPageNotMarked) {
    populate();
    page(1, kFile).clear(impl::kPageMapped);
    expect_broken("I-72");
}

TEST_F(InvariantSetTest, UnmappedPageMarkedWriteable) {
    populate();
    load(1, kAnonymous + kPageSize);
    impl::Page& target = page(1, kAnonymous + kPageSize);
    kernel_.pmaps.remove(pmap(1), kAnonymous + kPageSize, kAnonymous + 2 * kPageSize);
    target.set(impl::kPageWriteable);
    expect_broken("I-72");
}

TEST_F(InvariantSetTest, FaultCountedTwice) {
    populate();
    ++kernel_.stats.minflt;
    expect_broken("I-91");
}

TEST_F(InvariantSetTest, PrefaultNotCounted) {
    populate();
    --kernel_.stats.vm_faults;
    expect_broken("I-91");
}

}  // namespace
}  // namespace vmref::props
