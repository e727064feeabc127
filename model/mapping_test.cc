#include "model/mapping.h"

#include <gtest/gtest.h>

#include <string>

namespace vmref::model {
namespace {

constexpr Va kVa = 0x08000000;
constexpr Prot kRead = kProtRead;
constexpr Prot kReadWrite = kProtRead | kProtWrite;

class MappingTest : public testing::Test {
  protected:
    MappingTest() {
        run(PageCall{PageCallName::page_alloc, 0});
        run(PageCall{PageCallName::page_alloc, 1});
        run(PmapCall{PmapCallName::pmap_pinit, 1});
        run(PmapSwitch{SwitchCallName::pmap_setlwpvm, 0, 1});
    }

    static Config small() {
        Config config;
        config.frames = 40;
        config.cpus = 2;
        config.pv_entries = 20;
        return config;
    }
    Outcome step(const Operation& operation, const Observation& actual = {}) {
        EXPECT_EQ(model_.refuse(operation), std::nullopt);
        return model_.step(operation, actual);
    }
    Observation run(const Operation& operation, const Observation& actual = {}) {
        const Outcome outcome = step(operation, actual);
        EXPECT_EQ(outcome.illegal, "");
        return outcome.expected;
    }
    Observation access(AccessKind kind, Va va, std::uint32_t value = 0, CpuId cpu = 0) {
        return run(HardwareAccess{cpu, kind, va, 4, value, false});
    }
    std::string refusal(const Operation& operation) { return model_.refuse(operation).value_or("taken"); }
    std::string illegal(const Operation& operation, std::uint32_t value) {
        return step(operation, Observation{.value = value}).illegal;
    }

    Config config_ = small();
    Mappings model_{config_};
};

TEST_F(MappingTest, AnAccessSeesWhatWasEntered) {
    EXPECT_EQ(access(AccessKind::load, kVa).status, Status::invalid_address);
    run(PmapEnter{1, kVa + 5, 0, kReadWrite});
    EXPECT_EQ(access(AccessKind::store, kVa + 4, 7).status, Status::success);
    run(PmapEnter{1, kVa + kPageSize, 0, kRead});
    EXPECT_EQ(access(AccessKind::load, kVa + kPageSize + 4).value, 7U) << "the same page";
    const Observation refused = access(AccessKind::store, kVa + kPageSize - 2, 1);
    EXPECT_EQ(refused.status, Status::protection_failure);
    EXPECT_EQ(refused.address, kVa + kPageSize) << "the second page refuses";
    EXPECT_EQ(access(AccessKind::load, kVa, 0, 1).status, Status::invalid_address) << "CPU 1 runs elsewhere";
    run(PmapProtect{1, kVa, 1, kRead});
    EXPECT_EQ(access(AccessKind::store, kVa).status, Status::protection_failure);
    run(PmapRange{RangeCallName::pmap_remove, 1, kVa, 1});
    EXPECT_EQ(access(AccessKind::load, kVa).status, Status::invalid_address);
}

TEST_F(MappingTest, AStoreIsNotForgotten) {
    run(PmapEnter{1, kVa, 0, kReadWrite});
    access(AccessKind::store, kVa, 7);
    const PageCall query{PageCallName::pmap_is_modified, 0};
    EXPECT_NE(illegal(query, 0), "");
    EXPECT_EQ(illegal(query, 1), "");
    run(PmapRange{RangeCallName::pmap_remove, 1, kVa, 1});
    EXPECT_EQ(illegal(query, 2), "") << "the page knows";
    EXPECT_NE(illegal(query, 1), "") << "there is no PTE";
    run(PageCall{PageCallName::pmap_clear_modify, 0});
    EXPECT_EQ(illegal(query, 0), "");
    EXPECT_NE(illegal(query, 2), "");
}

TEST_F(MappingTest, AUseIsReported) {
    run(PmapEnterQuick{1, kVa, 0});
    const PageCall query{PageCallName::pmap_ts_referenced, 0};
    EXPECT_EQ(illegal(query, 0), "") << "entered, not used";
    run(PmapEnterQuick{1, kVa + kPageSize, 1});
    access(AccessKind::load, kVa + kPageSize);
    EXPECT_NE(illegal(PageCall{PageCallName::pmap_ts_referenced, 1}, 0), "");
    EXPECT_NE(illegal(PageCall{PageCallName::pmap_ts_referenced, 1}, 2), "") << "more than there are";
}

TEST_F(MappingTest, ShortagesAreExact) {
    for (std::uint32_t n = 0; n < config_.pv_entries; ++n) {
        EXPECT_EQ(run(PmapEnter{1, kVa + (n << kPageShift), 0, kRead}).status, Status::success);
    }
    EXPECT_EQ(run(PmapEnter{1, kVa, 0, kRead}).status, Status::resource_shortage);
    EXPECT_EQ(run(PmapEnter{1, kVa, kDevicePage, kRead}).status, Status::success) << "needs no pv entry";
    EXPECT_EQ(run(PmapCollect{}).value, 1U);
    EXPECT_EQ(model_.pv_count(), 0U);
    EXPECT_EQ(run(PmapCollect{}).value, 0U);
    const std::uint32_t tables = model_.free_frames();
    for (std::uint32_t n = 0; n <= tables; ++n) {
        const Status status = run(PmapEnter{1, kVa + (n + 1) * kBigPageSize, kDevicePage, kRead}).status;
        EXPECT_EQ(status, n < tables ? Status::success : Status::resource_shortage) << n;
    }
}

TEST_F(MappingTest, OtherCpusMustWaitForSynchronisation) {
    const Va va = kUnmanagedRange.start;
    const HardwareAccess on_other{1, AccessKind::load, va, 1, 0, true};
    run(KernelEnter{KernelEnterName::pmap_kenter, va, 0});
    EXPECT_EQ(refusal(on_other), "taken");
    run(KernelEnter{KernelEnterName::pmap_kenter_quick, va, 1, 0});
    EXPECT_EQ(refusal(on_other), "address 0xc0580000 is not synchronised on that cpu");
    run(KernelAddress{KernelAddressName::pmap_kenter_sync_quick, va, 1});
    EXPECT_EQ(refusal(on_other), "taken");
}

TEST_F(MappingTest, RefusesWhatTheContractDoesNotAllow) {
    EXPECT_EQ(refusal(Spawn{1}), "the operation belongs to another world");
    EXPECT_EQ(refusal(PmapCollect{2}), "cpu 2 does not exist");
    EXPECT_EQ(refusal(PmapEnter{2, kVa, 0, kRead}), "pmap 2 does not exist");
    EXPECT_EQ(refusal(PmapEnter{1, kVa, 2, kRead}), "page 2 does not exist");
    EXPECT_EQ(refusal(PmapEnter{1, kVa, 0, kProtNone}), "a mapping has some right");
    EXPECT_EQ(refusal(PmapEnter{1, kVa, 0, kRead, true}), "page 0 is not wired");
    EXPECT_EQ(refusal(PmapEnter{0, kVa, 0, kRead}), "address 0x8000000 is none that this pmap maps");
    EXPECT_EQ(refusal(PmapEnterQuick{1, kVa, 0, 1}), "pmap 1 does not run on that cpu");
    EXPECT_EQ(refusal(PmapRange{RangeCallName::pmap_remove, 1, kUserEnd - kPageSize, 2}),
              "address 0xbfbff000 begins a range that this pmap does not map");
    EXPECT_EQ(refusal(PmapCall{PmapCallName::pmap_release, 1}), "pmap 1 runs on a cpu");
    EXPECT_EQ(refusal(PmapCall{PmapCallName::pmap_destroy, 1}), "pmap 1 has one reference left");
    EXPECT_EQ(refusal(HardwareAccess{0, AccessKind::load, kKernelBase, 1, 0, true}),
              "address 0xc0000000 is the kernel's own");
    run(PageCall{PageCallName::page_wire, 0});
    run(PmapEnter{1, kVa, 0, kRead, true});
    EXPECT_EQ(refusal(PageCall{PageCallName::page_unwire, 0}), "page 0 has a wired mapping");
    EXPECT_EQ(refusal(PageCall{PageCallName::page_free, 0}), "page 0 is wired");
}

TEST_F(MappingTest, ADeviceGetsAddressesThatAreFree) {
    const PmapMapdev op{5, kPageSize};
    EXPECT_EQ(run(op, Observation{.address = kDeviceRange.start + 5}).address, kDeviceRange.start + 5);
    EXPECT_NE(step(op, Observation{.address = kDeviceRange.start + 5}).illegal, "") << "taken";
    EXPECT_NE(step(op, Observation{.address = kDeviceRange.start + 4 * kPageSize}).illegal, "") << "offset lost";
}

}  // namespace
}  // namespace vmref::model
