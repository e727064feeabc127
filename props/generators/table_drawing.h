// Mappings with a virtual page table (Mmap::vpagetable): their tables, and what is said about them, drawn.
#pragma once

#include <optional>

#include "model/system.h"
#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/generators/places.h"

namespace vmref::props {

class TableDrawing {
  public:
    TableDrawing(Choices& choices, const model::System& model, Places& places)
        : choices_(choices), model_(model), places_(places) {}

    // A store of one word of a table, or a call about them. nullopt: the process has no such mapping.
    std::optional<Operation> operation(Pid pid);

  private:
    std::optional<model::MappingView> tabled_mapping(Pid pid);
    // The word in the mapping's memory, whatever translates it.
    std::uint32_t word_at(Pid pid, const model::MappingView& mapping, std::uint32_t page, std::uint32_t slot) const;
    bool has_directory(Pid pid, const model::MappingView& mapping) const;
    bool has_table(Pid pid, const model::MappingView& mapping) const;
    // What brings the mapping nearer to tables that translate something.
    std::optional<Operation> next_step(Pid pid, const model::MappingView& mapping);
    Operation set_root(Pid pid, const model::MappingView& mapping, std::uint32_t value) const;
    Operation store_word(Pid pid, const model::MappingView& mapping, bool directory);
    std::uint32_t root(const model::MappingView& mapping);
    Va address_of(Pid pid, const model::MappingView& mapping, std::uint32_t page);

    Choices& choices_;
    const model::System& model_;
    Places& places_;
};

}  // namespace vmref::props
