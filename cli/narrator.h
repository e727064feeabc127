// `vmref replay --narrate`: what the kernel did for each operation, in the words of its sources.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "cli/scene.h"
#include "impl/machine/narration.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::cli {

// Listens to one kernel from construction to destruction. Of what an operation does many times over it tells the first
// few, and how many more there were.
class Narrator final : private impl::Narration {
  public:
    Narrator(const Scene& scene, std::ostream& out);
    ~Narrator() override;
    Narrator(const Narrator&) = delete;
    Narrator& operator=(const Narrator&) = delete;

    void before(std::uint64_t number, const Operation& operation);
    // `observed` is nullptr if the operation did not come to its end.
    void after(const Operation& operation, const Observation* observed);

  private:
    enum class Kind : std::uint8_t { fault, pte, pde, object, write, read, copy, entry, count };

    void say(const std::string& line);
    void say(Kind kind, const std::string& line);
    void say_left_out(Kind kind);
    void say_all_left_out();
    void say_access(impl::PmapId pmap, Va va, std::uint32_t size);
    void say_entries();
    void say_prefaulted();
    std::string pte_now(impl::PmapId pmap, Va va) const;
    std::string page_text(const impl::NarratedPage& page) const;
    std::uint64_t walks() const;

    void fault_began(std::uint32_t pmap, Va va, Prot needed, bool wiring) override;
    void object_fault_began(std::uint32_t object, PageIndex index, Prot needed) override;
    void entry_looked_at(std::uint32_t pmap, Va va) override;
    void level_searched(const impl::NarratedPage& page, impl::LevelFind find) override;
    void page_allocated(const impl::NarratedPage& page) override;
    void page_read(const impl::NarratedPage& page, bool wanted, std::uint32_t ahead) override;
    void read_failed(const impl::NarratedPage& page, Pid pid) override;
    void page_zeroed(const impl::NarratedPage& page) override;
    void page_copied(const impl::NarratedPage& from, const impl::NarratedPage& to) override;
    void table_passed(const impl::NarratedPage& table, std::uint32_t slot, std::uint32_t old,
                      std::uint32_t now) override;
    void page_stolen(const impl::NarratedPage& from, const impl::NarratedPage& to) override;
    void fault_left(std::string_view exit) override;
    void prefault_began() override { prefaulting_ = true; }
    void fault_ended(Status status, std::uint32_t attempts) override;
    void waited_for_memory() override;
    void pte_changed(std::uint32_t pmap, Va va, std::uint32_t old, std::uint32_t now,
                     std::uint32_t invalidated) override;
    void pde_changed(std::uint32_t pmap, std::uint32_t index, std::uint32_t now) override;
    void entry_shadowed(std::uint32_t pmap, Va start, std::uint32_t source, std::uint32_t result) override;
    void object_collapsed(std::uint32_t object, std::uint32_t backing) override;
    void object_bypassed(std::uint32_t object, std::uint32_t backing) override;
    void collapse_refused(std::uint32_t object, std::uint32_t backing) override;
    void object_released(std::uint32_t object) override;
    void page_written(const impl::NarratedPage& page, bool written) override;

    const Scene scene_;
    std::ostream& out_;
    std::array<std::uint64_t, static_cast<std::size_t>(Kind::count)> told_{};  // of the operation, or of its fault
    bool muted_ = false;                                                       // inside a fault that is only counted
    bool prefaulting_ = false;
    std::vector<std::string> prefaulted_;
    std::uint64_t faults_before_ = 0;
    std::uint64_t walks_before_ = 0;
};

}  // namespace vmref::cli
