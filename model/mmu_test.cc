#include "model/mmu.h"

#include <gtest/gtest.h>

#include <string>

namespace vmref::model {
namespace {

constexpr Va kVa = 0x00400000;
constexpr Pa kPde = machine_ram::kDirectoriesStart + 4;
constexpr Pa kPte = machine_ram::kTablesStart;
constexpr Pa kOne = machine_ram::kDataStart;
constexpr Pa kOther = machine_ram::kDataStart + kPageSize;
constexpr std::uint32_t kOpen = 7;  // present, writable, user

class MmuTest : public testing::Test {
  protected:
    MmuTest() { step(SetWord{kPde, kPte | kOpen}); }

    Outcome step(const Operation& operation, const Observation& actual = {}) {
        const auto reason = mmu_.refuse(operation);
        EXPECT_FALSE(reason) << *reason;
        return mmu_.step(operation, actual);
    }
    void map(Pa frame, std::uint32_t bits = kOpen) { step(SetWord{kPte, frame | bits}); }
    // The access walked.
    Observation walk(const Probe& probe) {
        const Outcome outcome = step(probe);
        EXPECT_EQ(outcome.illegal, "");
        return outcome.expected;
    }
    // The access used what was cached: why it could not; empty if it could.
    std::string cached(const Probe& probe) {
        Observation actual;
        actual.witness.cached = true;
        return step(probe, actual).illegal;
    }
    std::string refusal(const Operation& operation) const { return mmu_.refuse(operation).value_or("accepted"); }

    const Probe load_{0, AccessKind::load, kVa, 0, true};
    const Probe store_{0, AccessKind::store, kVa + 8, 6, true};
    Mmu mmu_{Config{}};
};

TEST_F(MmuTest, WalksAndMarks) {
    map(kOne);
    EXPECT_EQ(walk(load_).value, machine_ram::initial_data(kOne));
    EXPECT_EQ(mmu_.table_word(kPde), kPte | kOpen | 0x20);
    EXPECT_EQ(mmu_.table_word(kPte), kOne | kOpen | 0x20);
    walk(store_);
    EXPECT_EQ(mmu_.table_word(kPte), kOne | kOpen | 0x60);
    EXPECT_EQ(mmu_.data_word(kOne + 8), 6U);
    EXPECT_EQ(mmu_.last().data, kOne + 8);
    EXPECT_FALSE(mmu_.last().stale);
}

TEST_F(MmuTest, FaultsCarryTheErrorCode) {
    const Observation missing = walk(store_);
    EXPECT_EQ(missing.status, Status::failure);
    EXPECT_EQ(missing.value, 6U) << "a write by a user, not present";
    EXPECT_EQ(missing.address, kVa + 8);
    map(kOne, 5);
    EXPECT_EQ(walk(store_).value, 7U);
    step(SetWord{kPde, machine_ram::kDataStart | 0x200000 | 0x80 | kOpen});
    EXPECT_EQ(walk(load_).value, 13U) << "a reserved bit";
}

TEST_F(MmuTest, AStaleTranslationMayBeUsedUntilItIsDropped) {
    map(kOne);
    EXPECT_NE(cached(load_), "") << "nothing was found yet";
    walk(load_);
    map(kOther);
    EXPECT_EQ(cached(load_), "");
    EXPECT_TRUE(mmu_.last().stale);
    EXPECT_EQ(mmu_.last().data, kOne);
    for (const Operation& drop : {Operation{Invlpg{0, kVa}}, Operation{LoadCr3{0, 0}},
                                  Operation{Control{0, true, true, true}}, Operation{Control{0, true, false, true}}}) {
        walk(load_);
        EXPECT_EQ(cached(load_), "");
        step(drop);
        EXPECT_NE(cached(load_), "") << drop.index();
    }
}

TEST_F(MmuTest, OthersTranslationsStay) {
    map(kOne);
    walk(load_);
    step(Invlpg{1, kVa});
    step(Invlpg{0, kVa + kPageSize});
    step(Control{0, false, true, false});
    step(Evict{0, kVa});
    EXPECT_EQ(cached(load_), "");
}

TEST_F(MmuTest, GlobalTranslationsSurviveCr3) {
    step(Control{0, true, true, true});
    map(kOne, kOpen | 0x100);
    walk(load_);
    step(LoadCr3{0, 1});
    EXPECT_EQ(cached(load_), "");
    EXPECT_TRUE(mmu_.last().stale) << "the other directory does not have it";
}

TEST_F(MmuTest, CachedRightsAndMBind) {
    map(kOne);
    walk(load_);
    EXPECT_NE(cached(store_), "") << "M was not seen";
    walk(store_);
    EXPECT_EQ(cached(store_), "");
    map(kOne, 3);
    step(Invlpg{0, kVa});
    Probe supervisor = load_;
    supervisor.user = false;
    walk(supervisor);
    EXPECT_NE(cached(load_), "");
}

TEST_F(MmuTest, AFaultDropsTheTranslation) {
    map(kOne, 5);
    walk(load_);
    EXPECT_EQ(cached(load_), "");
    walk(store_);
    EXPECT_NE(cached(load_), "");
}

TEST_F(MmuTest, RefusesWhatWouldMixTablesAndData) {
    const auto word = [this](Pa pa, std::uint32_t value) { return refusal(SetWord{pa, value}); };
    EXPECT_EQ(word(kPde, 0xFFFFFFFE), "accepted") << "not present";
    EXPECT_EQ(word(kPde, kPte | 1), "accepted");
    EXPECT_EQ(word(kPde, kOne | 0x81), "accepted");
    EXPECT_EQ(word(kPte, kOther | 1), "accepted");
    EXPECT_EQ(word(kOne, 0), "/pa: expected the address of a word in a directory or a table, found 0x00c00000");
    EXPECT_EQ(word(kPte + 1, 0), "/pa: expected the address of a word in a directory or a table, found 0x00900001");
    EXPECT_EQ(word(kPde, kOne | 1), "/value: expected the frame of a table or a 4 MiB page of data, found 0x00c00001");
    EXPECT_EQ(word(kPde, kOther | 0x2081), "/value: expected a frame of data, found 0x00c03081");
    EXPECT_EQ(word(kPte, kPte | 1), "/value: expected a frame of data, found 0x00900001");
    EXPECT_EQ(word(machine_ram::kDirectoriesStart + 4 * machine_ram::kGuestSlot, 0),
              "/pa: expected a directory slot other than 0x3f0, found 0x00800fc0");
}

TEST_F(MmuTest, RefusesBadArguments) {
    EXPECT_EQ(refusal(Spawn{1}), "/op: expected an operation of the machine world");
    EXPECT_EQ(refusal(Invlpg{2, 0}), "/cpu: expected a number below 2, found 2");
    EXPECT_EQ(refusal(Invlpg{0, 0xFC000000}),
              "/va: expected an address outside of directory slot 0x3f0, found 0xfc000000");
    EXPECT_EQ(refusal(LoadCr3{0, 4}), "/directory: expected a number below 4, found 4");
    EXPECT_EQ(refusal(Probe{0, AccessKind::load, 2}), "/va: expected a multiple of 4, found 0x00000002");
    EXPECT_EQ(refusal(Probe{0, AccessKind::fetch, 4}), "/va: expected a multiple of 16 for a fetch, found 0x00000004");
    EXPECT_EQ(refusal(Probe{0, AccessKind::store, 4}),
              "/va: expected one of the last two words of 16 bytes for a store, found 0x00000004");
    EXPECT_EQ(refusal(Probe{0, AccessKind::store, 8, 1}), "/value: expected an even number, found 0x00000001");
    EXPECT_EQ(refusal(PmapTables{1, 100'001}), "/operations: expected at most 100000, found 100001");
}

}  // namespace
}  // namespace vmref::model
