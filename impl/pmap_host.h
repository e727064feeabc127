// Pmaps without a VM above them: takes the operations of the pmap world.
#pragma once

#include <array>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/defects/defects.h"
#include "impl/machine/machine.h"
#include "impl/page/page_system.h"
#include "impl/pmap_i386/pmap.h"
#include "impl/sched/scheduler.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::impl {

inline constexpr Pa kDeviceAddress = kBigPageSize;  // of the device
inline constexpr Frame kDeviceFrame = kDeviceAddress >> kPageShift;

// One machine that has booted (PmapSystem::bootstrap), a file whose pages are the data pages of the operations, and a
// device of 4 MiB. Operations run inline, one after the other; between them nothing is locked or busied.
class PmapHost {
  public:
    PmapHost(const Config& config, const DefectSet& defects);
    PmapHost(const PmapHost&) = delete;
    PmapHost& operator=(const PmapHost&) = delete;

    // Requires: model::Mappings does not refuse the operation. Afterwards the journal names what it changed.
    // Errors: Finding, if a promise of the implementation is broken; the host is not usable any more then.
    Observation apply(const Operation& operation);

    // What Resettable must put back.
    TouchedCounts touched() const;

    Machine& machine() { return machine_; }
    PageSystem& pages() { return pages_; }
    PmapSystem& pmaps() { return pmaps_; }
    const PmapSystem& pmaps() const { return pmaps_; }
    const PageSystem& pages() const { return pages_; }
    const Journal& journal() const { return journal_; }
    Journal& journal() { return journal_; }  // for who wants to be told (Journal::narration)
    Pmap* pmap(PmapNumber number) { return number < kMaxPmaps ? by_number_[number] : nullptr; }
    // The number of a live pmap; kMaxPmaps if there is none.
    PmapNumber number_of(PmapId id) const { return id < numbers_.size() ? numbers_[id] : kMaxPmaps; }
    // nullptr: no such page. Of the device too.
    Page* page(PageNumber number);
    // What the operations call a page of the data file or of the device.
    PageNumber number_of(const Page& page) const;
    bool is_data(const Page& page) const { return page.object == &data_; }
    Pmap& running(CpuId cpu) { return *running_[cpu]; }
    std::uint64_t page_faults() const { return page_faults_; }
    std::uint32_t peak_frames() const { return pages_.peak_frames() - hogged_; }

  private:
    Observation run(const PageCall& op);
    Observation run(const PmapZeroPageArea& op);
    Observation run(const PmapCopyPage& op);
    Observation run(const PmapPageProtect& op);
    Observation run(const PmapCall& op);
    Observation run(const PmapSwitch& op);
    Observation run(const PmapEnter& op);
    Observation run(const PmapEnterQuick& op);
    Observation run(const PmapObjectInitPt& op);
    Observation run(const PmapInstall4m& op);
    Observation run(const PmapRange& op);
    Observation run(const PmapProtect& op);
    Observation run(const PmapAddress& op);
    Observation run(const PmapPair& op);
    Observation run(const PmapCollect& op);
    Observation run(const KernelEnter& op);
    Observation run(const KernelAddress& op);
    Observation run(const KernelPages& op);
    Observation run(const PmapMapdev& op);
    Observation run(const PmapUnmapdev& op);
    Observation run(const PmapGrowkernel& op);
    Observation run(const PmapAddrHint& op);
    Observation run(const HardwareAccess& op);
    Observation run(const EvictTlb& op);

    Status make_page(PageNumber number, bool managed);
    void free_page(Page& page);
    template <typename Call>
    auto busied(Page& page, Call call);
    Pa device_address(std::uint32_t offset) const { return kDeviceAddress + offset; }
    Pa address_of(PageNumber number) { return page(number)->frame << kPageShift; }

    Arena* const arena_ = current_arena();  // where all of this lies; nullptr: on the heap
    const Config config_;                   // with the device's frames
    const DefectSet defects_;
    const Frame hogged_;  // frames that are not for data
    Journal journal_;
    Scheduler sched_;
    Machine machine_;
    PageSystem pages_;
    ObjectStore objects_;
    PmapSystem pmaps_;
    Object& data_;
    Object& device_;
    std::array<Pmap*, kMaxPmaps> by_number_{};
    Vector<PmapNumber> numbers_;  // by pmap id
    Vector<Pmap*> running_;       // by cpu
    OrderedMap<Va, std::uint32_t> devices_;
    std::uint64_t page_faults_ = 0;
    bool device_touched_ = false;
};

}  // namespace vmref::impl
