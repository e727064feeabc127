#include "props/generators/table_drawing.h"

#include <algorithm>
#include <cstring>

#include "ops/virtual_page_table.h"

namespace vmref::props {

namespace {

// Tables mostly lie where they make sense: the directory in the first page of the mapping, its only table in the
// second one. Few mappings have pages for a second table to translate.
constexpr std::uint32_t kDirectory = 0;
constexpr std::uint32_t kTable = 1;
constexpr std::uint32_t kLinear = kVpteV | kVpteRW | kVptePS;
constexpr std::uint32_t kWords = 1U << kVpteLevelBits;
constexpr std::uint32_t kMarks = kVpteA | kVpteM;

std::uint32_t table_of(const model::MappingView& mapping) {
    return mapping.pages == 1 ? kDirectory : kTable;
}

constexpr std::uint32_t word(std::uint32_t page, std::uint32_t bits) {
    return page << kVpteFrameShift | bits;
}

}  // namespace

std::optional<model::MappingView> TableDrawing::tabled_mapping(Pid pid) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    const std::uint32_t first = count != 0 ? choices_.below(count) : 0;
    for (std::uint32_t n = 0; n < count; ++n) {
        const model::MappingView mapping = model_.mapping(pid, (first + n) % count);
        if (mapping.vpagetable) {
            return mapping;
        }
    }
    return std::nullopt;
}

// Where the process can store to this page of the mapping's memory: in it, if it is translated as it lies there; in
// another mapping of the same file, if there is one.
Va TableDrawing::address_of(Pid pid, const model::MappingView& mapping, std::uint32_t page) {
    const bool linear = (mapping.root & (kVptePS | kVpteV)) == (kVptePS | kVpteV);
    const auto count = static_cast<std::uint32_t>(linear ? 0 : model_.mapping_count(pid));
    for (std::uint32_t n = 0; n < count; ++n) {
        const model::MappingView other = model_.mapping(pid, n);
        const bool same = other.file != 0 && other.file == mapping.file && other.shared && mapping.shared;
        if (same && !other.vpagetable && page >= other.file_page && page - other.file_page < other.pages) {
            return other.start + ((page - other.file_page) << kPageShift);
        }
    }
    return mapping.start + (page << kPageShift);
}

std::uint32_t TableDrawing::word_at(Pid pid, const model::MappingView& mapping, std::uint32_t page,
                                    std::uint32_t slot) const {
    const std::uint8_t* const bytes = model_.page(pid, mapping.start + (page << kPageShift)).bytes;
    std::uint32_t value = 0;
    if (bytes != nullptr) {
        std::memcpy(&value, bytes + 4 * slot, sizeof value);
    }
    return value;
}

bool TableDrawing::has_directory(Pid pid, const model::MappingView& mapping) const {
    return (word_at(pid, mapping, kDirectory, 0) & ~kMarks) == word(table_of(mapping), kVpteV | kVpteRW);
}

// A few of its words translate to something.
bool TableDrawing::has_table(Pid pid, const model::MappingView& mapping) const {
    std::uint32_t good = 0;
    for (std::uint32_t slot = 0; slot < std::min(mapping.pages, kWords); ++slot) {
        const std::uint32_t vpte = word_at(pid, mapping, table_of(mapping), slot);
        good += (vpte & kVpteV) != 0 && vpte >> kVpteFrameShift < mapping.pages ? 1 : 0;
    }
    return good >= std::min(4U, (mapping.pages + 1) / 2);
}

Operation TableDrawing::set_root(Pid pid, const model::MappingView& mapping, std::uint32_t value) const {
    return Mcontrol{TableCall::set_map, pid, mapping.start, mapping.pages << kPageShift, value};
}

std::optional<Operation> TableDrawing::next_step(Pid pid, const model::MappingView& mapping) {
    if ((mapping.prot & kProtWrite) == 0) {
        return std::nullopt;
    }
    const bool linear = mapping.root >> kVpteFrameShift == 0 && (mapping.root & kLinear) == kLinear;
    const bool directory = has_directory(pid, mapping);
    if (directory && has_table(pid, mapping)) {
        return linear ? std::optional(set_root(pid, mapping, word(kDirectory, kVpteV | kVpteRW))) : std::nullopt;
    }
    return linear ? store_word(pid, mapping, !directory) : set_root(pid, mapping, kLinear);
}

Operation TableDrawing::store_word(Pid pid, const model::MappingView& mapping, bool directory) {
    const std::uint32_t slot = directory ? 0 : choices_.below(std::min(mapping.pages, kWords));
    const auto bits = choices_.pick<std::uint32_t>(
        {{kVpteV | kVpteRW, 70}, {kVpteV, 10}, {kVpteV | kVpteRW | kVpteM | kVpteA, 10}, {kLinear, 5}, {0, 5}});
    std::uint32_t target = directory ? table_of(mapping) : choices_.below(mapping.pages);
    target = choices_.chance(3) ? mapping.pages + choices_.below(3) : target;
    return Access{.pid = pid,
                  .kind = AccessKind::store,
                  .addr = address_of(pid, mapping, directory ? kDirectory : table_of(mapping)) + 4 * slot,
                  .size = 4,
                  .value = word(target, bits)};
}

std::uint32_t TableDrawing::root(const model::MappingView& mapping) {
    return choices_.pick<std::uint32_t>({{kLinear, 34},
                                         {word(kDirectory, kVpteV | kVpteRW), 36},
                                         {kLinear | kVpteM, 8},
                                         {word(kDirectory, kVpteV), 8},
                                         {word(choices_.below(mapping.pages + 1), kVpteV | kVpteRW), 8},
                                         {word(choices_.below(mapping.pages), kLinear), 4},
                                         {0, 2}});
}

std::optional<Operation> TableDrawing::operation(Pid pid) {
    const auto mapping = tabled_mapping(pid);
    if (!mapping) {
        return std::nullopt;
    }
    if (choices_.chance(65)) {
        if (auto step = next_step(pid, *mapping)) {
            return step;
        }
    }
    enum class Form { word, root, range, invalidate };
    const auto form =
        choices_.pick<Form>({{Form::word, 40}, {Form::root, 30}, {Form::range, 8}, {Form::invalidate, 22}});
    if (form == Form::word) {
        return store_word(pid, *mapping, choices_.chance(30));
    }
    Mcontrol op{.call = TableCall::set_map, .pid = pid, .addr = mapping->start, .length = mapping->pages << kPageShift};
    if (form == Form::range) {
        const AddressRange range = places_.range(pid);
        op.addr = range.addr;
        op.length = range.length;
    }
    if (form == Form::invalidate || (form == Form::range && choices_.chance(50))) {
        op.call = TableCall::invalidate;
    } else {
        op.value = root(*mapping);
    }
    return op;
}

}  // namespace vmref::props
