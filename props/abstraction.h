// abstraction(impl) == model, cell by cell: what the chain of an entry shows against the model's page, entry attributes
// against the model's, files against files.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "impl/system.h"
#include "impl/vm/vm_object.h"
#include "model/system.h"
#include "props/invariants/invariant_set.h"
#include "props/violation.h"

namespace vmref::props {

class Abstraction {
  public:
    Abstraction(impl::System& subject, const model::System& model, InvariantSet& invariants)
        : subject_(subject), kernel_(subject.kernel()), model_(model), invariants_(invariants) {}

    // Compares every page of a process that `operation` is about to end, or to empty.
    std::optional<Violation> compare_before(const Operation& operation);
    // Compares what the kernel's journal names. Does not clear the journal.
    std::optional<Violation> compare_changes();
    // Compares the next few entries in turn, whatever the journal says.
    std::optional<Violation> compare_sample();
    // Compares every page of every process and every file, in both directions.
    std::optional<Violation> compare_all();

    std::uint64_t cells_compared() const { return cells_compared_; }

  private:
    std::optional<Violation> compare_view(const impl::MapEntry& entry, Va va);
    void check_translation(const impl::MapEntry& entry, Va va, const impl::Content& content);
    void check_virtual_translation(const impl::MapEntry& entry, Va va, Frame frame);
    std::optional<Violation> compare_cell(const impl::Object& object, PageIndex index);
    std::optional<Violation> compare_file_page(const impl::Object& object, PageIndex index);
    std::optional<Violation> compare_range(impl::Map& map, Va start, Va end);
    std::optional<Violation> compare_map(const impl::Map& map);
    std::optional<Violation> compare_process(impl::Process& process);
    std::optional<Violation> compare_attributes(const impl::MapEntry& entry);
    std::optional<Violation> compare_early_copies();

    impl::System& subject_;
    impl::Kernel& kernel_;
    const model::System& model_;
    InvariantSet& invariants_;
    std::vector<model::MappingView> mappings_;  // scratch: the model's view of the process compared
    std::vector<std::uint64_t> frame_seen_;     // by frame: epoch of the last comparison
    std::uint64_t epoch_ = 0;
    std::uint64_t cells_compared_ = 0;
    Pid sample_pid_ = 0;
    Va sample_va_ = 0;
};

}  // namespace vmref::props
