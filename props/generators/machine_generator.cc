#include "props/generators/machine_generator.h"

#include <bit>

#include "impl/machine/pte.h"
#include "ops/machine_ram.h"
#include "props/machine/words.h"

namespace vmref::props {

namespace {

enum class Kind { probe, set_word, invlpg, load_cr3, control, evict, random_tables, pmap_tables };

constexpr std::uint32_t kMostPmapOperations = 1500;
constexpr Va kInSlot = 0x003FFFFF;

class Drawing {
  public:
    Drawing(Choices& choices, const MachineModel& model)
        : choices_(choices), model_(model), mmu_(model.mmu()), cpu_(draw_cpu()) {}

    Operation draw() {
        switch (draw_kind()) {
            case Kind::probe:
                return probe();
            case Kind::set_word:
                return set_word();
            case Kind::invlpg:
                return Invlpg{cpu_, draw_page() | choices_.below(kPageSize)};
            case Kind::load_cr3:
                return LoadCr3{
                    cpu_, choices_.chance(60) ? mmu_.cpu(cpu_).directory : choices_.below(machine_ram::kDirectories)};
            case Kind::control:
                return control();
            case Kind::evict:
                return Evict{cpu_, draw_page()};
            case Kind::random_tables:
                return RandomTables{choices_.word()};
            case Kind::pmap_tables:
                break;
        }
        const std::uint32_t seed = choices_.word();
        return PmapTables{seed, choices_.between(1, kMostPmapOperations)};
    }

  private:
    CpuId draw_cpu() {
        const auto cpus = static_cast<std::uint32_t>(mmu_.cpu_count());
        return choices_.chance(20) ? choices_.below(cpus) : model_.last_probe().cpu;
    }

    Kind draw_kind() {
        if (!model_.has_tables()) {
            return Kind::random_tables;
        }
        return choices_.pick<Kind>({{Kind::probe, 7600},
                                    {Kind::set_word, 1200},
                                    {Kind::invlpg, 400},
                                    {Kind::load_cr3, 400},
                                    {Kind::control, 185},
                                    {Kind::evict, 200},
                                    {Kind::random_tables, 12},
                                    {Kind::pmap_tables, 3}});
    }

    // The first page address from a random slot on that has a present entry, if any has: tables of a pmap are mostly
    // empty.
    Va draw_present_page() {
        const std::uint32_t word = choices_.word();
        Va slot = word % machine_ram::kEntries;
        for (std::uint32_t n = 0; n < machine_ram::kEntries; ++n, slot = (slot + 1) % machine_ram::kEntries) {
            const model::Path path = mmu_.path(cpu_, slot << impl::kPdeShift);
            if (slot != machine_ram::kGuestSlot && (path.pde & impl::kPteV) != 0) {
                return slot << impl::kPdeShift | present_page_in(path, word >> 16);
            }
        }
        return 0;
    }
    Va present_page_in(const model::Path& path, std::uint32_t first) const {
        const Pa table = path.leaf_at & impl::kPteFrame;
        std::uint32_t n = first % machine_ram::kEntries;
        if (!machine_ram::is_table_word(table)) {
            return n << kPageShift;
        }
        for (std::uint32_t tried = 0; tried < machine_ram::kEntries; ++tried, n = (n + 1) % machine_ram::kEntries) {
            if ((mmu_.table_word(table + 4 * n) & impl::kPteV) != 0) {
                break;
            }
        }
        return n << kPageShift;
    }

    Va draw_page() {
        const Va last = trunc_page(model_.last_probe().va);
        switch (choices_.pick<int>({{0, 50}, {1, 10}, {2, 30}, {3, 10}})) {
            case 0:
                return last;
            case 1:
                return (last & ~kInSlot) | trunc_page(choices_.word() & kInSlot);
            case 2:
                return draw_present_page();
            default:
                break;
        }
        const Va page = trunc_page(choices_.word());
        return page >> impl::kPdeShift == machine_ram::kGuestSlot ? last : page;
    }

    Operation probe() {
        const auto kind =
            choices_.pick<AccessKind>({{AccessKind::load, 45}, {AccessKind::store, 40}, {AccessKind::fetch, 15}});
        const bool user = choices_.chance(50);
        const Va page = draw_page();
        const std::uint32_t place = choices_.word();
        switch (kind) {
            case AccessKind::load:
                return Probe{cpu_, kind, page | (place & 0xFFC), 0, user};
            case AccessKind::store:
                return Probe{cpu_, kind, page | (place & 0xFF4) | 8, choices_.word() & ~1U, user};
            case AccessKind::fetch:
                break;
        }
        return Probe{cpu_, kind, page | (place & 0xFF0), 0, user};
    }

    // Mostly a word that translates the last address, and mostly one bit of it.
    Operation set_word() {
        const model::Path path = mmu_.path(cpu_, choices_.chance(75) ? model_.last_probe().va : draw_page());
        const bool leaf = machine_ram::is_table_word(path.leaf_at) && choices_.chance(70);
        SetWord op{leaf ? path.leaf_at : path.pde_at, 0};
        if (choices_.chance(50)) {
            op.value = (leaf ? path.leaf : path.pde) ^ 1U << choices_.below(kPageShift);
        }
        if (op.value == 0 || mmu_.refuse(op)) {
            op.value = leaf ? draw_table_word(choices_) : draw_directory_word(choices_);
        }
        return op;
    }

    Operation control() {
        Control op{cpu_, mmu_.cpu(cpu_).wp, mmu_.cpu(cpu_).pse, mmu_.cpu(cpu_).pge};
        const std::uint32_t word = choices_.word();
        op.wp = op.wp != ((word & 1) != 0);
        op.pge = op.pge != ((word & 2) != 0);
        op.pse = (word & 0x1C) != 0;  // clear now and then
        return op;
    }

    Choices& choices_;
    const MachineModel& model_;
    const model::Mmu& mmu_;
    CpuId cpu_;
};

}  // namespace

Operation draw_machine(Choices& choices, const MachineModel& model) {
    return Drawing(choices, model).draw();
}

}  // namespace vmref::props
