#include "props/smt/scenario.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "impl/machine/pte.h"
#include "ops/codec.h"
#include "props/lockstep.h"
#include "props/worlds.h"

namespace vmref::smt {

namespace {

using nlohmann::json;

std::uint32_t value_of(const Verdict& verdict, std::string_view name) {
    const auto found = std::find_if(verdict.counterexample.begin(), verdict.counterexample.end(),
                                    [name](const Assignment& assignment) { return assignment.name == name; });
    return found == verdict.counterexample.end() ? 0 : found->value;
}

std::string letters(std::uint32_t prot) {
    std::string text;
    text += (prot & kProtRead) != 0 ? "r" : "";
    text += (prot & kProtWrite) != 0 ? "w" : "";
    text += (prot & kProtExecute) != 0 ? "x" : "";
    return text.empty() ? "-" : text;
}

struct Scenario {
    WorldName world;
    std::vector<json> operations;
};

constexpr const char* kVa = "0x08000000";

// What leaves A and M in the word as the counterexample has them.
void use_mapping(std::vector<json>& operations, std::uint32_t word) {
    if ((word & impl::kPteM) != 0) {
        operations.push_back(
            {{"op", "hardware_access"}, {"cpu", 0}, {"kind", "store"}, {"va", kVa}, {"size", 4}, {"value", 1}});
    } else if ((word & impl::kPteA) != 0) {
        operations.push_back({{"op", "hardware_access"}, {"cpu", 0}, {"kind", "load"}, {"va", kVa}, {"size", 4}});
    }
}

Scenario of_protect_big(const Verdict& verdict) {
    const std::uint32_t word = value_of(verdict, "pde");
    Scenario scenario{WorldName::pmap, {}};
    scenario.operations = {{{"op", "pmap_pinit"}, {"pmap", 1}},
                           {{"op", "pmap_setlwpvm"}, {"cpu", 0}, {"pmap", 1}},
                           {{"op", "install_4m"}, {"pmap", 1}, {"va", kVa}, {"prot", "rw"}}};
    use_mapping(scenario.operations, word);
    scenario.operations.push_back({{"op", "pmap_protect"},
                                   {"pmap", 1},
                                   {"va", kVa},
                                   {"pages", 1},
                                   {"prot", letters(value_of(verdict, "prot") & kProtAll)}});
    return scenario;
}

Scenario of_remove(const Verdict& verdict) {
    const std::uint32_t word = value_of(verdict, "old");
    Scenario scenario{WorldName::pmap, {}};
    scenario.operations = {{{"op", "page_alloc"}, {"page", 0}},
                           {{"op", "pmap_pinit"}, {"pmap", 1}},
                           {{"op", "pmap_setlwpvm"}, {"cpu", 0}, {"pmap", 1}},
                           {{"op", "pmap_enter"}, {"pmap", 1}, {"va", kVa}, {"page", 0}, {"prot", "rw"}}};
    use_mapping(scenario.operations, word);
    scenario.operations.push_back({{"op", "pmap_remove"}, {"pmap", 1}, {"va", kVa}, {"pages", 1}});
    return scenario;
}

// A wired entry whose maximum exceeds its protection is forked. Only what can be read can be wired.
Scenario of_copied_entry(const Verdict& verdict) {
    const std::uint32_t protection = (value_of(verdict, "protection") | kProtRead) & kProtAll;
    return {WorldName::system,
            {{{"op", "spawn"}, {"pid", 1}},
             {{"op", "mmap"}, {"pid", 1}, {"addr", "0x00010000"}, {"length", 4096}, {"prot", "rw"}, {"fixed", true}},
             {{"op", "mprotect"}, {"pid", 1}, {"addr", "0x00010000"}, {"length", 4096}, {"prot", letters(protection)}},
             {{"op", "mlock"}, {"pid", 1}, {"addr", "0x00010000"}, {"length", 4096}},
             {{"op", "fork"}, {"parent", 1}, {"child", 2}}}};
}

// A private mapping of a file has a shadow, by a store to its second page; its first is read.
Scenario of_read_below_top(const Verdict& /*verdict*/) {
    return {WorldName::system,
            {{{"op", "spawn"}, {"pid", 1}},
             {{"op", "create_file"}, {"file", 1}, {"size", 8192}, {"path", ""}},
             {{"op", "mmap"},
              {"pid", 1},
              {"addr", "0x00010000"},
              {"length", 8192},
              {"prot", "rw"},
              {"fixed", true},
              {"file", 1}},
             {{"op", "store"}, {"pid", 1}, {"addr", "0x00011000"}, {"size", 4}, {"value", 1}},
             {{"op", "load"}, {"pid", 1}, {"addr", "0x00010000"}, {"size", 4}}}};
}

// An entry without rights is wired.
Scenario of_wired_none(const Verdict& /*verdict*/) {
    return {WorldName::system,
            {{{"op", "spawn"}, {"pid", 1}},
             {{"op", "mmap"}, {"pid", 1}, {"addr", "0x00010000"}, {"length", 4096}, {"prot", "-"}, {"fixed", true}},
             {{"op", "mlock"}, {"pid", 1}, {"addr", "0x00010000"}, {"length", 4096}}}};
}

json object_shadow(int source, int object, int offset) {
    return {{"op", "object_shadow"}, {"source", source}, {"object", object}, {"offset", offset}, {"pages", 1}};
}

json about_object(const char* op, int object) {
    return {{"op", op}, {"object", object}};
}

json put(int object, int index, int value) {
    return {{"op", "object_put"}, {"object", object}, {"index", index}, {"value", value}};
}

// Object 2 shadows object 1; each has at its one index what the counterexample says.
Scenario of_two_objects(const Verdict& verdict) {
    Scenario scenario{WorldName::object, {{{"op", "object_allocate"}, {"object", 1}, {"pages", 1}}}};
    std::vector<json>& operations = scenario.operations;
    if (value_of(verdict, "below.valid") != 0) {
        operations.push_back(put(1, 0, 1));
    }
    operations.push_back(about_object("object_reference", 1));
    operations.push_back(object_shadow(1, 2, 0));
    if (value_of(verdict, "above.valid") != 0) {
        operations.push_back(put(2, 0, 2));
    } else if (value_of(verdict, "above.resident") != 0) {
        operations.push_back({{"op", "object_grab"}, {"object", 2}, {"index", 0}});
    }
    return scenario;
}

// The lower object loses its other reference: it is merged.
Scenario of_collapse(const Verdict& verdict) {
    Scenario scenario = of_two_objects(verdict);
    scenario.operations.push_back(about_object("object_deallocate", 1));
    return scenario;
}

Scenario of_bypass(const Verdict& verdict) {
    Scenario scenario = of_two_objects(verdict);
    scenario.operations.push_back(about_object("object_collapse", 2));
    return scenario;
}

// Object 3 shadows object 2, which shadows the second page of object 1.
Scenario of_three_objects() {
    return {WorldName::object,
            {{{"op", "object_allocate"}, {"object", 1}, {"pages", 2}},
             put(1, 0, 1),
             put(1, 1, 2),
             about_object("object_reference", 1),
             object_shadow(1, 2, 1),
             about_object("object_reference", 2),
             object_shadow(2, 3, 0)}};
}

Scenario of_merge_in_the_middle(const Verdict& /*verdict*/) {
    Scenario scenario = of_three_objects();
    scenario.operations.push_back(about_object("object_deallocate", 2));
    return scenario;
}

Scenario of_bypass_in_the_middle(const Verdict& /*verdict*/) {
    Scenario scenario = of_three_objects();
    scenario.operations.push_back(about_object("object_collapse", 3));
    return scenario;
}

// A page that its block equals moves up by a merge, and is taken for clean by the daemon.
Scenario of_rename(const Verdict& /*verdict*/) {
    return {WorldName::object,
            {{{"op", "object_allocate"}, {"object", 1}, {"pages", 1}},
             put(1, 0, 1),
             about_object("object_reference", 1),
             object_shadow(1, 2, 0),
             {{"op", "object_write"}, {"object", 1}, {"index", 0}},
             about_object("object_deallocate", 1),
             {{"op", "object_pageout"}, {"pages", 1}}}};
}

struct Row {
    std::string_view begin;  // of the obligation's name
    Scenario (*build)(const Verdict& verdict);
};
constexpr Row kRows[] = {
    {"Z-5.protect_big.", of_protect_big},
    {"Z-5.remove.", of_remove},
    {"Z-4.copied_entry.", of_copied_entry},
    {"Z-4.fault.writable_only_at_the_top", of_read_below_top},
    {"Z-4.fault.none_maps_nothing", of_wired_none},
    {"Z-1.collapse.content_is_kept", of_collapse},
    {"Z-2.bypass.content_is_kept", of_bypass},
    {"Z-8.merge.", of_merge_in_the_middle},
    {"Z-8.bypass.", of_bypass_in_the_middle},
    {"Z-8.shadow.", of_bypass_in_the_middle},
    {"Z-9.rename.", of_rename},
};

std::optional<props::Violation> run(const Trace& trace, const impl::DefectSet& defects) {
    return props::with_world(trace.world, [&]<class World>() -> std::optional<props::Violation> {
        props::Lockstep<World> lockstep(trace.config, defects);
        for (const Step& step : trace.steps) {
            if (lockstep.refuse(step.operation)) {
                return std::nullopt;
            }
            if (auto violation = lockstep.apply(step.operation)) {
                return violation;
            }
        }
        return lockstep.checkpoint();
    });
}

}  // namespace

std::optional<Trace> trace_of(const Verdict& verdict, const std::vector<std::string>& defects) {
    const Row* const row = std::find_if(std::begin(kRows), std::end(kRows),
                                        [&](const Row& r) { return verdict.name.starts_with(r.begin); });
    if (verdict.result != Result::refuted || row == std::end(kRows)) {
        return std::nullopt;
    }
    const Scenario scenario = row->build(verdict);
    Trace trace;
    trace.world = scenario.world;
    trace.defects = defects;
    for (const json& operation : scenario.operations) {
        trace.steps.push_back(Step{decode_operation(operation), std::nullopt});
    }
    impl::DefectSet on;
    for (const std::string& id : defects) {
        on.switch_on(*impl::find_defect(id));
    }
    const std::optional<props::Violation> violation = run(trace, on);
    if (!violation || run(trace, {})) {
        return std::nullopt;
    }
    trace.note = violation->rule + ": " + violation->message;
    return trace;
}

}  // namespace vmref::smt
