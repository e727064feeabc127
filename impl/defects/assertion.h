// Assertions for our own bugs. They stay on in every build; a failed one ends as a reported violation.
#pragma once

#include <stdexcept>
#include <string>

namespace vmref::impl {

// A broken promise of the implementation. `rule` is an invariant number ("I-46") or "assertion".
class Finding : public std::runtime_error {
  public:
    Finding(std::string rule, const std::string& what) : std::runtime_error(what), rule_(std::move(rule)) {}
    const std::string& rule() const { return rule_; }

  private:
    std::string rule_;
};

// Every thread of a run waits for something that nobody will do.
class Deadlock : public Finding {
  public:
    explicit Deadlock(const std::string& what) : Finding("deadlock", what) {}
};

[[noreturn]] void fail(const char* rule, const char* statement, const char* file, int line);

// The place is the caller's. Built-ins, because clang 14 has no std::source_location.
inline void ensure(bool ok, const char* statement, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (!ok) [[unlikely]] {
        fail("assertion", statement, file, line);
    }
}

// As ensure, where the promise is a numbered invariant.
inline void ensure_rule(bool ok, const char* rule, const char* statement, const char* file = __builtin_FILE(),
                        int line = __builtin_LINE()) {
    if (!ok) [[unlikely]] {
        fail(rule, statement, file, line);
    }
}

}  // namespace vmref::impl
