// Objects and their pages: what the debugger's "show object" and "show vmopag" print (vm_object.c:1825-1980).
#include <fmt/format.h>

#include "cli/describe.h"
#include "cli/show_state.h"
#include "impl/vm/object_debug.h"

namespace vmref::cli {

using namespace impl;

namespace {

std::string run_text(const PageRun& run) {
    return run.pages == 1 ? fmt::format("{} in frame {}", run.first, run.frame)
                          : fmt::format("{}-{} in frames {}-{}", run.first, run.first + run.pages - 1, run.frame,
                                        run.frame + run.pages - 1);
}

void show_pages_of(const Object& object, std::ostream& out) {
    constexpr std::size_t runs_in_a_line = 6;  // as the debugger's
    std::string line;
    std::size_t in_line = 0;
    for (const PageRun& run : physical_runs(object)) {
        add_word(line, run_text(run), ", ");
        if (++in_line == runs_in_a_line) {
            out << "    " << line << '\n';
            line.clear();
            in_line = 0;
        }
    }
    if (!line.empty()) {
        out << "    " << line << '\n';
    }
}

}  // namespace

void show_objects(const Scene& scene, std::ostream& out) {
    for (const Object* const object : scene.objects()) {
        std::string words = object_flags_text(*object);
        if (object->backing != nullptr) {
            add_word(words,
                     fmt::format("shadows {} ({}) from index {}", scene.object_text(*object->backing),
                                 counted(object->backing->ref_count, "reference"), object->backing_index(0)),
                     ", ");
        }
        out << fmt::format("{}: {}, {} resident, {}, {}{}{}\n", scene.object_text(*object),
                           counted(object->size, "page"), object->resident_page_count,
                           counted(object->ref_count, "reference"), counted(object->shadow_count, "shadow"),
                           words.empty() ? "" : ", ", words);
        show_pages_of(*object, out);
    }
}

}  // namespace vmref::cli
