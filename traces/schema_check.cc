#include "traces/schema_check.h"

#include <nlohmann/json.hpp>
#include <string>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace vmref {

namespace {

using Json = nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

// One schema, ready for use. Not for several threads at a time: the validator keeps what it compiled.
class Checker {
  public:
    explicit Checker(const Json& document) {
        valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(Adapter(document), schema_);
    }

    void check(const Json& json) {
        const Adapter target(json);
        if (validator_.validate(schema_, target, nullptr)) {
            return;
        }
        valijson::ValidationResults results;
        validator_.validate(schema_, target, &results);
        // The errors of a part come before those of the whole it spoils.
        valijson::ValidationResults::Error error;
        results.popError(error);
        std::string pointer;
        for (std::size_t n = 1; n < error.context.size(); ++n) {
            const std::string& step = error.context[n];
            pointer += "/" + (step.starts_with('[') && step.ends_with(']') ? step.substr(1, step.size() - 2) : step);
        }
        throw DecodeError(pointer, "expected what traces/schema.json allows: " + error.description);
    }

  private:
    valijson::Schema schema_;
    valijson::Validator validator_;
};

// The definition `name` as a schema of its own: its references lead to the other definitions.
Json definition(const Json& document, const char* name) {
    Json result = document.at("definitions").at(name);
    result["definitions"] = document.at("definitions");
    return result;
}

}  // namespace

void check_trace_schema(const Json& json) {
    static thread_local Checker checker(Json::parse(kTraceSchema));
    checker.check(json);
}

void check_operation_schema(const Json& json) {
    static thread_local Checker checker(definition(Json::parse(kTraceSchema), "operation"));
    checker.check(json);
}

}  // namespace vmref
