// The system world held to its model: any list of records, on the default machine and on small ones. And whether these
// suites could fail at all.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/codec.h"
#include "ops/config.h"
#include "props/campaign.h"
#include "props/generators/configs.h"
#include "props/generators/system_generator.h"
#include "props/lockstep.h"

namespace vmref::props {
namespace {

struct Records {
    std::vector<Record> list;
};

// What the records are says nothing to a reader; the operations they turn into are logged.
void showValue(const Records& records, std::ostream& out) {
    out << records.list.size() << " records";
}

// Up to `longest` records. Shrinking removes records only: words are arguments relative to a state, so that
// smaller ones are rarely simpler.
rc::Gen<Records> some_records(double longest) {
    const auto record = rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Record>()));
    return rc::gen::map(rc::gen::scale(longest / rc::kNominalSize, rc::gen::container<std::vector<Record>>(record)),
                        [](std::vector<Record> list) { return Records{std::move(list)}; });
}

struct RecordsRun {
    std::vector<Operation> operations;
    std::optional<Violation> violation;
};

RecordsRun run_records(const Config& config, const Records& records) {
    RecordsRun run;
    SystemLockstep lockstep(config, {}, {.checkpoint_every = 512});
    for (const Record& record : records.list) {
        Choices choices(record);
        run.operations.push_back(draw(choices, lockstep.model(), config));
        if (const auto reason = lockstep.refuse(run.operations.back())) {
            run.violation = Violation{"refused", *reason, run.operations.size() - 1};
            return run;
        }
        run.violation = lockstep.apply(run.operations.back());
        if (run.violation) {
            return run;
        }
    }
    run.violation = lockstep.checkpoint();
    return run;
}

// Ends the property with what was violated, and logs what led there.
void require_none(const RecordsRun& run, const Config& config) {
    if (!run.violation) {
        return;
    }
    RC_LOG() << "configuration: " << encode_config(config).dump() << "\n";
    for (const Operation& operation : run.operations) {
        RC_LOG() << encode_operation(operation).dump() << "\n";
    }
    RC_FAIL(run.violation->rule + ": " + run.violation->message);
}

RC_GTEST_PROP(SystemSuite, DefaultMachineFollowsTheModel, ()) {
    const Config config;
    require_none(run_records(config, *some_records(2000)), config);
}

RC_GTEST_PROP(SystemSuite, SmallMachinesFollowTheModel, ()) {
    const Config config = small_config(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
    require_none(run_records(config, *some_records(2000)), config);
}

std::string describe(const CampaignResult& result) {
    return result.violation ? result.violation->rule + ": " + result.violation->message + " after " +
                                  std::to_string(result.trace.size()) + " operations"
                            : "nothing found";
}

// A campaign on the default machine, then on small ones, until one finds a violation. `options` are the last one's.
CampaignResult search(const impl::DefectSet& defects, CampaignOptions& options) {
    options.defects = defects;
    options.max_operations = 100000;
    CampaignResult result = run_campaign(options);
    for (std::uint64_t n = 0; n < 20 && !result.violation; ++n) {
        options.config = small_config(n);
        options.seed = n;
        options.max_operations = 40000;
        result = run_campaign(options);
    }
    return result;
}

TEST(SystemSuite, FindsNothingWithoutDefects) {
    CampaignOptions options;
    const CampaignResult result = search({}, options);
    EXPECT_FALSE(result.violation) << describe(result);
}

class SystemSuiteCanFail : public testing::TestWithParam<const char*> {};

TEST_P(SystemSuiteCanFail, FindsThePlantedDefect) {
    impl::DefectSet defects;
    defects.switch_on(impl::find_defect(GetParam()).value());
    CampaignOptions options;
    const CampaignResult result = search(defects, options);
    ASSERT_TRUE(result.violation) << GetParam() << " went unnoticed";
    RecordProperty("found", describe(result));
    // It is the defect that was found: the same operations without it show nothing.
    SystemLockstep sound(options.config, {});
    for (const Operation& operation : result.trace) {
        // With the defect, another process may have been killed for memory, or another address chosen.
        if (!sound.refuse(operation)) {
            const auto violation = sound.apply(operation);
            ASSERT_FALSE(violation) << violation->rule << ": " << violation->message;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, SystemSuiteCanFail, testing::Values("M-01", "M-08", "B-02", "B-07"),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace vmref::props
