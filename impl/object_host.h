// Objects without address spaces: takes the operations of the object world.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "impl/system.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::impl {

// A kernel without processes, and what stands for its users: references to objects by number, wired and held pages.
// Operations run inline, one after the other; between them nothing is locked, and busy or held only what Injection and
// the pins say.
class ObjectHost final : private DiscardWitness {
  public:
    ObjectHost(const Config& config, const DefectSet& defects);
    ~ObjectHost() override = default;
    ObjectHost(const ObjectHost&) = delete;
    ObjectHost& operator=(const ObjectHost&) = delete;

    // Requires: model::ObjectChains does not refuse the operation. Afterwards the journal names what it changed.
    // Errors: Finding, if a promise of the implementation is broken; the host is not usable any more then.
    Observation apply(const Operation& operation);

    // What Resettable must put back.
    TouchedCounts touched() const { return system_.touched(); }

    System& system() { return system_; }
    Kernel& kernel() { return kernel_; }
    const Kernel& kernel() const { return kernel_; }
    // nullptr: nothing has that name.
    Object* object(ObjectNumber number) const { return number < kMaxObjects ? named_[number] : nullptr; }
    // 0: the object has no name.
    ObjectNumber number_of(const Object& object) const { return object.id < numbers_.size() ? numbers_[object.id] : 0; }

    // --- what the host has of them: for checks ---------------------------------------------------------------------
    std::uint32_t references(const Object& object) const { return references_[number_of(object)]; }
    std::uint32_t wirings(const Page& page) const { return pins_of(ObjectPinName::object_wire, page); }
    std::uint32_t holds(const Page& page) const { return pins_of(ObjectPinName::object_hold, page); }
    const Page* pinned(std::uint32_t pin) const { return pins_[pin].page; }  // nullptr: the number is free
    // The objects with a name that show what `object` has at `index` now.
    std::vector<ObjectNumber> viewers(const Object& object, PageIndex index) const;
    std::uint64_t faults() const { return faults_; }

  private:
    struct Pin {
        ObjectPinName kind = ObjectPinName::object_wire;
        Page* page = nullptr;  // nullptr: the number is free
    };

    Observation run(const ObjectAllocate& op);
    Observation run(const ObjectCall& op);
    Observation run(const ObjectShadow& op);
    Observation run(const ObjectCoalesce& op);
    Observation run(const ObjectTruncate& op);
    Observation run(const ObjectPut& op);
    Observation run(const ObjectFault& op);
    Observation run(const ObjectPage& op);
    Observation run(const ObjectBusy& op);
    Observation run(const ObjectPin& op);
    Observation run(const ObjectUnpin& op);
    Observation run(const ObjectWrite& op);
    Observation run(const ObjectIoDone& op);
    Observation run(const ObjectRange& op);
    Observation run(const ObjectPageout& op);

    void name(ObjectNumber number, Object& object);
    void deallocate(ObjectNumber number);
    Page* fault(Object& object, PageIndex index, const ObjectFault& how, Status& status);
    Page& allocate(Object& object, PageIndex index);
    void fill(Page& page, std::uint32_t word);
    void reclaim(Object& object, PageIndex index);
    void unwire(Page& page);
    std::uint32_t pins_of(ObjectPinName kind, const Page& page) const;

    template <class Visit>
    void for_each_viewer(const Object& object, PageIndex index, Visit visit) const;
    void discarded(const Object& object, PageIndex index) override;

    Arena* const arena_ = current_arena();  // where all of this lies; nullptr: on the heap
    System system_;
    Kernel& kernel_;
    std::array<Object*, kMaxObjects> named_{};
    std::array<std::uint32_t, kMaxObjects> references_{};  // by name; [0] stays 0
    Vector<ObjectNumber> numbers_;                         // by object id
    std::array<Pin, kMaxPins> pins_{};
    std::uint64_t faults_ = 0;
};

}  // namespace vmref::impl
