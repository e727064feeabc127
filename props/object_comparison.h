// What objects show, index by index.
#pragma once

#include <cstdint>
#include <optional>

#include "impl/object_host.h"
#include "model/object_chain.h"
#include "props/invariants/object_invariants.h"
#include "props/violation.h"

namespace vmref::props {

class ObjectComparison {
  public:
    ObjectComparison(impl::ObjectHost& subject, const model::ObjectChains& model, ObjectInvariants& invariants)
        : subject_(subject), model_(model), invariants_(invariants) {}

    // What ends with an object is what others see of it, which is compared after.
    std::optional<Violation> compare_before(const Operation& /*operation*/) { return std::nullopt; }
    // What the journal names, and whatever shows it.
    std::optional<Violation> compare_changes();
    // One index, in turn.
    std::optional<Violation> compare_sample();
    // Every name, size and index.
    std::optional<Violation> compare_all();

    std::uint64_t cells_compared() const { return cells_compared_; }

  private:
    std::optional<Violation> compare_views(const impl::Object& object, PageIndex index);
    std::optional<Violation> compare_object(ObjectNumber number);
    std::optional<Violation> compare_cell(ObjectNumber number, PageIndex index);

    impl::ObjectHost& subject_;
    const model::ObjectChains& model_;
    ObjectInvariants& invariants_;
    std::uint64_t cells_compared_ = 0;
    ObjectNumber next_object_ = 0;
    PageIndex next_index_ = 0;
};

}  // namespace vmref::props
