// What changed during the current operation. Machine, page, pmap and map write it; the lockstep reads it, so
// that only what changed is compared. Names are plain numbers: a named thing may be gone by then.
#pragma once

#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/machine/narration.h"
#include "ops/types.h"

namespace vmref::impl {

using ObjectId = std::uint32_t;
using PmapId = std::uint32_t;

struct Journal {
    struct Pte {
        PmapId pmap;
        Va va;
    };
    struct Cell {
        ObjectId object;
        PageIndex index;
    };
    struct Entry {
        PmapId map;  // a map is named by its pmap
        Va start;
        Va end;
    };

    Vector<Frame> frames;      // contents of a frame changed (each once)
    Vector<Pte> ptes;          // a PTE word changed
    Vector<Cell> cells;        // what an object holds at an index changed: page, validity, dirtiness, block
    Vector<Entry> entries;     // a map entry appeared, went, or changed its attributes
    Vector<ObjectId> objects;  // references, shadows, counts of an object changed

    Narration* narration = nullptr;  // told of every step; nullptr: nobody listens

    explicit Journal(std::uint32_t frame_count) : frame_epoch_(frame_count) {}

    void frame_written(Frame frame) {
        if (frame_epoch_[frame] != epoch_) {
            frame_epoch_[frame] = epoch_;
            frames.push_back(frame);
        }
    }
    void pte_changed(PmapId pmap, Va va) { ptes.push_back({pmap, va}); }
    void cell_changed(ObjectId object, PageIndex index) { cells.push_back({object, index}); }
    void entry_changed(PmapId map, Va start, Va end) { entries.push_back({map, start, end}); }
    void object_changed(ObjectId object) {
        if (objects.empty() || objects.back() != object) {
            objects.push_back(object);
        }
    }
    // Keeps the capacity: the steady state allocates nothing.
    void clear() {
        frames.clear();
        ptes.clear();
        cells.clear();
        entries.clear();
        objects.clear();
        ++epoch_;
    }

  private:
    PerFrame<std::uint64_t> frame_epoch_;
    std::uint64_t epoch_ = 1;
};

}  // namespace vmref::impl
