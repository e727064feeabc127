#include "impl/defects/defects.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "impl/defects/assertion.h"

namespace vmref::impl {
namespace {

TEST(DefectCatalogue, IsIndexedByTheEnumeration) {
    const auto catalogue = defect_catalogue();
    ASSERT_EQ(catalogue.size(), static_cast<std::size_t>(Defect::count));
    for (std::size_t i = 0; i < catalogue.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(catalogue[i].defect), i) << catalogue[i].id;
    }
}

TEST(DefectCatalogue, EveryEntryIsComplete) {
    const std::regex detectors("(I-[0-9]{2}|LS|P|DL)(, (I-[0-9]{2}|LS|P|DL))*");
    const std::set<std::string_view> worlds{"system", "object", "pmap", "machine"};
    const std::set<std::string_view> reaches{"seq", "il", "proof"};
    std::set<std::string_view> ids;
    for (const DefectInfo& info : defect_catalogue()) {
        EXPECT_TRUE(ids.insert(info.id).second) << info.id << " twice";
        EXPECT_FALSE(info.title.empty()) << info.id;
        EXPECT_FALSE(info.source.empty()) << info.id;
        EXPECT_TRUE(worlds.contains(info.world)) << info.id;
        EXPECT_TRUE(reaches.contains(info.reach)) << info.id;
        EXPECT_TRUE(std::regex_match(std::string(info.detectors), detectors)) << info.id;
    }
}

TEST(DefectCatalogue, FindsByIdOnly) {
    for (const DefectInfo& info : defect_catalogue()) {
        EXPECT_EQ(find_defect(info.id), info.defect);
    }
    EXPECT_EQ(find_defect("B-106"), Defect::b106_pageout_skips_write);
    EXPECT_EQ(find_defect("B-1"), std::nullopt);
    EXPECT_EQ(find_defect(""), std::nullopt);
}

TEST(DefectSet, SwitchesOneAtATime) {
    DefectSet set;
    EXPECT_TRUE(set.none());
    set.switch_on(Defect::m01_backing_page_writable);
    EXPECT_FALSE(set.none());
    for (const DefectInfo& info : defect_catalogue()) {
        EXPECT_EQ(set.on(info.defect), info.defect == Defect::m01_backing_page_writable) << info.id;
    }
}

TEST(Assertion, NamesRuleStatementAndPlace) {
    EXPECT_NO_THROW(ensure_rule(true, "I-46", "holds"));
    try {
        ensure_rule(false, "I-46", "no page stays busy");
        FAIL() << "nothing was thrown";
    } catch (const Finding& finding) {
        EXPECT_EQ(finding.rule(), "I-46");
        const std::string what = finding.what();
        EXPECT_EQ(what.find("no page stays busy (impl/defects/defects_test.cc:"), 0U) << what;
    }
}

TEST(Assertion, PlainEnsureHasItsOwnRule) {
    EXPECT_NO_THROW(ensure(true, "holds"));
    try {
        ensure(false, "does not hold");
        FAIL() << "nothing was thrown";
    } catch (const Finding& finding) {
        EXPECT_EQ(finding.rule(), "assertion");
    }
}

}  // namespace
}  // namespace vmref::impl
