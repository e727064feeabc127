// `vmref replay --show`: the state of a system as tables.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "impl/system.h"

namespace vmref::cli {

// What --show takes: chain, pagetable, tlb, pages.
const std::vector<std::string>& show_kinds();
// Requires: one of show_kinds(). Changes nothing.
void show_state(const std::string& kind, impl::System& system, std::ostream& out);

void show_chain(const impl::System& system, std::ostream& out);
void show_page_tables(const impl::System& system, std::ostream& out);
void show_tlbs(const impl::System& system, std::ostream& out);
void show_pages(impl::System& system, std::ostream& out);

}  // namespace vmref::cli
