#include "impl/vm/storage.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

TEST(VnodeTest, BlocksHaveTheSyntheticContentsUpToTheEnd) {
    const Vnode vnode(3, kPageSize + 5);
    EXPECT_EQ(vnode.pages(), 2U);
    std::uint8_t expected[kPageSize];
    synthetic_page(3, 1, kPageSize + 5, expected);
    EXPECT_TRUE(std::equal(expected, expected + kPageSize, vnode.block(1)));
    EXPECT_EQ(vnode.block(1)[5], 0);
    EXPECT_EQ(vnode.block(2), nullptr);
}

TEST(VnodeTest, WrittenBlockStaysAndIsACopy) {
    Vnode vnode(1, 2 * kPageSize);
    std::vector<std::uint8_t> bytes(kPageSize, 7);
    vnode.write_block(1, bytes.data());
    bytes[0] = 8;
    EXPECT_EQ(vnode.block(1)[0], 7);
    EXPECT_EQ(broken_rule([&] { vnode.write_block(2, bytes.data()); }), "assertion");
}

TEST(VnodeTest, ShrinkingZeroesWhatLaterGrowthShows) {
    Vnode vnode(1, 3 * kPageSize);
    const std::uint8_t kept = vnode.block(0)[99];
    vnode.set_size(100);
    EXPECT_EQ(vnode.pages(), 1U);
    vnode.set_size(3 * kPageSize);
    EXPECT_EQ(vnode.block(0)[99], kept);
    EXPECT_TRUE(std::all_of(vnode.block(0) + 100, vnode.block(0) + kPageSize, [](auto byte) { return byte == 0; }));
    EXPECT_EQ(vnode.block(1), nullptr);
    EXPECT_EQ(vnode.block(2), nullptr);
}

TEST(VnodeTest, GrowthZeroesTheBytesPastTheOldEnd) {
    Vnode vnode(1, 100);
    const std::vector<std::uint8_t> bytes(kPageSize, 7);
    vnode.write_block(0, bytes.data());
    vnode.set_size(200);
    EXPECT_EQ(vnode.block(0)[99], 7);
    EXPECT_EQ(vnode.block(0)[100], 0);
    EXPECT_EQ(vnode.block(0)[150], 0);
}

TEST(SwapSpaceTest, SlotsAreGivenInTurnUntilNoneIsLeft) {
    SwapSpace swap(2);
    EXPECT_EQ(swap.allocate(), 0U);
    EXPECT_EQ(swap.allocate(), 1U);
    EXPECT_EQ(swap.free_slots(), 0U);
    EXPECT_EQ(swap.allocate(), kNoSwapSlot);
    swap.release(0);
    EXPECT_FALSE(swap.assigned(0));
    EXPECT_EQ(swap.allocate(), 0U);
}

TEST(SwapSpaceTest, SlotKeepsItsBytesAndIsReleasedOnce) {
    SwapSpace swap(2);
    const std::uint32_t slot = swap.allocate();
    std::vector<std::uint8_t> bytes(kPageSize, 5);
    swap.write(slot, bytes.data());
    bytes[0] = 6;
    EXPECT_EQ(swap.read(slot)[0], 5);
    swap.release(slot);
    EXPECT_EQ(broken_rule([&] { swap.release(slot); }), "I-10");
    EXPECT_EQ(broken_rule([&] { swap.write(slot, bytes.data()); }), "I-10");
}

TEST(SwapSpaceTest, NoSpaceAtAll) {
    SwapSpace swap(0);
    EXPECT_EQ(swap.allocate(), kNoSwapSlot);
}

}  // namespace
}  // namespace vmref::impl
