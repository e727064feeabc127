#include "cli/run_cli.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Error.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <new>
#include <string_view>

#include "cli/check.h"
#include "cli/command.h"
#include "cli/defects.h"
#include "cli/prove.h"
#include "cli/replay.h"
#include "cli/report.h"
#include "cli/shrink.h"
#include "props/machine/qemu.h"
#include "traces/bad_input.h"

namespace vmref::cli {

namespace {

constexpr const char* kFooter =
    "Exit status: 0 everything holds, 1 a violation was found, 2 bad input or usage,\n"
    "3 could not run (memory, files, no QEMU, no Z3).";

// The words of CLI11, in the form of ours.
std::string explain(const CLI::App& app, const CLI::ParseError& error) {
    std::string text = error.what();
    for (const std::string_view lead :
         {"The following argument was not expected: ", "The following arguments were not expected: "}) {
        if (text.starts_with(lead)) {
            return "unexpected argument '" + text.substr(lead.size()) + "'";
        }
    }
    if (text == "A subcommand is required") {
        const std::vector<std::string> others = app.remaining();
        return fmt::format("expected a command: check, replay, shrink, report or defects{} (see: vmref --help)",
                           others.empty() ? "" : "; got '" + others.front() + "'");
    }
    return text;
}

std::string chosen_name(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return commands.empty() ? std::string() : commands.back()->get_name() + ": ";
}

// Parses, then runs the command chosen.
int run(CLI::App& app, std::vector<std::string> args, const Command& chosen, const Streams& streams) {
    try {
        std::reverse(args.begin(), args.end());
        app.parse(std::move(args));
    } catch (const CLI::Success& request) {
        app.exit(request, streams.out, streams.err);
        return kHolds;
    } catch (const CLI::ParseError& error) {
        throw UsageError(explain(app, error));
    }
    return chosen(streams);
}

int run_reporting(CLI::App& app, const std::vector<std::string>& args, const Command& chosen, const Streams& streams) {
    try {
        const int status = run(app, args, chosen, streams);
        streams.out.flush();
        if (!streams.out) {
            throw CannotRun("the output cannot be written");
        }
        return status;
    } catch (const UsageError& error) {
        put_problem(streams.err, BadInput(chosen_name(app) + error.what()).what());
        return kBadInput;
    } catch (const BadInput& error) {
        put_problem(streams.err, error.what());
        return kBadInput;
    } catch (const CannotRun& error) {
        put_problem(streams.err, error.what());
        return kCannotRun;
    } catch (const props::NoOracle& error) {
        put_problem(streams.err, error.what());
        return kCannotRun;
    } catch (const std::bad_alloc&) {
        put_problem(streams.err, "out of memory on this machine");
        return kCannotRun;
    }
}

}  // namespace

int run_cli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err) {
    CLI::App app("Checks a reference implementation of BSD virtual memory against its model.", "vmref");
    app.set_version_flag("--version", std::string("vmref ") + VMREF_VERSION);
    app.require_subcommand(1);
    app.footer(kFooter);
    Command chosen;
    add_check(app, chosen);
    add_replay(app, chosen);
    add_shrink(app, chosen);
    add_report(app, chosen);
    add_prove(app, chosen);
    add_defects(app, chosen);
    return run_reporting(app, args, chosen, Streams{out, err});
}

}  // namespace vmref::cli
