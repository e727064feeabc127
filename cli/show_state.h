// `vmref replay --show`: the state of a kernel as tables.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/scene.h"

namespace vmref::cli {

// What --show takes: chain, objects, pagetable, tlb, pages.
const std::vector<std::string>& show_kinds();
// Requires: one of show_kinds(). Changes nothing.
void show_state(const std::string& kind, const Scene& scene, std::ostream& out);

void show_chain(const Scene& scene, std::ostream& out);
void show_objects(const Scene& scene, std::ostream& out);
void show_page_tables(const Scene& scene, std::ostream& out);
void show_tlbs(const Scene& scene, std::ostream& out);
void show_pages(const Scene& scene, std::ostream& out);

}  // namespace vmref::cli
