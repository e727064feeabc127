// All registered invariants, and what a run has made of them. Each world evaluates those that concern it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ops/world.h"
#include "props/invariants/registry.h"
#include "props/violation.h"

namespace vmref::props {

// In the order of the table in rule_book.cc.
enum class Rule : std::uint8_t {
    i01,
    i02,
    i03,
    i04,
    i05,
    i06,
    i08,
    i09,
    i10,
    i11,
    i12,
    i13,
    i14,
    i15,
    i16,
    i17,
    i18,
    i19,
    i20,
    i21,
    i22,
    i23,
    i24,
    i25,
    i26,
    i27,
    i29,
    i30,
    i31,
    i32,
    i33,
    i34,
    i35,
    i36,
    i37,
    i38,
    i39,
    i40,
    i43,
    i44,
    i45,
    i46,
    i48,
    i49,
    i50,
    i51,
    i53,
    i54,
    i56,
    i57,
    i58,
    i59,
    i60,
    i61,
    i62,
    i63,
    i64,
    i65,
    i66,
    i67,
    i68,
    i69,
    i70,
    i71,
    i72,
    i73,
    i75,
    i76,
    i77,
    i78,
    i79,
    i83,
    i86,
    i88,
    i90,
    i91,
    i92,
    i93,
    i94,
    i95,
    i96,
    i97,
    i98,
    i99,
    count,
};

// In the order of Rule, nothing counted yet.
std::span<const Invariant> invariant_table();

// The first violation is kept; later ones only count.
class RuleBook {
  public:
    explicit RuleBook(WorldName world);
    RuleBook(const RuleBook&) = delete;
    RuleBook& operator=(const RuleBook&) = delete;

    // One evaluation of `rule`; on a violation `describe()` gives the message.
    template <class Describe>
    bool evaluate(Rule rule, bool premise, bool holds, Describe&& describe) {
        if (invariants_[static_cast<std::size_t>(rule)].evaluate(premise, holds)) [[likely]] {
            return true;
        }
        report(rule, describe());
        return false;
    }

    // The implementation itself found `rule` broken, which may be one of these.
    void count_violation(std::string_view rule);

    const std::optional<Violation>& violation() const { return violation_; }
    std::span<const Invariant> invariants() const { return invariants_; }

  private:
    void report(Rule rule, std::string message);

    std::array<Invariant, static_cast<std::size_t>(Rule::count)> invariants_;
    std::optional<Violation> violation_;
};

}  // namespace vmref::props
