// Addresses, pages and pmaps for operations of the pmap world: a few of each, so that they meet; ends of page tables.
#pragma once

#include <cstdint>

#include "model/mapping.h"
#include "props/generators/choices.h"

namespace vmref::props {

class PmapPlaces {
  public:
    PmapPlaces(Choices& choices, const model::Mappings& model) : choices_(choices), model_(model) {}

    CpuId cpu() { return choices_.below(model_.config().cpus); }
    // A pmap that exists, not the kernel's; 1 if there is none.
    PmapNumber pmap();
    PmapNumber new_pmap();
    // A page that exists; 0 if there is none.
    PageNumber page();
    PageNumber page_or_device();
    PageNumber new_page();
    // What is mapped there, else `otherwise`.
    PageNumber page_at(PmapNumber pmap, Va va, PageNumber otherwise) const;
    bool wired(PageNumber page) const;
    // Pages that exist from `page` on, at most 4.
    std::uint32_t consecutive(PageNumber page) const;

    // Page aligned. Often where `pmap` maps something.
    Va user_va(PmapNumber pmap);
    Va entered_kernel_va();
    Va unmanaged_kernel_va();
    Va kernel_va();  // one of the two, or another that something is mapped at
    // At most `pages`, so that the range does not leave what the pmap may map.
    static std::uint32_t fitting(PmapNumber pmap, Va va, std::uint32_t pages);

  private:
    Va mapped_va(PmapNumber pmap);

    Choices& choices_;
    const model::Mappings& model_;
};

}  // namespace vmref::props
