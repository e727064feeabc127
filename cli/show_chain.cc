// Object chains, from the processes down: what vm_object's debugger print and vmochk tell.
#include <fmt/format.h>

#include <set>

#include "cli/describe.h"
#include "cli/show_state.h"
#include "cli/table.h"

namespace vmref::cli {

using namespace impl;

namespace {

Table object_table() {
    return Table({"object", "index", "refs", "shadows", "size", "resident", "blocks", "flags"});
}

// `index`: of the page that the entry's first page is at this level.
void add_object(Table& table, const Object& object, std::size_t depth, const std::string& index) {
    const std::string lead = depth == 0 ? "" : std::string(2 * depth - 2, ' ') + "> ";
    table.add({lead + object_text(object), index, std::to_string(object.ref_count), std::to_string(object.shadow_count),
               std::to_string(object.size), std::to_string(object.resident_page_count),
               std::to_string(object.swap_count), object_flags_text(object)});
}

void show_entry(const MapEntry& entry, std::ostream& out) {
    out << fmt::format("  {} {} (at most {})", range_text(entry.start, entry.end), prot_text(entry.protection),
                       prot_text(entry.max_protection));
    std::string words = entry_flags_text(entry);
    if (entry.wired_count != 0) {
        add_word(words, fmt::format("wired {}", entry.wired_count));
    }
    if (entry.avail_ssize != 0) {
        add_word(words, fmt::format("may grow {} pages", entry.avail_ssize));
    }
    out << (words.empty() ? "" : " ") << words << (entry.object == nullptr ? ": no object yet\n" : "\n");
    if (entry.object == nullptr) {
        return;
    }
    Table table = object_table();
    std::uint64_t offset = entry.offset;
    std::size_t depth = 0;
    for (const Object* object = entry.object; object != nullptr; object = object->backing) {
        add_object(table, *object, depth++, std::to_string(offset >> kPageShift));
        offset += object->backing_offset;
    }
    table.put(out, 4);
}

// The files' own objects are kept by their vnodes, those of page tables by their pmaps.
std::set<const Object*> reachable_objects(const System& system) {
    std::set<const Object*> reachable;
    for (const auto& [pid, process] : system.processes()) {
        for (const MapEntry& entry : process->map.entries) {
            for (const Object* object = entry.object; object != nullptr; object = object->backing) {
                reachable.insert(object);
            }
        }
        if (process->map.pmap != nullptr) {
            reachable.insert(process->map.pmap->pteobj);
        }
    }
    for (const auto& [id, vnode] : system.kernel().vnodes) {
        reachable.insert(vnode->object);
    }
    return reachable;
}

// What vmochk looks for: anonymous objects without a reference, or that no map leads to.
void show_unreachable(const System& system, std::ostream& out) {
    const std::set<const Object*> reachable = reachable_objects(system);
    Table table = object_table();
    std::uint32_t objects = 0;
    for (const Object* const object : system.kernel().objects.all()) {
        objects += object != nullptr ? 1 : 0;
        if (object != nullptr && (reachable.count(object) == 0 || object->ref_count == 0)) {
            add_object(table, *object, 0, "-");
        }
    }
    if (table.empty()) {
        out << fmt::format("all {} objects are reachable\n", objects);
        return;
    }
    out << "objects that nothing leads to, or without a reference:\n";
    table.put(out);
}

}  // namespace

void show_chain(const System& system, std::ostream& out) {
    for (const auto& [pid, process] : system.processes()) {
        out << fmt::format("pid {}: {}\n", pid, counted(process->map.entries.size(), "mapping"));
        for (const MapEntry& entry : process->map.entries) {
            show_entry(entry, out);
        }
    }
    Table files = object_table();
    for (const auto& [id, vnode] : system.kernel().vnodes) {
        add_object(files, *vnode->object, 0, "-");
    }
    if (!files.empty()) {
        out << "files\n";
        files.put(out, 4);
    }
    show_unreachable(system, out);
}

}  // namespace vmref::cli
