#include "props/machine/tables.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "impl/machine/pte.h"
#include "ops/machine_ram.h"
#include "props/lockstep.h"
#include "props/machine/words.h"
#include "props/prng.h"

namespace vmref::props {

namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::size_t kWords = (machine_ram::kTablesEnd - machine_ram::kDirectoriesStart) / 4;

std::uint32_t& word_at(Words& words, Pa pa) {
    return words[(pa - machine_ram::kDirectoriesStart) / 4];
}

Words make(const RandomTables& op) {
    Words words(kWords, 0);
    Prng prng(op.seed, 0);
    Record record{};
    for (Pa pa = machine_ram::kDirectoriesStart; pa < machine_ram::kTablesEnd; pa += 4) {
        const bool directory = machine_ram::is_directory_word(pa);
        if (!directory && !machine_ram::is_table_word(pa)) {
            continue;
        }
        if (directory && pa % kPageSize == 4 * machine_ram::kGuestSlot) {
            continue;
        }
        prng.fill(record);
        Choices choices(record);
        word_at(words, pa) = directory ? draw_directory_word(choices) : draw_table_word(choices);
    }
    return words;
}

// Takes the tables of a kernel over, with the frames that the machine world has for them.
class Relocation {
  public:
    explicit Relocation(const impl::PhysicalMemory& memory) : memory_(memory), words_(kWords, 0) {}

    void add_directory(Frame frame) {
        if (directories_ == machine_ram::kDirectories) {
            return;
        }
        const Pa to = machine_ram::directory_address(directories_++);
        for (std::uint32_t i = 0; i < machine_ram::kEntries; ++i) {
            if (i != machine_ram::kGuestSlot) {
                word_at(words_, to + 4 * i) = directory_word(frame, memory_.read32((frame << kPageShift) + 4 * i));
            }
        }
    }
    Words take() { return std::move(words_); }

  private:
    static Pa data_frame(Frame frame) {
        constexpr std::uint32_t frames = (machine_ram::kDataEnd - machine_ram::kDataStart) >> kPageShift;
        return machine_ram::kDataStart + frame % frames * kPageSize;
    }

    // The slot in which a directory shows itself stays empty: there accesses would store to tables.
    std::uint32_t directory_word(Frame directory, std::uint32_t word) {
        const Frame frame = word >> kPageShift;
        if ((word & impl::kPteV) == 0 || frame == directory) {
            return 0;
        }
        if ((word & impl::kPtePS) != 0) {
            return (word & kPageMask) | (data_frame(frame) & impl::kPteBigFrame);
        }
        const std::optional<Pa> table = table_at(frame);
        return table ? (word & kPageMask) | *table : 0;
    }

    std::optional<Pa> table_at(Frame frame) {
        const auto known = tables_.find(frame);
        if (known != tables_.end()) {
            return known->second;
        }
        if (tables_.size() == machine_ram::kTables) {
            return std::nullopt;
        }
        const Pa to = machine_ram::kTablesStart + static_cast<Pa>(tables_.size()) * kPageSize;
        tables_.emplace(frame, to);
        for (std::uint32_t i = 0; i < machine_ram::kEntries; ++i) {
            const std::uint32_t word = memory_.read32((frame << kPageShift) + 4 * i);
            if ((word & impl::kPteV) != 0) {
                word_at(words_, to + 4 * i) = (word & kPageMask) | data_frame(word >> kPageShift);
            }
        }
        return to;
    }

    const impl::PhysicalMemory& memory_;
    Words words_;
    std::uint32_t directories_ = 0;
    std::map<Frame, Pa> tables_;
};

Words make(const PmapTables& op) {
    const Config config;
    SystemLockstep lockstep(config, {}, {.checkpoint_every = 0});
    Prng prng(op.seed, 1);
    Record record{};
    for (std::uint32_t n = 0; n < op.operations; ++n) {
        prng.fill(record);
        Choices choices(record);
        if (lockstep.apply(SystemWorld::draw(choices, lockstep.model(), config))) {
            break;  // a violation is the system world's business
        }
    }
    const impl::Kernel& kernel = lockstep.subject().kernel();
    Relocation relocation(kernel.machine.memory());
    for (const impl::Pmap* const pmap : kernel.pmaps.all()) {
        if (pmap != nullptr) {
            relocation.add_directory(pmap->directory->frame);
        }
    }
    return relocation.take();
}

template <typename Op>
std::span<const std::uint32_t> remembered(const Op& op) {
    thread_local std::optional<Op> last;
    thread_local Words words;
    if (last != op) {
        words = make(op);
        last = op;
    }
    return words;
}

}  // namespace

std::span<const std::uint32_t> tables_of(const RandomTables& op) {
    return remembered(op);
}

std::span<const std::uint32_t> tables_of(const PmapTables& op) {
    return remembered(op);
}

}  // namespace vmref::props
