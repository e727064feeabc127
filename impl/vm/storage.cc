#include "impl/vm/storage.h"

#include <algorithm>
#include <cstring>

#include "impl/defects/assertion.h"
#include "ops/synthetic.h"

namespace vmref::impl {

Vnode::Vnode(FileId id, std::uint32_t size) : id_(id), size_(size), created_size_(size), blocks_(pages_in(size)) {
    for (Block& block : blocks_) {
        block.state = State::synthetic;
    }
}

// From where the vnode lies, whoever asks: then a reset takes them back.
Owned<PageBytes> Vnode::new_bytes() const {
    const ArenaScope scope(blocks_.get_allocator().arena());
    return make_owned<PageBytes>();
}

const std::uint8_t* Vnode::block(PageIndex index) const {
    if (index >= blocks_.size() || blocks_[index].state == State::zero) {
        return nullptr;
    }
    const Block& block = blocks_[index];
    if (!block.bytes) {
        block.bytes = new_bytes();
        synthetic_page(id_, index, created_size_, block.bytes->data());
    }
    return block.bytes->data();
}

void Vnode::write_block(PageIndex index, const std::uint8_t* bytes) {
    ensure(index < blocks_.size(), "a file is written below its end");
    Block& block = blocks_[index];
    if (!block.bytes) {
        block.bytes = new_bytes();
    }
    std::memcpy(block.bytes->data(), bytes, kPageSize);
    block.state = State::data;
}

void Vnode::zero_tail(std::uint32_t end) {
    const PageIndex index = page_of(end);
    if ((end & kPageMask) == 0 || block(index) == nullptr) {
        return;
    }
    std::memset(blocks_[index].bytes->data() + (end & kPageMask), 0, kPageSize - (end & kPageMask));
    blocks_[index].state = State::data;
}

void Vnode::set_size(std::uint32_t size) {
    zero_tail(std::min(size, size_));
    blocks_.resize(pages_in(size));
    size_ = size;
}

std::uint32_t SwapSpace::allocate() {
    if (free_ == 0 || closed_) {
        return kNoSwapSlot;
    }
    while (used_[next_] != 0) {
        next_ = next_ + 1 == used_.size() ? 0 : next_ + 1;
    }
    used_[next_] = 1;
    --free_;
    touched_ = std::max(touched_, next_ + 1);
    return next_;
}

void SwapSpace::release(std::uint32_t slot) {
    ensure_rule(slot < used_.size() && used_[slot] != 0, "I-10", "a freed swap block was assigned");
    used_[slot] = 0;
    ++free_;
    if (bytes_[slot] != nullptr) {
        free_storage_.push_back(bytes_[slot]);
        bytes_[slot] = nullptr;
    }
}

void SwapSpace::write(std::uint32_t slot, const std::uint8_t* bytes) {
    ensure_rule(used_[slot] != 0, "I-10", "a written swap block is assigned");
    if (bytes_[slot] == nullptr) {
        if (free_storage_.empty()) {
            free_storage_.push_back(&storage_.emplace_back());
        }
        bytes_[slot] = free_storage_.back();
        free_storage_.pop_back();
    }
    std::memcpy(bytes_[slot]->data(), bytes, kPageSize);
}

}  // namespace vmref::impl
