// One CPU's translation lookaside buffer: copies of leaf PTEs that may be stale until invalidated.
#pragma once

#include <cstdint>

#include "impl/arena/containers.h"
#include "ops/types.h"

namespace vmref::impl {

// A cached leaf translation. `rights` are those of directory and table together. A store through an entry that has
// not seen M walks again and sets M in the PTE; one that has seen M does not touch the PTE. Of a 4 MiB page each 4 KiB
// piece that was used is an entry of its own, but invalidating one address drops them all.
struct TlbEntry {
    std::uint32_t page = 0;  // va >> 12
    Frame frame = 0;
    bool valid = false;
    bool user = false;
    bool writable = false;
    bool modified = false;
    bool global = false;
    bool big = false;  // a piece of a 4 MiB page
};

// Direct mapped by page number: eviction is a function of the addresses used.
class Tlb {
  public:
    explicit Tlb(std::uint32_t entries) : entries_(entries), mask_(entries - 1) {}

    TlbEntry* find(Va va) {
        TlbEntry& entry = entries_[page_of(va) & mask_];
        return entry.valid && entry.page == page_of(va) ? &entry : nullptr;
    }
    const TlbEntry* find(Va va) const { return const_cast<Tlb*>(this)->find(va); }
    void insert(const TlbEntry& entry) {
        entries_[entry.page & mask_] = entry;
        holds_big_ = holds_big_ || entry.big;
    }
    void invalidate(Va va) {
        evict(va);
        if (holds_big_) [[unlikely]] {
            invalidate_big(va);
        }
    }
    // Drops one entry and no other piece of its page, as a TLB may at any time.
    void evict(Va va) {
        if (TlbEntry* entry = find(va)) {
            entry->valid = false;
        }
    }
    void flush(bool also_global) {
        holds_big_ = false;
        for (TlbEntry& entry : entries_) {
            entry.valid = entry.valid && entry.global && !also_global;
            holds_big_ = holds_big_ || (entry.valid && entry.big);
        }
    }
    const Vector<TlbEntry>& entries() const { return entries_; }

  private:
    void invalidate_big(Va va) {
        for (TlbEntry& entry : entries_) {
            if (entry.big && entry.page / kPiecesOfBig == page_of(va) / kPiecesOfBig) {
                entry.valid = false;
            }
        }
    }

    static constexpr std::uint32_t kPiecesOfBig = 1024;

    Vector<TlbEntry> entries_;
    std::uint32_t mask_;
    bool holds_big_ = false;
};

}  // namespace vmref::impl
