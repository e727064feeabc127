// What lies behind the pagers: files and swap space. Contents live outside simulated RAM.
#pragma once

#include <array>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/page/object.h"
#include "ops/types.h"

namespace vmref::impl {

using PageBytes = std::array<std::uint8_t, kPageSize>;

// One file: its size and its blocks on disk. The file's resident pages are those of `object`, which the vnode keeps for
// good: the object has one reference of the vnode itself besides those of map entries and shadows.
class Vnode {
  public:
    Vnode(FileId id, std::uint32_t size);

    FileId id() const { return id_; }
    std::uint32_t size() const { return size_; }
    PageIndex pages() const { return pages_in(size_); }

    // The block behind page `index`: nullptr is all zero. Valid until the block is written or the size changes.
    const std::uint8_t* block(PageIndex index) const;
    void write_block(PageIndex index, const std::uint8_t* bytes);
    // Sets the size on disk. Blocks behind the end become zero; so do, in the block that holds the smaller of old
    // and new end, the bytes past it.
    void set_size(std::uint32_t size);

    Object* object = nullptr;
    std::uint32_t shared_locks = 0;  // holders of the vnode lock (vnode_pager_lock)

  private:
    enum class State : std::uint8_t { synthetic, zero, data };
    struct Block {
        State state = State::zero;
        mutable Owned<PageBytes> bytes;
    };
    Owned<PageBytes> new_bytes() const;
    void zero_tail(std::uint32_t end);

    FileId id_;
    std::uint32_t size_;
    std::uint32_t created_size_;
    Vector<Block> blocks_;
};

// Swap slots of one page each.
class SwapSpace {
  public:
    explicit SwapSpace(std::uint32_t slots) : bytes_(slots), used_(slots), free_(slots) {}

    std::uint32_t free_slots() const { return free_; }
    // A free slot, the lowest at or after the last one given; kNoSwapSlot if there is none.
    std::uint32_t allocate();
    void release(std::uint32_t slot);
    void close(bool closed) { closed_ = closed; }  // closed: no slot is given out
    bool assigned(std::uint32_t slot) const { return used_[slot] != 0; }
    void write(std::uint32_t slot, const std::uint8_t* bytes);
    const std::uint8_t* read(std::uint32_t slot) const { return bytes_[slot]->data(); }
    std::uint32_t touched() const { return touched_; }  // slots from here on were never used

  private:
    PerSwapSlot<PageBytes*> bytes_;  // in storage_; nullptr: not written
    PerSwapSlot<std::uint8_t> used_;
    Deque<PageBytes> storage_;
    Vector<PageBytes*> free_storage_;  // of slots that were released
    std::uint32_t free_;
    std::uint32_t next_ = 0;
    std::uint32_t touched_ = 0;
    bool closed_ = false;
};

}  // namespace vmref::impl
