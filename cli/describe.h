// How the kernel's nouns read: PTEs, entries, objects, pages.
#pragma once

#include <cstdint>
#include <string>

#include "impl/system.h"
#include "ops/types.h"

namespace vmref::cli {

std::string hex(std::uint32_t word);            // "0x00010000"
std::string range_text(Va start, Va end);       // "0x00010000-0x00012000"
std::string prot_text(std::uint32_t prot);      // "rw-"
std::string status_text(Status status);         // "success"
std::string pte_text(std::uint32_t word);       // "0x00005467 [frame 5 V RW U A M managed]"
std::string pte_bits_text(std::uint32_t word);  // "V RW U A M managed"

const char* type_name(impl::ObjectType type);
const char* queue_name(impl::Queue queue);
std::string object_flags_text(const impl::Object& object);  // "ONEMAPPING WRITEABLE"
std::string page_flags_text(const impl::Page& page);        // "MAPPED REFERENCED"
std::string entry_flags_text(const impl::MapEntry& entry);  // "COW NEEDS_COPY"

// "object 3 (swap)"; of a file "object 2 (vnode, file 5)".
std::string object_text(const impl::Object& object);
// "0x00010000-0x00012000 rw- COW NEEDS_COPY, object 3 (default) from index 0"
std::string entry_text(const impl::MapEntry& entry);

std::string counted(std::uint64_t count, const char* thing);  // "1 page", "2 pages"

// Appends `word` to a list of words.
void add_word(std::string& list, const std::string& word, const char* between = " ");

}  // namespace vmref::cli
