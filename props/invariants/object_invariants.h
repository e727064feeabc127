// The registered invariants of the object world: those of a kernel, and what objects promise of themselves.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "impl/object_host.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "props/invariants/invariant_set.h"

namespace vmref::props {

class ObjectInvariants final : private Outsiders, public InvariantSet {
  public:
    explicit ObjectInvariants(impl::ObjectHost& subject);

    void check_changes();
    void check_all();
    // What the operation promises of itself.
    void judge(const Operation& operation, const Observation& observed);
    // Whether an object shows what it should; what is to blame is told by what happened in the operation.
    template <class Describe>
    void judge_contents(bool right, Describe&& describe) {
        evaluate(Rule::i37, merged_, right || !merged_, describe);
        evaluate(Rule::i38, bypassed_, right || !bypassed_ || merged_, describe);
    }

  private:
    std::uint32_t references(const impl::Object& object) const override { return subject_.references(object); }
    std::uint32_t wirings(const impl::Page& page) const override { return subject_.wirings(page); }
    std::uint32_t holds(const impl::Page& page) const override { return subject_.holds(page); }
    bool told(const impl::Page& page) const override;

    void judge_fault(const ObjectFault& op);
    void judge_range(const ObjectRange& op);
    void judge_shadow(const ObjectShadow& op);
    void judge_coalesce(const ObjectCoalesce& op);
    void check_extra(const impl::Object& object);
    void check_pins();
    void check_unfinished();

    impl::ObjectHost& subject_;
    std::vector<std::uint64_t> generations_;  // by object id
    std::array<const impl::Object*, kMaxPins> pinned_in_{};
    std::uint64_t merges_ = 0;
    std::uint64_t bypasses_ = 0;
    std::uint64_t terminations_ = 0;
    bool merged_ = false;       // in this operation
    bool bypassed_ = false;     // in this operation
    bool only_merged_ = false;  // and no page went otherwise
};

}  // namespace vmref::props
