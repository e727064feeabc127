#include "traces/bounded_json.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace vmref {

namespace {

using Json = nlohmann::json;
using Event = Json::parse_event_t;

// Counts what the parser is about to hold, and refuses too much.
class Limits {
  public:
    explicit Limits(const TextFile& file) : file_(file) {}

    void see(int depth, Event event, const Json& parsed) {
        if (event == Event::object_start || event == Event::array_start) {
            enter(static_cast<std::size_t>(depth));
        } else if (event == Event::key) {
            const auto& name = parsed.get_ref<const std::string&>();
            if (!names_[static_cast<std::size_t>(depth) - 1].insert(name).second) {
                file_.fail_here("expected each member once, found " +
                                Json(name.substr(0, 40)).dump(-1, ' ', true, Json::error_handler_t::replace) +
                                " twice");
            }
        }
        if (event == Event::value) {
            hold();
        }
    }

    // The values held inside the value just dropped are free again.
    void dropped(int depth) { values_ = starts_[static_cast<std::size_t>(depth)]; }

  private:
    void enter(std::size_t depth) {
        if (depth >= static_cast<std::size_t>(kMaxJsonDepth)) {
            file_.fail_here("expected at most " + std::to_string(kMaxJsonDepth) + " levels of nesting");
        }
        names_.resize(std::max(names_.size(), depth + 1));
        names_[depth].clear();
        starts_[depth] = values_;
        hold();
    }

    void hold() {
        if (++values_ > kMaxJsonValues) {
            file_.fail_here("expected at most " + std::to_string(kMaxJsonValues) + " values");
        }
    }

    const TextFile& file_;
    std::vector<std::set<std::string>> names_;  // by depth, of the object open there
    std::size_t starts_[kMaxJsonDepth] = {};    // by depth, values held when the structure there began
    std::size_t values_ = 0;
};

// The text of the file, watched for what does not end: the parser gathers texts, numbers and also white space.
class Text {
  public:
    explicit Text(TextFile& file) : file_(file) {}

    bool at_end() const { return file_.at_end(); }
    char current() const { return file_.current(); }
    void advance() {
        const char c = file_.current();
        file_.advance();
        if (in_string_) {
            in_string_ = c != '"' || escaped_;
            escaped_ = c == '\\' && !escaped_;
        } else {
            in_string_ = c == '"';
            length_ = std::string_view(",:[]{}\"").find(c) == std::string_view::npos ? length_ : 0;
        }
        if (++length_ > kMaxJsonToken) {
            file_.fail_here("expected a text, number or gap of at most " + std::to_string(kMaxJsonToken) + " bytes");
        }
    }

  private:
    TextFile& file_;
    std::size_t length_ = 0;
    bool in_string_ = false;
    bool escaped_ = false;
};

// What the parser reads from; the end is the one without text.
class TextIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = char;

    explicit TextIterator(Text* text) : text_(text) {}
    char operator*() const { return text_->current(); }
    TextIterator& operator++() {
        text_->advance();
        return *this;
    }
    void operator++(int) { text_->advance(); }
    friend bool operator==(const TextIterator& a, const TextIterator& b) { return a.ended() == b.ended(); }

  private:
    bool ended() const { return text_ == nullptr || text_->at_end(); }

    Text* text_;
};

// "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..." without what leads it in.
std::string explanation(const Json::exception& error) {
    std::string_view text = error.what();
    text.remove_prefix(std::min(text.find("] ") + 2, text.size()));
    if (text.starts_with("parse error at ")) {
        text.remove_prefix(text.find(": ") + 2);
    }
    return "expected JSON: " + std::string(text.substr(0, 300));
}

}  // namespace

Json parse_json(TextFile& file, const JsonFilter& filter) {
    Limits limits(file);
    Text text(file);
    const auto watch = [&](int depth, Event event, Json& parsed) {
        limits.see(depth, event, parsed);
        const bool keep = filter(depth, event, parsed);
        if (!keep && (event == Event::object_end || event == Event::array_end)) {
            limits.dropped(depth);
        }
        return keep;
    };
    try {
        return Json::parse(TextIterator(&text), TextIterator(nullptr), watch);
    } catch (const Json::exception& error) {
        file.fail_here(explanation(error));
    }
}

Json parse_json_line(const TextFile& file, std::string_view line) {
    Limits limits(file);
    const auto watch = [&](int depth, Event event, Json& parsed) {
        limits.see(depth, event, parsed);
        return true;
    };
    try {
        return Json::parse(line.begin(), line.end(), watch);
    } catch (const Json::exception& error) {
        file.fail_here(explanation(error));
    }
}

}  // namespace vmref
