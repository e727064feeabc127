// New mappings, and mappings that move or change their length, drawn.
#pragma once

#include "model/system.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/generators/places.h"

namespace vmref::props {

class MappingDrawing {
  public:
    MappingDrawing(Choices& choices, const model::System& model, const Config& config, Places& places)
        : choices_(choices), model_(model), config_(config), places_(places) {}

    Prot prot();
    Mmap mmap(Pid pid);
    Mremap mremap(Pid pid);  // Requires: the process has a mapping

  private:
    void anonymous(Mmap& op);
    void of_file(Mmap& op);
    void place(Mmap& op);

    Choices& choices_;
    const model::System& model_;
    const Config& config_;
    Places& places_;
};

}  // namespace vmref::props
