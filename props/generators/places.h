// Where a drawn operation works: processes, files, addresses and ranges, relative to the model state, with a bias to
// corners.
#pragma once

#include <cstdint>
#include <optional>

#include "model/system.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"

namespace vmref::props {

inline constexpr Va kPageTableSpan = 0x400000U;  // bytes that one page table maps

struct AddressRange {
    Va addr;
    std::uint32_t length;
};

struct MappingOf {
    Pid pid;
    model::MappingView mapping;
};

// One operation's view of the state. Processes must exist where a Pid is asked for or given.
class Places {
  public:
    Places(Choices& choices, const model::System& model, const Config& config)
        : choices_(choices), model_(model), config_(config) {}

    Pid process();
    Pid unused_pid() const;  // the lowest

    // A file that exists; 0 if there is none.
    FileId file();
    // A position in or near a file of this size, often at its end or at the start of a page.
    std::uint32_t position(std::uint32_t size);

    // Where an access of `size` bytes goes that needs the right `needed`. Mostly mapped and allowed, sometimes not, now
    // and then the kernel's.
    Va access(Pid pid, std::uint32_t size, Prot needed);

    // For operations on a range: mostly one mapping or a part of it; sometimes several, with a hole, unaligned, empty
    // or beyond user space.
    AddressRange range(Pid pid);
    bool any_locked(Pid pid) const;
    // As range; mostly of locked mappings, if there are any.
    AddressRange locked_range(Pid pid);
    // A locked shared mapping of a file that may be stored to, of any process.
    std::optional<MappingOf> locked_file();
    // A private mapping of a file that children inherit shared.
    std::optional<model::MappingView> inherited_file(Pid pid);
    // Whole mappings, from one on as far as they adjoin, at most four.
    AddressRange adjoining(Pid pid);
    // Page-aligned part of one mapping, not empty. Requires: the process has a mapping.
    AddressRange part(Pid pid);

    // Page-aligned room for `pages` in user space: one of a few places, so that mappings collide, adjoin one another
    // and cross the boundaries of page tables. Requires: they fit in user space.
    Va place(Pid pid, std::uint32_t pages);
    // Pages of a new mapping.
    std::uint32_t mapping_pages();

  private:
    template <class Fits>
    std::optional<model::MappingView> some_mapping(Pid pid, Fits fits);
    std::uint32_t some_favoured(std::uint32_t count, std::uint32_t favoured);
    model::MappingView mapping(Pid pid);
    model::MappingView accessible_mapping(Pid pid, Prot needed);
    std::uint32_t pages_with_data(const model::MappingView& mapping) const;
    std::uint32_t page_in(const model::MappingView& mapping);
    std::uint32_t page_at_end_of_file(const model::MappingView& mapping);
    std::uint32_t offset_in_page(const model::MappingView& mapping, std::uint32_t size);
    Va outside(const model::MappingView& mapping);
    Va base();

    Choices& choices_;
    const model::System& model_;
    const Config& config_;
};

}  // namespace vmref::props
