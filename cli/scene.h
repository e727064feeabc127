// What a replay can be asked about: the kernel of a world, and the names that its operations use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "impl/object_host.h"
#include "impl/pmap_host.h"
#include "impl/system.h"

namespace vmref::cli {

// "pid 2" or "kernel".
std::string map_text(const impl::Map& map);

// A view of a system, an object host or a pmap host, which must outlive it.
class Scene {
  public:
    explicit Scene(impl::System& system);
    explicit Scene(impl::ObjectHost& host);
    explicit Scene(impl::PmapHost& host);

    impl::Machine& machine() const { return machine_; }
    impl::PageSystem& pages() const { return pages_; }
    const impl::PmapSystem& pmaps() const { return pmaps_; }
    impl::Journal& journal() const { return journal_; }

    // nullptr: the world has no processes (object world, pmap world).
    const impl::System* processes() const { return names_ == nullptr ? system_ : nullptr; }
    // nullptr if nobody has the id, or the world has no objects.
    const impl::Object* object(impl::ObjectId id) const;
    std::vector<const impl::Object*> objects() const;
    // What operations call the object; 0: nothing.
    ObjectNumber number_of(const impl::Object& object) const;
    // Of the processes, then the kernel's own, if it has any memory.
    std::vector<const impl::Map*> maps() const;
    // The entry of the address space that contains `va`; nullptr if there is none.
    const impl::MapEntry* entry_at(impl::PmapId pmap, Va va) const;
    // Of the maps, or the pmap host's.
    std::vector<const impl::Pmap*> address_spaces() const;
    // What the CPU runs; nullptr: nothing.
    const impl::Pmap* loaded(CpuId cpu) const;
    // Page faults so far.
    std::uint64_t page_faults() const;

    // "object 3 (swap)", in the object world with its number; "object 7" of an id that nobody has.
    std::string object_text(const impl::Object& object) const;
    std::string object_text(impl::ObjectId id) const;
    // "pid 2", "pmap number 1" in the pmap world; "pmap 2" if nobody has it (any more).
    std::string owner_text(impl::PmapId pmap) const;

  private:
    impl::Machine& machine_;
    impl::PageSystem& pages_;
    const impl::PmapSystem& pmaps_;
    impl::Journal& journal_;
    const impl::System* system_ = nullptr;
    const impl::ObjectHost* names_ = nullptr;
    impl::PmapHost* pmap_host_ = nullptr;
};

}  // namespace vmref::cli
