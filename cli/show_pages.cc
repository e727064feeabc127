// Frames and the queues they are on.
#include <fmt/format.h>

#include "cli/describe.h"
#include "cli/show_state.h"
#include "cli/table.h"
#include "cli/text.h"

namespace vmref::cli {

using namespace impl;

namespace {

void show_queues(PageSystem& pages, std::ostream& out) {
    out << fmt::format("frames: {} free, {} active, {} inactive, {} cached, {} wired\n", grouped(pages.free_count()),
                       grouped(pages.active().size()), grouped(pages.inactive().size()), grouped(pages.cache_count()),
                       grouped(pages.wired_count()));
}

// "pid 1 0x00010000, ..."
std::string mappings_text(const Scene& scene, const Page& page) {
    constexpr std::size_t most = 4;
    std::string text;
    std::size_t count = 0;
    for (const PvEntry& pv : page.pv_list) {
        if (count++ < most) {
            add_word(text, scene.owner_text(pv.pmap->id) + " " + hex(pv.va), ", ");
        }
    }
    return count > most ? fmt::format("{}, {} more", text, count - most) : text;
}

}  // namespace

void show_pages(const Scene& scene, std::ostream& out) {
    PageSystem& pages = scene.pages();
    show_queues(pages, out);
    Table table({"frame", "object", "index", "valid", "dirty", "wire", "hold", "queue", "flags", "mapped by"});
    for (const Page& page : pages.pages()) {
        const bool device = page.has(kPageUnmanaged) && page.wire_count == 0 && page.hold_count == 0;
        if (page.frame == 0 || page.queue == Queue::free || device) {
            continue;
        }
        const bool owned = page.object != nullptr;
        table.add({std::to_string(page.frame), owned ? scene.object_text(*page.object) : "-",
                   owned ? std::to_string(page.pindex) : "-", fmt::format("{:#04x}", page.valid),
                   fmt::format("{:#04x}", page.dirty), std::to_string(page.wire_count), std::to_string(page.hold_count),
                   queue_name(page.queue), page_flags_text(page), mappings_text(scene, page)});
    }
    if (!table.empty()) {
        table.put(out);
    }
}

const std::vector<std::string>& show_kinds() {
    static const std::vector<std::string> kinds{"chain", "objects", "pagetable", "tlb", "pages"};
    return kinds;
}

void show_state(const std::string& kind, const Scene& scene, std::ostream& out) {
    if (kind == "chain") {
        show_chain(scene, out);
    } else if (kind == "objects") {
        show_objects(scene, out);
    } else if (kind == "pagetable") {
        show_page_tables(scene, out);
    } else if (kind == "tlb") {
        show_tlbs(scene, out);
    } else {
        show_pages(scene, out);
    }
}

}  // namespace vmref::cli
