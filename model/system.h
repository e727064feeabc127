// What the system world must do: values and statuses of processes, mappings and files. Values only: there are no
// objects, no shadow chains, no page tables and no page states here. The rules are those of ops/operation.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/outcome.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::model {

// A run of pages with equal attributes, as a reader outside the model sees it.
struct MappingView {
    Va start;
    std::uint32_t pages;
    Prot prot;
    Prot max_prot;
    Inherit inherit;
    bool wired;  // by the user
    std::uint32_t kernel_wirings;
    bool shared;                  // MAP_SHARED
    FileId file;                  // 0: anonymous
    PageIndex file_page;          // page of the file at `start`
    std::uint32_t stack_reserve;  // pages; 0: not a stack, or nothing left
    bool vpagetable;
    std::uint32_t root;  // of its virtual page table
};

// Where the kernel found a page that it holds; the process may be gone.
struct HeldPlace {
    Pid pid;
    Va va;
};

// One page of an address space.
struct PageView {
    bool mapped = false;
    Prot prot = kProtNone;
    bool wired = false;
    bool refused = false;                 // past the end of its file: an access gives Signal::bus
    const std::uint8_t* bytes = nullptr;  // kPageSize bytes; nullptr: all zero (or refused, or not mapped)
};

class System {
  public:
    explicit System(const Config& config);
    ~System();
    System(System&&) noexcept;
    System& operator=(System&&) noexcept;
    System(const System& other);  // deep
    System& operator=(const System&) = delete;

    // Why `operation` cannot be asked of this state (no such process, mapping outside user space, size not 1, 2 or 4,
    // ...): one line; nullopt if it can.
    std::optional<std::string> refuse(const Operation& operation) const;

    // Takes the step. Requires: refuse(operation) is nullopt. `actual` is what the implementation did: its
    // witness, and the choices that the contract leaves to it. The state changes in place.
    Outcome step(const Operation& operation, const Observation& actual);

    // For generators and reports, in ascending order.
    const std::vector<Pid>& processes() const;
    std::vector<FileId> files() const;
    std::uint32_t file_size(FileId file) const;
    std::uint32_t threads(Pid pid) const;
    // Whether the page in `slot` is held for writing; nullopt: the slot is empty.
    std::optional<bool> held(std::uint32_t slot) const;
    // By which address the page in `slot` was got. Requires: the slot is not empty.
    HeldPlace held_at(std::uint32_t slot) const;
    bool locks_future(Pid pid) const;
    void mappings(Pid pid, std::vector<MappingView>& out) const;  // clears `out` first
    // Whether the next operation is kept back by a Hook, and what is kept back now (nullptr: nothing).
    bool keeps_next_back() const;
    const Operation* kept_back() const;
    // The n-th mapping of `pid` in address order; requires n < mapping_count(pid). No allocation.
    std::size_t mapping_count(Pid pid) const;
    MappingView mapping(Pid pid, std::size_t n) const;

    // For the comparison. The pointers stay valid until the next step.
    PageView page(Pid pid, Va va) const;
    // The place, in its mapping, of the page that a virtual page table translated `va` to; nullopt: no walk did.
    std::optional<Va> translated(Pid pid, Va va) const;
    const std::uint8_t* file_page(FileId file, PageIndex page) const;  // nullptr: all zero

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vmref::model
