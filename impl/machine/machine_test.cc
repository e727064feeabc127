#include "impl/machine/machine.h"

#include <gtest/gtest.h>

#include "impl/defects/assertion.h"

namespace vmref::impl {
namespace {

constexpr Frame kDirectory = 1;
constexpr Frame kTable = 2;
constexpr Frame kDataA = 3;
constexpr Frame kDataB = 4;
constexpr Va kVa = 0x00400000;  // slot 1 of the directory, slot 0 of its table
constexpr std::uint32_t kOpen = kPteV | kPteRW | kPteU;

Config small_machine() {
    Config config;
    config.frames = 2048;  // two 4 MiB pages
    config.cpus = 2;
    config.tlb_entries = 16;
    return config;
}

class MachineTest : public testing::Test {
  protected:
    MachineTest() {
        set_pde(kVa, (kTable << kPageShift) | kOpen);
        machine_.load_cr3(0, kDirectory << kPageShift);
        machine_.load_cr3(1, kDirectory << kPageShift);
        for (Frame frame = kDataA; frame < kDataA + 4; ++frame) {
            machine_.memory().frame_for_write(frame)[0] = static_cast<std::uint8_t>(0x10 * frame);
        }
    }

    Pa pde_address(Va va) const { return (kDirectory << kPageShift) + 4 * pde_index(va); }
    Pa pte_address(Va va) const { return (kTable << kPageShift) + 4 * pte_index(va); }
    void set_pde(Va va, std::uint32_t word) { machine_.memory().write32(pde_address(va), word); }
    std::uint32_t pde(Va va) const { return machine_.memory().read32(pde_address(va)); }
    void set_pte(Va va, std::uint32_t word) { machine_.memory().write32(pte_address(va), word); }
    std::uint32_t pte(Va va) const { return machine_.memory().read32(pte_address(va)); }
    void map(Va va, Frame frame, std::uint32_t bits) { set_pte(va, (frame << kPageShift) | bits); }

    AccessResult load(Va va, CpuId cpu = 0, Privilege privilege = Privilege::user) {
        return machine_.access(cpu, AccessKind::load, va, 1, privilege, value_);
    }
    AccessResult store(Va va, std::uint32_t value, CpuId cpu = 0, Privilege privilege = Privilege::user) {
        value_ = value;
        return machine_.access(cpu, AccessKind::store, va, 1, privilege, value_);
    }
    std::uint32_t loaded(Va va, CpuId cpu = 0) {
        value_ = ~0U;
        EXPECT_TRUE(load(va, cpu).ok);
        return value_;
    }

    Config config_ = small_machine();
    Journal journal_{config_.frames + 1};
    Machine machine_{config_, DefectSet{}, journal_};
    std::uint32_t value_ = 0;
};

TEST_F(MachineTest, WalkFindsTheFrameAndMarksTheEntries) {
    map(kVa, kDataA, kOpen);
    EXPECT_EQ(loaded(kVa), 0x30U);
    EXPECT_EQ(pde(kVa), (kTable << kPageShift) | kOpen | kPteA);
    EXPECT_EQ(pte(kVa), (kDataA << kPageShift) | kOpen | kPteA) << "a load leaves M clear";
    EXPECT_EQ(machine_.cpu(0).walks, 1U);
    EXPECT_EQ(machine_.accesses(), 1U);
    loaded(kVa + 1);
    EXPECT_EQ(machine_.cpu(0).walks, 1U) << "the second load hits";
    value_ = 0;
    EXPECT_TRUE(machine_.access(0, AccessKind::fetch, kVa, 1, Privilege::user, value_).ok);
    EXPECT_EQ(value_, 0x30U);
}

TEST_F(MachineTest, StoreReachesMemoryAndTheJournal) {
    map(kVa, kDataA, kOpen);
    journal_.clear();
    value_ = 0xA1B2C3D4;
    EXPECT_TRUE(machine_.access(0, AccessKind::store, kVa + 8, 2, Privilege::user, value_).ok);
    EXPECT_EQ(pte(kVa) & (kPteA | kPteM), kPteA | kPteM);
    EXPECT_EQ(machine_.memory().read32((kDataA << kPageShift) + 8), 0xC3D4U) << "two bytes, the low ones";
    EXPECT_TRUE(machine_.memory().written(kDataA));
    EXPECT_EQ(journal_.frames, Vector<Frame>{kDataA});
}

TEST_F(MachineTest, ErrorCodes) {
    const auto expect_fault = [](const AccessResult& result, std::uint32_t error_code, Va cr2) {
        EXPECT_FALSE(result.ok);
        EXPECT_EQ(result.error_code, error_code);
        EXPECT_EQ(result.cr2, cr2);
    };
    expect_fault(load(0x00800123), kFaultUser, 0x00800123);
    EXPECT_EQ(pde(0x00800123), 0U);
    expect_fault(store(kVa + 5, 1), kFaultUser | kFaultWrite, kVa + 5);
    EXPECT_EQ(pde(kVa) & kPteA, kPteA) << "a directory entry that leads to an empty leaf was used";
    expect_fault(load(kVa, 0, Privilege::supervisor), 0, kVa);

    map(kVa, kDataA, kPteV | kPteU);
    expect_fault(store(kVa, 1), kFaultPresent | kFaultUser | kFaultWrite, kVa);
    EXPECT_EQ(pte(kVa), (kDataA << kPageShift) | kPteV | kPteU) << "a refused access marks no leaf";
    map(kVa, kDataA, kPteV | kPteRW);
    expect_fault(load(kVa), kFaultPresent | kFaultUser, kVa);
    EXPECT_TRUE(load(kVa, 0, Privilege::supervisor).ok);
    EXPECT_FALSE(load(kVa).ok) << "what a supervisor cached, a user may still not use";
}

TEST_F(MachineTest, TheDirectoryRestrictsToo) {
    map(kVa, kDataA, kOpen);
    set_pde(kVa, (kTable << kPageShift) | kPteV | kPteU);
    EXPECT_FALSE(store(kVa, 1).ok);
    EXPECT_TRUE(load(kVa).ok);
    set_pde(kVa, (kTable << kPageShift) | kPteV | kPteRW);
    machine_.flush_tlb(0);
    EXPECT_FALSE(load(kVa).ok);
}

TEST_F(MachineTest, WriteProtectBindsTheSupervisorOnlyIfWpIsSet) {
    map(kVa, kDataA, kPteV | kPteU);
    const AccessResult refused = store(kVa, 1, 0, Privilege::supervisor);
    EXPECT_FALSE(refused.ok);
    EXPECT_EQ(refused.error_code, kFaultPresent | kFaultWrite);
    machine_.load_cr0(0, false);
    EXPECT_TRUE(store(kVa, 0x77, 0, Privilege::supervisor).ok);
    EXPECT_EQ(machine_.memory().frame(kDataA)[0], 0x77);
    EXPECT_EQ(pte(kVa) & kPteM, kPteM);
    EXPECT_TRUE(store(kVa, 0x78, 0, Privilege::supervisor).ok) << "by the cached entry";
    EXPECT_FALSE(store(kVa, 1).ok) << "a user obeys RW in any case";
    machine_.load_cr0(0, true);
    EXPECT_FALSE(store(kVa, 1, 0, Privilege::supervisor).ok);
}

TEST_F(MachineTest, NoDirectoryNoAccess) {
    map(kVa, kDataA, kOpen);
    loaded(kVa);
    machine_.load_cr3(0, 0);
    const AccessResult result = load(kVa);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.error_code, kFaultUser);
}

TEST_F(MachineTest, BigPage) {
    constexpr Va kBig = 0x00C00000;
    set_pde(kBig, 0x00400000 | kOpen | kPtePS);
    machine_.memory().frame_for_write(1024 + 5)[7] = 0x99;
    EXPECT_EQ(loaded(kBig + 5 * kPageSize + 7), 0x99U) << "bits 21 to 12 come from the address";
    EXPECT_EQ(pde(kBig), 0x00400000 | kOpen | kPtePS | kPteA);
    EXPECT_TRUE(store(kBig, 1).ok);
    EXPECT_EQ(pde(kBig), 0x00400000 | kOpen | kPtePS | kPteA | kPteM);

    set_pde(kBig, 0);
    machine_.invlpg(0, kBig + 0x123000);
    EXPECT_FALSE(load(kBig + 5 * kPageSize + 7).ok) << "one address drops the whole page";
}

TEST_F(MachineTest, BigPageWithReservedBitsIsRefused) {
    constexpr Va kBig = 0x00C00000;
    for (std::uint32_t bit = 0x2000; bit <= 0x200000; bit <<= 1) {
        set_pde(kBig, 0x00400000 | bit | kOpen | kPtePS);
        const AccessResult result = load(kBig);
        EXPECT_FALSE(result.ok) << bit;
        EXPECT_EQ(result.error_code, kFaultReserved | kFaultPresent | kFaultUser) << bit;
        EXPECT_EQ(pde(kBig), 0x00400000 | bit | kOpen | kPtePS) << "no A: the entry was not used";
    }
    set_pde(kBig, 0x00400000 | 0x1000 | kOpen | kPtePS);
    EXPECT_TRUE(load(kBig).ok) << "bit 12 selects a memory type";
    machine_.invlpg(0, kBig);
    set_pde(kBig, 0x00400000 | 0x2000 | kPtePS);
    EXPECT_EQ(load(kBig).error_code, kFaultUser) << "an entry that is not present has no reserved bits";
}

TEST_F(MachineTest, WithoutPseTheSizeBitMeansNothing) {
    machine_.load_cr4(0, false, false);
    map(kVa, kDataA, kOpen);
    set_pde(kVa, (kTable << kPageShift) | kOpen | kPtePS);
    EXPECT_EQ(loaded(kVa), 0x30U);
    EXPECT_EQ(pde(kVa), (kTable << kPageShift) | kOpen | kPtePS | kPteA);
}

TEST_F(MachineTest, StaleTranslationLivesUntilInvalidated) {
    map(kVa, kDataA, kOpen);
    EXPECT_EQ(loaded(kVa, 0), 0x30U);
    EXPECT_EQ(loaded(kVa, 1), 0x30U);
    map(kVa, kDataB, kOpen);
    EXPECT_EQ(loaded(kVa, 0), 0x30U);
    machine_.invlpg(0, kVa + 0x42);
    EXPECT_EQ(loaded(kVa, 0), 0x40U);
    EXPECT_EQ(loaded(kVa, 1), 0x30U) << "the other CPU has its own";
    machine_.load_cr3(1, kDirectory << kPageShift);
    EXPECT_EQ(loaded(kVa, 1), 0x40U);
}

TEST_F(MachineTest, GlobalEntriesSurviveCr3ButNotAFlush) {
    machine_.load_cr4(0, true, true);
    map(kVa, kDataA, kOpen | kPteG);
    loaded(kVa, 0);
    loaded(kVa, 1);
    map(kVa, kDataB, kOpen | kPteG);
    machine_.load_cr3(0, kDirectory << kPageShift);
    machine_.load_cr3(1, kDirectory << kPageShift);
    EXPECT_EQ(loaded(kVa, 0), 0x30U);
    EXPECT_EQ(loaded(kVa, 1), 0x40U) << "without CR4.PGE the bit means nothing";
    machine_.flush_tlb(0);
    EXPECT_EQ(loaded(kVa, 0), 0x40U);
}

TEST_F(MachineTest, AChangeOfCr4DropsGlobalEntriesToo) {
    machine_.load_cr4(0, true, true);
    map(kVa, kDataA, kOpen | kPteG);
    loaded(kVa);
    map(kVa, kDataB, kOpen | kPteG);
    machine_.load_cr4(0, true, true);
    EXPECT_EQ(loaded(kVa), 0x30U) << "nothing changed";
    machine_.load_cr4(0, true, false);
    EXPECT_EQ(loaded(kVa), 0x40U);
    map(kVa, kDataA, kOpen);
    machine_.load_cr4(0, false, false);
    EXPECT_EQ(loaded(kVa), 0x30U) << "PSE, too";
    map(kVa, kDataB, kOpen);
    machine_.load_cr0(0, false);
    EXPECT_EQ(loaded(kVa), 0x30U) << "a change of WP drops nothing";
}

TEST_F(MachineTest, EvictionForgetsOnePiece) {
    constexpr Va kBig = 0x00C00000;
    set_pde(kBig, 0x00400000 | kOpen | kPtePS);
    loaded(kBig);
    loaded(kBig + kPageSize);
    const std::uint64_t walks = machine_.cpu(0).walks;
    machine_.evict(0, kBig);
    loaded(kBig + kPageSize);
    EXPECT_EQ(machine_.cpu(0).walks, walks);
    loaded(kBig);
    EXPECT_EQ(machine_.cpu(0).walks, walks + 1);
}

TEST_F(MachineTest, CachedReadOnlyEntryWalksWhenMoreIsNeeded) {
    map(kVa, kDataA, kPteV | kPteU);
    loaded(kVa);
    map(kVa, kDataA, kOpen);
    EXPECT_TRUE(store(kVa, 0x55).ok);
    EXPECT_EQ(pte(kVa) & kPteM, kPteM);
    EXPECT_EQ(loaded(kVa), 0x55U);
}

TEST_F(MachineTest, AFaultDropsTheCachedEntry) {
    map(kVa, kDataA, kPteV | kPteU);
    loaded(kVa);
    set_pte(kVa, 0);
    EXPECT_EQ(loaded(kVa), 0x30U) << "stale";
    EXPECT_FALSE(store(kVa, 1).ok);
    EXPECT_FALSE(load(kVa).ok);
}

TEST_F(MachineTest, StoreThroughACleanEntrySetsM) {
    map(kVa, kDataA, kOpen);
    loaded(kVa);
    EXPECT_EQ(pte(kVa) & kPteM, 0U);
    EXPECT_TRUE(store(kVa, 1).ok);
    EXPECT_EQ(pte(kVa) & kPteM, kPteM);
    set_pte(kVa, pte(kVa) & ~kPteM);
    EXPECT_TRUE(store(kVa, 2).ok);
    EXPECT_EQ(pte(kVa) & kPteM, 0U) << "an entry that has seen M does not look again";
    machine_.invlpg(0, kVa);
    EXPECT_TRUE(store(kVa, 3).ok);
    EXPECT_EQ(pte(kVa) & kPteM, kPteM);
}

TEST_F(MachineTest, StoreThroughACleanEntryMeetsAnEmptiedPte) {
    map(kVa, kDataA, kOpen);
    loaded(kVa);
    set_pte(kVa, 0);
    const AccessResult result = store(kVa, 1);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.error_code, kFaultUser | kFaultWrite);
    EXPECT_EQ(pte(kVa), 0U);
    EXPECT_EQ(machine_.memory().frame(kDataA)[0], 0x30);
}

TEST_F(MachineTest, CrossingAccessTranslatesBothPagesFirst) {
    map(kVa, kDataA, kOpen);
    value_ = 0x44332211;
    AccessResult result = machine_.access(0, AccessKind::store, kVa + 0xFFE, 4, Privilege::user, value_);
    EXPECT_FALSE(result.ok);
    EXPECT_EQ(result.cr2, kVa + kPageSize);
    EXPECT_EQ(machine_.memory().read32((kDataA << kPageShift) + 0xFFC), 0U) << "no byte moved";
    EXPECT_FALSE(machine_.memory().written(kDataA));
    EXPECT_EQ(pte(kVa) & kPteM, kPteM) << "the first page was translated";

    map(kVa + kPageSize, kDataB, kOpen);
    result = machine_.access(0, AccessKind::store, kVa + 0xFFD, 4, Privilege::user, value_);
    EXPECT_TRUE(result.ok);
    EXPECT_EQ(machine_.memory().read32((kDataA << kPageShift) + 0xFFC), 0x33221100U);
    EXPECT_EQ(machine_.memory().frame(kDataB)[0], 0x44);
    value_ = 0;
    EXPECT_TRUE(machine_.access(1, AccessKind::load, kVa + 0xFFD, 4, Privilege::user, value_).ok);
    EXPECT_EQ(value_, 0x44332211U);
    map(kVa, kDataA, 0);
    machine_.flush_tlb(0);
    result = machine_.access(0, AccessKind::load, kVa + 0xFFF, 2, Privilege::user, value_);
    EXPECT_EQ(result.cr2, kVa + 0xFFF) << "the first page faults first";
}

TEST_F(MachineTest, CrossingAccessWrapsAround) {
    constexpr Frame kTopTable = 20;
    set_pde(0xFFFFFFFF, (kTopTable << kPageShift) | kOpen);
    machine_.memory().write32((kTopTable << kPageShift) + 4 * 1023, (kDataA << kPageShift) | kOpen);
    set_pde(0, (kTable << kPageShift) | kOpen);
    map(0, kDataB, kOpen);
    value_ = 0xBEEF;
    EXPECT_TRUE(machine_.access(0, AccessKind::store, 0xFFFFFFFF, 2, Privilege::user, value_).ok);
    EXPECT_EQ(machine_.memory().frame(kDataA)[0xFFF], 0xEF);
    EXPECT_EQ(machine_.memory().frame(kDataB)[0], 0xBE);
}

TEST_F(MachineTest, AddressesOutsideRamAreFindings) {
    set_pte(kVa, ((config_.frames + 1) << kPageShift) | kOpen);
    EXPECT_THROW(load(kVa), Finding);
    set_pde(kVa, (0xFFFFFU << kPageShift) | kOpen);
    EXPECT_THROW(load(kVa), Finding);
}

}  // namespace
}  // namespace vmref::impl
