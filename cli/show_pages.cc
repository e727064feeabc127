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
std::string mappings_text(const System& system, const Page& page) {
    constexpr std::size_t most = 4;
    std::string text;
    std::size_t count = 0;
    for (const PvEntry& pv : page.pv_list) {
        if (count++ < most) {
            add_word(text, owner_text(system, pv.pmap->id) + " " + hex(pv.va), ", ");
        }
    }
    return count > most ? fmt::format("{}, {} more", text, count - most) : text;
}

}  // namespace

void show_pages(System& system, std::ostream& out) {
    PageSystem& pages = system.kernel().pages;
    show_queues(pages, out);
    Table table({"frame", "object", "index", "valid", "dirty", "wire", "hold", "queue", "flags", "mapped by"});
    for (const Page& page : pages.pages()) {
        if (page.frame == 0 || page.queue == Queue::free) {
            continue;
        }
        const bool owned = page.object != nullptr;
        table.add({std::to_string(page.frame), owned ? object_text(*page.object) : "-",
                   owned ? std::to_string(page.pindex) : "-", fmt::format("{:#04x}", page.valid),
                   fmt::format("{:#04x}", page.dirty), std::to_string(page.wire_count), std::to_string(page.hold_count),
                   queue_name(page.queue), page_flags_text(page), mappings_text(system, page)});
    }
    if (!table.empty()) {
        table.put(out);
    }
}

const std::vector<std::string>& show_kinds() {
    static const std::vector<std::string> kinds{"chain", "pagetable", "tlb", "pages"};
    return kinds;
}

void show_state(const std::string& kind, System& system, std::ostream& out) {
    if (kind == "chain") {
        show_chain(system, out);
    } else if (kind == "pagetable") {
        show_page_tables(system, out);
    } else if (kind == "tlb") {
        show_tlbs(system, out);
    } else {
        show_pages(system, out);
    }
}

}  // namespace vmref::cli
