#include <algorithm>
#include <string>
#include <vector>

#include "impl/page/page_system_test.h"

namespace vmref::impl {
namespace {

class PageContentsTest : public PageSystemTest {
  protected:
    PageContentsTest() : PageSystemTest(Config{.frames = 64}) {}
};

TEST_F(PageContentsTest, DirtyMarksPageAndObjectOnce) {
    Page& page = idle_page(5);
    journal_.clear();
    object_.flags = 0;
    pages_.dirty(page);
    EXPECT_EQ(page.dirty, kPageBitsAll);
    EXPECT_EQ(object_.flags, kObjWriteable | kObjMightBeDirty);
    EXPECT_EQ(journal_.cells.size(), 1U);
    pages_.dirty(page);
    EXPECT_EQ(journal_.cells.size(), 1U);

    Page& table = busy_page(tables_, 0);
    pages_.dirty(table);
    EXPECT_EQ(tables_.flags, 0U);
}

TEST_F(PageContentsTest, CachedAndFreePagesAreNeverDirty) {
    Page& page = idle_page(5);
    pages_.to_cache(page);
    EXPECT_EQ(broken_rule([&] { pages_.dirty(page); }), "I-48");
    ASSERT_TRUE(pages_.busy_try(page));
    pages_.free(page);
    EXPECT_EQ(broken_rule([&] { pages_.dirty(page); }), "I-48");
}

TEST_F(PageContentsTest, AWriteThatEndsMakesClean) {
    Page& page = busy_page(5);
    pages_.set_valid_clean(page);
    pages_.dirty(page);
    machine_.memory().set_written(page.frame, true);
    pages_.io_start(page);
    pages_.wakeup(page);
    journal_.clear();
    pages_.undirty(page);
    EXPECT_EQ(page.dirty, 0U);
    EXPECT_FALSE(machine_.memory().written(page.frame));
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    pages_.io_finish(page);
    EXPECT_EQ(broken_rule([&] { pages_.undirty(page); }), "I-47");
}

TEST_F(PageContentsTest, ValidityChangesAreJournaled) {
    Page& page = busy_page(5);
    page.set(kPageNoSync);
    machine_.memory().set_written(page.frame, true);
    journal_.clear();
    pages_.set_valid_clean(page);
    EXPECT_TRUE(page.fully_valid());
    EXPECT_FALSE(page.has(kPageNoSync));
    EXPECT_FALSE(machine_.memory().written(page.frame));
    EXPECT_TRUE(cell_is_journaled(object_, 5));

    pages_.dirty(page);
    journal_.clear();
    const std::uint64_t generation = object_.generation;
    pages_.set_invalid(page);
    EXPECT_EQ(page.valid, 0U);
    EXPECT_EQ(page.dirty, 0U);
    EXPECT_EQ(object_.generation, generation + 1);
    EXPECT_TRUE(cell_is_journaled(object_, 5));

    pages_.io_start(page);
    EXPECT_EQ(broken_rule([&] { pages_.set_invalid(page); }), "I-47");
}

TEST_F(PageContentsTest, ZeroFillChangesBytesOnly) {
    Page& page = busy_page(5);
    std::fill_n(machine_.memory().frame_for_write(page.frame), kPageSize, std::uint8_t{0xAA});
    journal_.clear();
    pages_.zero_fill(page);
    const std::uint8_t* const bytes = machine_.memory().frame(page.frame);
    EXPECT_TRUE(std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; }));
    EXPECT_EQ(page.valid, 0U);
    EXPECT_EQ(journal_.frames, Vector<Frame>{page.frame});
    EXPECT_TRUE(cell_is_journaled(object_, 5));
}

TEST_F(PageContentsTest, ZeroInvalidKeepsValidChunks) {
    Page& page = busy_page(5);
    std::fill_n(machine_.memory().frame_for_write(page.frame), kPageSize, std::uint8_t{0xAA});
    page.valid = 0b00000101;
    pages_.zero_invalid(page);
    const std::uint8_t* const bytes = machine_.memory().frame(page.frame);
    for (unsigned chunk = 0; chunk < 8; ++chunk) {
        const std::uint8_t expected = chunk == 0 || chunk == 2 ? 0xAA : 0;
        EXPECT_EQ(bytes[chunk * 512], expected) << chunk;
        EXPECT_EQ(bytes[chunk * 512 + 511], expected) << chunk;
    }
    EXPECT_TRUE(page.fully_valid());
    journal_.clear();
    pages_.zero_invalid(page);
    EXPECT_TRUE(journal_.frames.empty());
}

TEST_F(PageContentsTest, ACopyIsValidAndDirty) {
    Page& from = idle_page(5);
    Page& to = busy_page(file_, 6);
    std::fill_n(machine_.memory().frame_for_write(from.frame), kPageSize, std::uint8_t{0x5C});
    journal_.clear();
    pages_.copy(from, to);
    EXPECT_EQ(machine_.memory().frame(to.frame)[kPageSize - 1], 0x5C);
    EXPECT_TRUE(to.fully_valid());
    EXPECT_EQ(to.dirty, kPageBitsAll);
    EXPECT_EQ(from.dirty, 0U);
    EXPECT_EQ(journal_.frames, Vector<Frame>{to.frame});
    EXPECT_TRUE(cell_is_journaled(file_, 6));
    EXPECT_TRUE(file_.has(kObjMightBeDirty));
}

}  // namespace
}  // namespace vmref::impl
