// Holds an object's token for a scope. Taking it may block, giving it back cannot.
#pragma once

#include "impl/page/object.h"

namespace vmref::impl {

class ObjectHold {
  public:
    ObjectHold(Object& object, Scheduler& sched) : object_(object) { object_hold(object_, sched); }
    ~ObjectHold() { object_drop(object_); }
    ObjectHold(const ObjectHold&) = delete;
    ObjectHold& operator=(const ObjectHold&) = delete;

  private:
    Object& object_;
};

}  // namespace vmref::impl
