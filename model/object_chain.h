// What the object world must do: what each object that has a name shows, index by index. The rules are those of
// ops/object_operation.h.
//
// There are no chains, pages or blocks here. An object that shows another knows that one and the offset; objects
// without a name are gone: whoever saw them has copies of what they showed.
#pragma once

#include <array>
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

using ObjectBytes = std::array<std::uint8_t, kPageSize>;

// What was stored at an index.
struct ObjectCell {
    std::shared_ptr<const ObjectBytes> bytes;
    bool may_go = false;  // madvise(free) since: it may be gone at any time
};

struct ObjectState {
    bool vnode = false;
    PageIndex pages = 0;
    std::uint32_t bytes = 0;  // size of the file
    std::uint32_t references = 1;
    ObjectNumber below = 0;  // shows that object where nothing was stored; 0: none
    PageIndex offset = 0;
    bool was_shadow = false;     // something may be below it for all that is known from outside
    bool has_inherited = false;  // from an object that lost its name
    std::map<PageIndex, ObjectCell> cells;
};

// What a reader of an index gets.
struct ObjectView {
    bool refused = false;
    const ObjectBytes* bytes = nullptr;  // nullptr: zero, or refused
};

class ObjectChains {
  public:
    explicit ObjectChains(const Config& config);

    // As model::System.
    std::optional<std::string> refuse(const Operation& operation) const;
    Outcome step(const Operation& operation, const Observation& actual);

    // --- for generators and comparisons ----------------------------------------------------------------------------
    const ObjectState* find(ObjectNumber object) const {
        return object < kMaxObjects && objects_[object] ? &*objects_[object] : nullptr;
    }
    ObjectView view(ObjectNumber object, PageIndex index) const;
    bool shadowed(ObjectNumber object) const;
    bool may_store(ObjectNumber object) const { return objects_[object]->vnode || !shadowed(object); }
    bool pinned(std::uint32_t pin) const { return pins_[pin]; }

  private:
    struct Step;

    void take(Step& step, const ObjectAllocate& op);
    void take(Step& step, const ObjectCall& op);
    void take(Step& step, const ObjectShadow& op);
    void take(Step& step, const ObjectCoalesce& op);
    void take(Step& step, const ObjectTruncate& op);
    void take(Step& step, const ObjectPut& op);
    void take(Step& step, const ObjectFault& op);
    void take(Step& step, const ObjectPage& op);
    void take(Step& step, const ObjectBusy& op);
    void take(Step& step, const ObjectPin& op);
    void take(Step& step, const ObjectUnpin& op);
    void take(Step& step, const ObjectWrite& op);
    void take(Step& step, const ObjectIoDone& op);
    void take(Step& step, const ObjectRange& op);
    void take(Step& step, const ObjectPageout& op);

    std::optional<std::string> why_not(const ObjectAllocate& op) const;
    std::optional<std::string> why_not(const ObjectCall& op) const;
    std::optional<std::string> why_not(const ObjectShadow& op) const;
    std::optional<std::string> why_not(const ObjectCoalesce& op) const;
    std::optional<std::string> why_not(const ObjectTruncate& op) const;
    std::optional<std::string> why_not(const ObjectPut& op) const;
    std::optional<std::string> why_not(const ObjectFault& op) const;
    std::optional<std::string> why_not(const ObjectPage& op) const;
    std::optional<std::string> why_not(const ObjectBusy& op) const;
    std::optional<std::string> why_not(const ObjectPin& op) const;
    std::optional<std::string> why_not(const ObjectUnpin& op) const;
    std::optional<std::string> why_not(const ObjectWrite& op) const;
    std::optional<std::string> why_not(const ObjectIoDone& op) const;
    std::optional<std::string> why_not(const ObjectRange& op) const;
    std::optional<std::string> why_not(const ObjectPageout& op) const;

    std::optional<std::string> new_name(ObjectNumber object) const;
    std::optional<std::string> no_page(ObjectNumber object, PageIndex index) const;
    std::optional<std::string> not_stored(ObjectNumber object, PageIndex index) const;

    ObjectState& at(ObjectNumber object) { return *objects_[object]; }
    void store(ObjectNumber object, PageIndex index, std::uint32_t word);
    void drop_name(ObjectNumber object);
    void hand_up(ObjectNumber gone, ObjectState& viewer);
    bool loses(const Discard& discard);
    bool shows_zero(ObjectNumber object, PageIndex index) const;
    bool seen_from_above(ObjectNumber object, PageIndex index) const;

    std::vector<std::optional<ObjectState>> objects_;  // by number
    std::array<bool, kMaxPins> pins_{};
};

}  // namespace vmref::model
