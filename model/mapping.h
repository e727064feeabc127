// What the pmap world must do: address spaces as partial maps from pages of addresses to (page, rights, wired). There
// are no page tables and no pv entries here, only their numbers. The rules are those of ops/pmap_operation.h.
#pragma once

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

// A mapping of one page.
struct Leaf {
    PageNumber page = 0;
    bool writable = false;
    bool wired = false;
    bool stored = false;  // its PTE may have M; of an unmanaged page: has it
    bool used = false;    // its PTE has A
    bool vague = false;   // A was cleared while a TLB may have had the entry: uses may pass unseen
};

struct BigLeaf {
    bool writable = false;
    bool stored = false;
};

struct KernelLeaf {
    PageNumber page = 0;
};

struct PageState {
    bool managed = true;
    std::uint32_t wirings = 0;
    bool written = false;             // stored to since it was clean
    bool must_be_referenced = false;  // a use was taken out of a PTE
    struct Place {
        PmapNumber pmap;
        Va va;
    };
    std::vector<Place> places;        // mappings of it in pmaps
    std::uint32_t kernel_places = 0;  // pmap_kenter and its relatives
    std::vector<std::uint8_t> bytes;  // empty: all zero
};

struct Space {
    using Table = std::map<std::uint32_t, Leaf>;  // by PTE index
    std::map<std::uint32_t, Table> tables;        // by directory index; none is empty
    std::map<std::uint32_t, BigLeaf> bigs;        // by directory index
    std::uint32_t references = 1;
    std::uint32_t leaves = 0;
};

class Mappings {
  public:
    explicit Mappings(const Config& config);

    // As model::System.
    std::optional<std::string> refuse(const Operation& operation) const;
    Outcome step(const Operation& operation, const Observation& actual);

    // --- for generators and comparisons ----------------------------------------------------------------------------
    const Space* space(PmapNumber pmap) const { return pmap < kMaxPmaps && spaces_[pmap] ? &*spaces_[pmap] : nullptr; }
    const Leaf* leaf(PmapNumber pmap, Va va) const;
    const BigLeaf* big(PmapNumber pmap, Va va) const;
    const KernelLeaf* kernel_leaf(Va va) const;
    const std::map<Va, KernelLeaf>& kernel_leaves() const { return kernel_; }
    const PageState* page(PageNumber page) const;
    const std::map<PageNumber, PageState>& pages() const { return pages_; }
    const std::map<Va, std::uint32_t>& devices() const { return devices_; }  // what pmap_mapdev gave: bytes
    // CPUs that may see something old at a kernel address.
    std::uint32_t stale(Va va) const;
    PmapNumber running(CpuId cpu) const { return running_[cpu]; }
    Va kernel_end() const { return kernel_end_; }
    std::uint32_t free_frames() const;
    std::uint32_t kept() const { return kept_; }
    std::uint32_t pv_count() const { return pv_count_; }
    bool pv_woken() const { return pv_woken_; }
    const Config& config() const { return config_; }

  private:
    struct Step;

    // --- mapping.cc
    Leaf* find(PmapNumber pmap, Va va);
    void add(PmapNumber pmap, Va va, const Leaf& leaf);
    void add_over(PmapNumber pmap, Va va, const Leaf& leaf);
    void remove(PmapNumber pmap, Va va);
    void remove_range(PmapNumber pmap, Va start, Va end);
    template <typename Visit>
    void for_each_leaf(PmapNumber pmap, Va start, Va end, Visit&& visit);
    void remove_page(PageNumber page);
    void write_protect(Leaf& leaf);
    bool take_pv(const PageState& page);
    bool managed(PageNumber page) const;
    PageState* find_page(PageNumber page);
    std::uint8_t* bytes(PageNumber page);
    void kernel_enter(Va va, PageNumber page);
    void kernel_remove(Va va);
    void local(Va va, CpuId cpu, bool was_mapped);

    // --- mapping_steps.cc, mapping_kernel.cc: one for each operation
    void take(Step& step, const PageCall& op);
    void take(Step& step, const PmapZeroPageArea& op);
    void take(Step& step, const PmapCopyPage& op);
    void take(Step& step, const PmapPageProtect& op);
    void take(Step& step, const PmapCall& op);
    void take(Step& step, const PmapSwitch& op);
    void take(Step& step, const PmapEnter& op);
    void take(Step& step, const PmapEnterQuick& op);
    void take(Step& step, const PmapObjectInitPt& op);
    void take(Step& step, const PmapInstall4m& op);
    void take(Step& step, const PmapRange& op);
    void take(Step& step, const PmapProtect& op);
    void take(Step& step, const PmapAddress& op);
    void take(Step& step, const PmapPair& op);
    void take(Step& step, const PmapCollect& op);
    void take(Step& step, const KernelEnter& op);
    void take(Step& step, const KernelAddress& op);
    void take(Step& step, const KernelPages& op);
    void take(Step& step, const PmapMapdev& op);
    void take(Step& step, const PmapUnmapdev& op);
    void take(Step& step, const PmapGrowkernel& op);
    void take(Step& step, const PmapAddrHint& op);
    void take(Step& step, const HardwareAccess& op);
    void take(Step& step, const EvictTlb& op);

    Status enter_quick(PmapNumber pmap, Va va, PageNumber page);
    void take_mincore(Step& step, const PmapAddress& op);
    void take_reference_query(Step& step, const PageCall& op);
    bool device_range_free(Va start, std::uint32_t pages) const;

    // What an access meets at one page.
    struct Met {
        Status status = Status::success;
        PageNumber page = 0;
        Leaf* leaf = nullptr;
        BigLeaf* big = nullptr;
    };
    Met meet(const HardwareAccess& op, Va va);
    void use(const Met& met, Va va, bool used, bool stored);

    Config config_;
    std::vector<std::optional<Space>> spaces_;  // by number; 0 is kernel_pmap
    std::map<PageNumber, PageState> pages_;
    std::map<PageNumber, std::vector<std::uint8_t>> device_bytes_;
    std::map<Va, KernelLeaf> kernel_;  // without pv entries
    std::map<Va, std::uint32_t> stale_;
    std::map<Va, std::uint32_t> devices_;
    std::vector<PmapNumber> running_;  // by cpu
    Va kernel_end_ = kKernelFirstEnd;
    std::uint32_t kept_ = 0;
    std::uint32_t live_ = 0;
    std::uint32_t user_tables_ = 0;
    std::uint32_t pv_count_ = 0;
    bool pv_woken_ = false;
};

}  // namespace vmref::model
