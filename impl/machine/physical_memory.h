// Simulated RAM: one flat buffer of 4 KiB frames. Frame 0 is never handed out.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "impl/arena/containers.h"
#include "impl/machine/journal.h"
#include "ops/types.h"

namespace vmref::impl {

class PhysicalMemory {
  public:
    PhysicalMemory(std::uint32_t frames, Journal& journal)
        : bytes_(zeroed(frames)), written_(frames), journal_(journal) {}

    std::uint32_t frames() const { return static_cast<std::uint32_t>(written_.size()); }

    const std::uint8_t* frame(Frame frame) const { return bytes_.get() + std::size_t{frame} * kPageSize; }
    // For whole-frame changes (zero, copy, I/O): the journal names the frame.
    std::uint8_t* frame_for_write(Frame frame) {
        journal_.frame_written(frame);
        return bytes_.get() + std::size_t{frame} * kPageSize;
    }

    std::uint32_t read32(Pa pa) const {
        std::uint32_t value = 0;
        std::memcpy(&value, bytes_.get() + pa, 4);
        return value;
    }
    // For page-table words: not a change of contents that anybody maps, so the journal is not told.
    void write32(Pa pa, std::uint32_t value) { std::memcpy(bytes_.get() + pa, &value, 4); }

    void load(Pa pa, unsigned size, std::uint8_t* out) const { std::memcpy(out, bytes_.get() + pa, size); }
    void store(Pa pa, unsigned size, const std::uint8_t* in) {
        const Frame frame = pa >> kPageShift;
        journal_.frame_written(frame);
        written_[frame] = 1;
        std::memcpy(bytes_.get() + pa, in, size);
    }

    // Ghost of I-69, not part of the machine: a CPU or the kernel stored to the frame since it was last made clean.
    bool written(Frame frame) const { return written_[frame] != 0; }
    void set_written(Frame frame, bool written) { written_[frame] = written ? 1 : 0; }

  private:
    struct Free {
        bool in_arena;
        void operator()(std::uint8_t* bytes) const {
            if (!in_arena) {
                std::free(bytes);
            }
        }
    };
    using Bytes = std::unique_ptr<std::uint8_t[], Free>;
    // The host supplies zero pages as they are touched, so that an unused machine costs nothing.
    static Bytes zeroed(std::uint32_t frames) {
        Arena* const arena = current_arena();
        void* const bytes = arena != nullptr ? arena->allocate_indexed(Indexed::by_frame, kPageSize, frames, true)
                                             : std::calloc(frames, kPageSize);
        if (bytes == nullptr) {
            throw std::bad_alloc();
        }
        return Bytes(static_cast<std::uint8_t*>(bytes), Free{arena != nullptr});
    }

    Bytes bytes_;
    PerFrame<std::uint8_t> written_;
    Journal& journal_;
};

}  // namespace vmref::impl
