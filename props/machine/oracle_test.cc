// The oracle follows the model, and says so if the model is wrong.
#include "props/machine/oracle.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "props/machine/cases.h"
#include "props/machine/machine_subject.h"

namespace vmref::props {
namespace {

constexpr Va kVa = 0x00400000;
constexpr Pa kPde = machine_ram::kDirectoriesStart + 4;
constexpr Pa kPte = machine_ram::kTablesStart;
constexpr Pa kData = machine_ram::kDataStart;
constexpr std::uint32_t kOpen = 7;  // present, writable, user
constexpr std::uint32_t kAccessed = 0x20;
constexpr std::uint32_t kDirty = 0x40;

class OracleTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string why = Qemu::problem(); !why.empty()) {
            GTEST_SKIP() << why;
        }
        oracle_.emplace(model_);
        tell(SetWord{kPde, kPte | kOpen});
        tell(SetWord{kPte, kData | kOpen});
    }

    // The model takes the operation as if the machine had shown `claim`, and QEMU follows.
    void tell(const Operation& operation, const Observation& claim = {}) {
        ASSERT_EQ(model_.refuse(operation), std::nullopt);
        model_.step(operation, claim);
        ASSERT_FALSE(oracle_->follow()) << "too early: steps are collected";
    }
    std::string rule() {
        const auto violation = oracle_->compare_all();
        return violation ? violation->rule : "";
    }
    static Observation value(std::uint32_t value) { return {.value = value}; }
    static Observation fault(std::uint32_t error_code, Va address) {
        return {.status = Status::failure, .value = error_code, .address = address};
    }

    const Probe load_{0, AccessKind::load, kVa, 0, true};
    const Probe fetch_{0, AccessKind::fetch, kVa + 16, 0, true};
    const Probe store_{0, AccessKind::store, kVa + 8, 6, true};
    MachineModel model_{Config{}};
    std::optional<MmuOracle> oracle_;
};

TEST_F(OracleTest, AgreesWithWhatIsRight) {
    tell(load_, value(machine_ram::initial_data(kData)));
    tell(fetch_, value(machine_ram::initial_data(kData + 16)));
    tell(store_);
    tell(SetWord{kPte, kData | 5});
    tell(Invlpg{0, kVa});
    tell(store_, fault(7, kVa + 8));
    EXPECT_EQ(rule(), "");
    EXPECT_EQ(oracle_->compared(), 4U);
}

TEST_F(OracleTest, FindsAWrongValue) {
    tell(load_, value(1));
    EXPECT_EQ(rule(), "qemu.value");
    tell(fetch_, value(machine_ram::initial_data(kData)));
    EXPECT_EQ(rule(), "qemu.value");
}

TEST_F(OracleTest, FindsAWrongOutcome) {
    tell(load_, fault(5, kVa));
    EXPECT_EQ(rule(), "qemu.outcome");
    tell(SetWord{kPte, 0});
    tell(Invlpg{0, kVa});
    tell(store_);
    EXPECT_EQ(rule(), "qemu.outcome");
}

TEST_F(OracleTest, FindsAWrongErrorCodeAndAddress) {
    tell(SetWord{kPte, kData | 5});
    tell(store_, fault(6, kVa + 8));
    EXPECT_EQ(rule(), "qemu.fault");
    tell(store_, fault(7, kVa));
    EXPECT_EQ(rule(), "qemu.fault");
}

// A store that the model takes for a hit without M: in truth it walks, and sets M.
TEST_F(OracleTest, FindsAMissingM) {
    tell(load_, value(machine_ram::initial_data(kData)));
    Observation hit;
    hit.witness.cached = true;
    tell(store_, hit);
    EXPECT_EQ(rule(), "qemu.words");
}

// A store that the model refuses to follow, in words that are marked already.
TEST_F(OracleTest, FindsDifferentMemory) {
    tell(SetWord{kPde, kPte | kOpen | kAccessed});
    tell(SetWord{kPte, kData | kOpen | kAccessed | kDirty});
    Observation hit;
    hit.witness.cached = true;
    tell(store_, hit);
    EXPECT_EQ(rule(), "qemu.memory");
}

TEST_F(OracleTest, SeveralCanLiveAtATime) {
    MachineModel other(Config{});
    MmuOracle second(other);
    tell(load_, value(machine_ram::initial_data(kData)));
    other.step(load_, fault(4, kVa));
    EXPECT_FALSE(second.follow());
    EXPECT_FALSE(second.compare_all());
    EXPECT_EQ(rule(), "");
}

TEST(MachineCases, HoldWithAndWithoutQemu) {
    const auto failed = run_machine_cases({});
    EXPECT_FALSE(failed) << failed->violation.message;
    EXPECT_GE(machine_cases().size(), 20U);
}

TEST(MachineCases, FindEveryDefectOfTheWalk) {
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        if (info.world == "machine") {
            impl::DefectSet defects;
            defects.switch_on(info.defect);
            EXPECT_TRUE(run_machine_cases(defects)) << info.id;
        }
    }
}

}  // namespace
}  // namespace vmref::props
