#include "cli/chain_graph.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>

#include "cli/command.h"
#include "cli/describe.h"

namespace vmref::cli {

using namespace impl;

namespace {

constexpr const char* kHead =
    "digraph chain {\n"
    "  rankdir=LR;\n"
    "  node [shape=box, fontname=\"Helvetica\", fontsize=11];\n"
    "  edge [fontname=\"Helvetica\", fontsize=10];\n";

std::string entry_node(const MapEntry& entry) {
    return fmt::format("entry_{}_{:08x}", entry.map->pid, entry.start);
}

std::string fill_of(const Object& object) {
    return object.type == ObjectType::vnode ? "#dbe9f6" : object.type == ObjectType::swap ? "#f6ecd2" : "#e7f3df";
}

// "page 0: frame 5, dirty"; the first few.
std::string pages_text(const Object& object) {
    constexpr std::size_t most = 6;
    std::string text;
    std::size_t count = 0;
    for (const Page& page : object.pages) {
        if (count++ < most) {
            text += fmt::format("\\npage {}: frame {}{}", page.pindex, page.frame,
                                page.valid == 0   ? ", not valid"
                                : page.dirty != 0 ? ", dirty"
                                                  : "");
        }
    }
    return count > most ? text + fmt::format("\\n... and {} more", count - most) : text;
}

std::string object_node(const Scene& scene, const Object& object) {
    std::string label = fmt::format("{}\\n{}, {}", scene.object_text(object), counted(object.size, "page"),
                                    counted(object.ref_count, "reference"));
    if (object.swap_count != 0) {
        label += ", " + counted(object.swap_count, "block");
    }
    label += pages_text(object);
    return fmt::format("  object_{} [label=\"{}\", style=filled, fillcolor=\"{}\"];\n", object.id, label,
                       fill_of(object));
}

void add_entry(std::string& graph, const MapEntry& entry) {
    const std::string node = entry_node(entry);
    std::string label = range_text(entry.start, entry.end) + "\\n" + prot_text(entry.protection);
    add_word(label, entry_flags_text(entry));
    graph += fmt::format("  {} [label=\"{}\", style=rounded];\n", node, label);
    graph += fmt::format("  process_{} -> {} [arrowhead=none];\n", entry.map->pid, node);
    if (entry.object != nullptr) {
        graph +=
            fmt::format("  {} -> object_{} [label=\"from page {}\"];\n", node, entry.object->id, entry.first_index());
    }
}

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::string chain_graph(const Scene& scene) {
    std::string graph = kHead;
    for (const Map* const map : scene.maps()) {
        graph += fmt::format("  process_{0} [label=\"{1}\", shape=ellipse];\n", map->pid, map_text(*map));
        for (const MapEntry& entry : map->entries) {
            if (entry.submap == nullptr) {
                add_entry(graph, entry);
            }
        }
    }
    for (const Object* const object : scene.objects()) {
        if (object->type == ObjectType::page_table) {
            continue;
        }
        graph += object_node(scene, *object);
        if (object->backing != nullptr) {
            graph += fmt::format("  object_{} -> object_{} [label=\"shadows, from page {}\", style=bold];\n",
                                 object->id, object->backing->id, object->backing_index(0));
        }
    }
    return graph + "}\n";
}

void draw_graph(const std::string& graph, const std::string& path) {
    const std::unique_ptr<std::FILE, FileCloser> text(std::tmpfile());
    if (text == nullptr || std::fputs(graph.c_str(), text.get()) < 0 || std::fflush(text.get()) != 0 ||
        lseek(fileno(text.get()), 0, SEEK_SET) != 0) {
        throw CannotRun("--svg: no temporary file for the graph");
    }

    std::string program = "dot";
    std::string format = "-Tsvg";
    std::string output = "-o" + path;
    char* const arguments[] = {program.data(), format.data(), output.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(text.get()), STDIN_FILENO);
    pid_t child = 0;
    const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        throw CannotRun(
            "--svg: expected the program dot (package graphviz), which cannot be started; --dot needs none");
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw CannotRun("--svg: dot did not draw " + path);
    }
}

}  // namespace vmref::cli
