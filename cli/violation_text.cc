#include "cli/violation_text.h"

#include <algorithm>
#include <array>

#include "cli/text.h"
#include "props/invariants/asserted.h"
#include "props/invariants/invariant_set.h"

namespace vmref::cli {

namespace {

struct NamedRule {
    std::string_view rule;
    RuleText text;
};

// The rules without a number.
constexpr std::array kOthers{
    NamedRule{"observation.signal",
              {"an access ends in the signal that the model gives, or in none", "vm_fault.c:569-795"}},
    NamedRule{"observation.status", {"an operation ends with the status that the model gives", "ops/operation.h"}},
    NamedRule{"observation.value", {"an operation gives the value that the model holds", "vm_fault.c:1593-2187"}},
    NamedRule{"observation.address", {"an operation gives the address that the model gives", "ops/operation.h"}},
    NamedRule{"observation.witness",
              {"what the sources leave open is chosen within what the model permits",
               "vm_object.c:873-990, vm_fault.c:1755-1772"}},
    NamedRule{"contents", {"the chain of an entry shows what the model holds for the page", "vm_fault.c:1593-2058"}},
    NamedRule{"attributes",
              {"an entry has the range, protection, inheritance and wiring of the model's", "ops/operation.h"}},
    NamedRule{"file.size", {"a file has the size of the model's", "ops/operation.h"}},
    NamedRule{"file.contents", {"a file has the contents of the model's", "vm_object.c:486-752"}},
    NamedRule{"machine.tables", {"the MMU leaves the table words as the manual says", "i386 manual"}},
    NamedRule{"machine.data", {"an access stores where the tables lead", "i386 manual"}},
    NamedRule{"case", {"a case of our own ends as it was written down", "i386 manual"}},
    NamedRule{"qemu.outcome", {"QEMU's MMU allows what the model allows", "i386 manual"}},
    NamedRule{"qemu.fault", {"QEMU's MMU reports the page fault that the model reports", "i386 manual"}},
    NamedRule{"qemu.value", {"QEMU's MMU leads to the data that the model has", "i386 manual"}},
    NamedRule{"qemu.words", {"QEMU's MMU marks the words that the model marks", "i386 manual"}},
    NamedRule{"qemu.memory", {"QEMU's memory ends as the model's does", "i386 manual"}},
    NamedRule{"deadlock", {"whoever waits is served at some time", "vm_fault.c:1625-1637, 1751-1772"}},
    NamedRule{"assertion",
              {"a promise within the implementation holds", "the file and line at the end of the message"}},
    NamedRule{"recorded.signal",
              {"what the recorded program did without a signal takes none", "traces/recorded/README.md"}},
    NamedRule{"expectation", {"an operation gives what the trace expects", "traces/README.md"}},
};

}  // namespace

RuleText rule_text(std::string_view rule) {
    for (const props::Invariant& invariant : props::invariant_table()) {
        if (invariant.id == rule) {
            return {invariant.statement, invariant.source};
        }
    }
    for (const props::Invariant& invariant : props::asserted_invariants()) {
        if (invariant.id == rule) {
            return {invariant.statement, invariant.source};
        }
    }
    for (const NamedRule& other : kOthers) {
        if (other.rule == rule) {
            return other.text;
        }
    }
    return {"", ""};
}

void put_violation(std::ostream& out, const props::Violation& violation) {
    const RuleText text = rule_text(violation.rule);
    out << "VIOLATED " << violation.rule << ": " << violation.message << "\n  rule:   " << text.statement
        << "\n  source: " << text.source << '\n';
}

void put_last_operations(std::ostream& out, const std::vector<Operation>& operations) {
    constexpr std::size_t most = 5;
    for (std::size_t n = operations.size() - std::min(operations.size(), most); n < operations.size(); ++n) {
        out << "    " << operation_text(operations[n]) << '\n';
    }
}

}  // namespace vmref::cli
