#include "traces/trace.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <tuple>
#include <utility>

#include "ops/codec.h"
#include "ops/codec_object.h"
#include "traces/bad_input.h"
#include "traces/bounded_json.h"
#include "traces/replace_file.h"
#include "traces/schema_check.h"
#include "traces/text_file.h"

namespace vmref {

namespace codec {
namespace {

struct Version {
    static std::string expected() { return "the version of the format, " + std::to_string(kTraceVersion); }
    static OrderedJson write(int value) { return value; }
    static bool read(const Json& json, int&) { return json.is_number_integer() && json == kTraceVersion; }
};

struct Configuration {
    static std::string expected() { return "a configuration"; }
    static OrderedJson write(const Config& value) { return encode_config(value); }
    static bool read(const Json& json, Config& value) {
        value = decode_config(json);
        const std::string_view problem = config_problem(value);
        if (!problem.empty()) {
            throw DecodeError("", "expected keys that fit together: " + std::string(problem));
        }
        return true;
    }
};

}  // namespace

// Everything but the operations.
template <>
struct Layout<Trace> {
    static constexpr auto kFields = std::tuple{
        required<Version>("version", &Trace::version),
        always_written<Name<WorldName>>("world", &Trace::world),
        always_written<Number<std::uint64_t>>("seed", &Trace::seed),
        optional<Text>("note", &Trace::note),
        optional<Flag>("recorded", &Trace::recorded),
        optional<List<Text>>("defects", &Trace::defects),
        always_written<Configuration>("config", &Trace::config),
        optional<Text>("schedule", &Trace::schedule),
    };
};

}  // namespace codec

namespace {

using Json = nlohmann::json;
using Event = Json::parse_event_t;

constexpr const char* kOperations = "operations";
constexpr const char* kExpect = "expect";

// Decodes each operation as soon as the parser has it and drops its JSON, so that a trace is never held as a tree.
class TraceReader {
  public:
    explicit TraceReader(TextFile& file) : file_(file) {}

    Trace read() {
        const Json header =
            parse_json(file_, [this](int depth, Event event, Json& parsed) { return see(depth, event, parsed); });
        if (header.is_object() && header.contains("version")) {
            check_version(header["version"]);
        }
        if (deferred_) {
            throw *deferred_;
        }
        take_header(header);
        return std::move(trace_);
    }

  private:
    static constexpr int kMemberDepth = 1;
    static constexpr int kOperationDepth = 2;

    bool see(int depth, Event event, Json& parsed) {
        if (depth == kMemberDepth) {
            if (event == Event::key) {
                member_ = parsed.get_ref<const std::string&>();
            } else if (event == Event::value && member_ == "version") {
                check_version(parsed);
                version_known_ = true;
            }
            in_operations_ = event == Event::array_start && member_ == kOperations;
        }
        if (!in_operations_ || depth != kOperationDepth || event == Event::object_start) {
            return true;
        }
        // The value of an array that begins is not there yet.
        take_operation(event == Event::array_start ? Json::array() : std::move(parsed));
        return false;
    }

    void check_version(const Json& version) const {
        if (version.is_number_unsigned() && version.get<std::uint64_t>() > std::uint64_t{kTraceVersion}) {
            file_.fail("trace version " + version.dump() + " is newer than " + std::to_string(kTraceVersion));
        }
    }

    void take_operation(Json json) {
        if (deferred_) {
            return;
        }
        const std::string at = "/operations/" + std::to_string(trace_.steps.size());
        if (trace_.steps.size() == kMaxTraceOperations) {
            file_.fail(at + ": expected at most " + std::to_string(kMaxTraceOperations) + " operations");
        }
        try {
            trace_.steps.push_back(step(json));
        } catch (const DecodeError& error) {
            const BadInput problem(file_.path() + ": " + at + error.pointer() + ": " + error.problem());
            if (version_known_) {
                throw problem;
            }
            // The version, which may still come, explains more.
            deferred_ = problem;
        }
    }

    Step step(Json& json) const {
        // The codec's message is the clearer one, the schema's verdict stands.
        std::optional<DecodeError> refused;
        try {
            check_operation_schema(json);
        } catch (const DecodeError& error) {
            refused = error;
        }
        Step step;
        step.line = file_.line();
        if (const auto expect = json.find(kExpect); expect != json.end()) {
            try {
                step.expect = decode_observation(*expect);
            } catch (const DecodeError& error) {
                throw error.inside(kExpect);
            }
            json.erase(expect);
        }
        step.operation = decode_operation(json);
        if (refused) {
            throw *refused;
        }
        return step;
    }

    void take_header(const Json& header) {
        std::optional<DecodeError> refused;
        try {
            check_trace_schema(header);
        } catch (const DecodeError& error) {
            refused = error;
        }
        try {
            codec::read_members(header, trace_, kOperations);
            if (!header.contains(kOperations)) {
                throw DecodeError("/operations", "expected a list of operations, found nothing");
            }
            if (refused) {
                throw *refused;
            }
        } catch (const DecodeError& error) {
            file_.fail(error.what());
        }
    }

    TextFile& file_;
    Trace trace_;
    std::string member_;
    bool in_operations_ = false;
    bool version_known_ = false;
    std::optional<BadInput> deferred_;
};

// Keeps to the limits of the reader: what is written can be read.
class TraceWriter {
  public:
    explicit TraceWriter(const std::string& path) : path_(path), file_(path) {}

    void write(const Trace& trace) {
        if (trace.version != kTraceVersion || trace.steps.size() > kMaxTraceOperations) {
            refuse("expected version " + std::to_string(kTraceVersion) + " of a trace with at most " +
                   std::to_string(kMaxTraceOperations) + " operations");
        }
        nlohmann::ordered_json header = nlohmann::ordered_json::object();
        codec::write_members(trace, header);
        put("{\n");
        for (const auto& item : header.items()) {
            put("  \"" + item.key() + "\": ");
            put_json(item.value());
            put(",\n");
        }
        put(std::string("  \"") + kOperations + "\": [");
        for (std::size_t n = 0; n < trace.steps.size(); ++n) {
            nlohmann::ordered_json json = encode_operation(trace.steps[n].operation);
            if (trace.steps[n].expect) {
                json[kExpect] = encode_observation(*trace.steps[n].expect);
            }
            put(n == 0 ? "\n    " : ",\n    ");
            put_json(json);
        }
        put(trace.steps.empty() ? "]\n}\n" : "\n  ]\n}\n");
        file_.commit();
    }

  private:
    [[noreturn]] void refuse(const std::string& why) const { throw BadInput(path_ + ": cannot be written: " + why); }

    void put(std::string_view text) {
        bytes_ += text.size();
        if (bytes_ > kMaxTraceBytes) {
            refuse("expected at most " + std::to_string(kMaxTraceBytes) + " bytes");
        }
        file_.write(text);
    }

    void put_json(const nlohmann::ordered_json& json) {
        check_texts(json);
        put(json.dump());
    }

    void check_texts(const nlohmann::ordered_json& json) const {
        constexpr std::size_t longest_escape = 6;
        if (json.is_structured()) {
            for (const auto& part : json) {
                check_texts(part);
            }
        } else if (json.is_string() && json.get_ref<const std::string&>().size() > kMaxJsonToken / longest_escape &&
                   json.dump().size() > kMaxJsonToken) {
            refuse("expected texts of at most " + std::to_string(kMaxJsonToken) + " bytes");
        }
    }

    std::string path_;
    ReplaceFile file_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

Trace read_trace(const std::string& path) {
    TextFile file(path, kMaxTraceBytes);
    return read_trace(file);
}

Trace read_trace(TextFile& file) {
    return TraceReader(file).read();
}

void write_trace(const std::string& path, const Trace& trace) {
    try {
        TraceWriter writer(path);
        writer.write(trace);
    } catch (const Json::exception&) {
        throw BadInput(path + ": cannot be written: expected UTF-8 in every text");
    }
}

}  // namespace vmref
