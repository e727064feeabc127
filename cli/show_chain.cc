// Object chains, from the processes down: what vm_object's debugger print and vmochk tell.
#include <fmt/format.h>

#include <set>

#include "cli/describe.h"
#include "cli/show_state.h"
#include "cli/table.h"
#include "impl/vm/object_debug.h"

namespace vmref::cli {

using namespace impl;

namespace {

Table object_table() {
    return Table({"object", "index", "refs", "shadows", "size", "resident", "blocks", "flags"});
}

// `index`: of the page that the entry's first page is at this level.
void add_object(Table& table, const Scene& scene, const Object& object, std::size_t depth, const std::string& index) {
    const std::string lead = depth == 0 ? "" : std::string(2 * depth - 2, ' ') + "> ";
    table.add({lead + scene.object_text(object), index, std::to_string(object.ref_count),
               std::to_string(object.shadow_count), std::to_string(object.size),
               std::to_string(object.resident_page_count), std::to_string(object.swap_count),
               object_flags_text(object)});
}

// The chain from `top` down; `offset` into it, bytes.
void show_levels(const Scene& scene, const Object& top, std::uint64_t offset, std::ostream& out) {
    Table table = object_table();
    std::size_t depth = 0;
    for (const Object* object = &top; object != nullptr; object = object->backing) {
        add_object(table, scene, *object, depth++, std::to_string(offset >> kPageShift));
        offset += object->backing_offset;
    }
    table.put(out, 4);
}

// Of an entry without an object: what it has instead.
std::string backing_text(const MapEntry& entry) {
    if (entry.object != nullptr) {
        return "";
    }
    if (entry.device != 0) {
        return fmt::format(": device {} from page {}", entry.device, entry.first_index());
    }
    return entry.submap != nullptr ? ": a submap" : ": no object yet";
}

void show_entry(const Scene& scene, const MapEntry& entry, std::ostream& out) {
    out << fmt::format("  {} {} (at most {})", range_text(entry.start, entry.end), prot_text(entry.protection),
                       prot_text(entry.max_protection));
    std::string words = entry_flags_text(entry);
    if (entry.wired_count != 0) {
        add_word(words, fmt::format("wired {}", entry.wired_count));
    }
    if (entry.avail_ssize != 0) {
        add_word(words, fmt::format("may grow {} pages", entry.avail_ssize));
    }
    out << (words.empty() ? "" : " ") << words << backing_text(entry) << '\n';
    if (entry.object == nullptr) {
        return;
    }
    show_levels(scene, *entry.object, entry.offset, out);
}

// What vmochk looks for (vm_object.c:1795-1822). In the object world a name stands for a map.
void show_unreachable(const Scene& scene, std::ostream& out) {
    const std::vector<const Map*> maps = scene.maps();
    std::set<const Object*> named;
    for (const Object* const top : scene.objects()) {
        for (const Object* object = scene.number_of(*top) != 0 ? top : nullptr; object != nullptr;
             object = object->backing) {
            named.insert(object);
        }
    }
    Table table = object_table();
    std::uint32_t anonymous = 0;
    for (const Object* const object : scene.objects()) {
        anonymous += object->anonymous() ? 1 : 0;
        const ObjectComplaint complaint = check_object(maps, *object);
        if (complaint == ObjectComplaint::unreferenced ||
            (complaint == ObjectComplaint::in_no_map && named.count(object) == 0)) {
            add_object(table, scene, *object, 0, "-");
        }
    }
    if (table.empty()) {
        out << fmt::format("{}: all reachable\n", counted(anonymous, "anonymous object"));
        return;
    }
    out << "objects that nothing leads to, or without a reference:\n";
    table.put(out);
}

}  // namespace

void show_chain(const Scene& scene, std::ostream& out) {
    for (const Map* const map : scene.maps()) {
        out << fmt::format("{}: {}\n", map_text(*map), counted(map->entries.size(), "mapping"));
        for (const MapEntry& entry : map->entries) {
            show_entry(scene, entry, out);
        }
    }
    Table files = object_table();
    for (const Object* const object : scene.objects()) {
        if (scene.number_of(*object) != 0) {
            out << fmt::format("number {}\n", scene.number_of(*object));
            show_levels(scene, *object, 0, out);
        } else if (object->type == ObjectType::vnode) {
            add_object(files, scene, *object, 0, "-");
        }
    }
    if (!files.empty()) {
        out << "files\n";
        files.put(out, 4);
    }
    show_unreachable(scene, out);
}

}  // namespace vmref::cli
