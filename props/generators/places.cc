#include "props/generators/places.h"

#include <algorithm>
#include <array>

namespace vmref::props {

namespace {

// Two page tables serve the first three: one frame each matters on the smallest machines.
constexpr std::array<Va, 8> kBases{
    kPageTableSpan - 6 * kPageSize,
    kPageTableSpan,
    2 * kPageTableSpan - 16 * kPageSize,
    kUserEnd - 12 * kPageSize,
    0x08048000U,
    0x20000000U - 3 * kPageSize,
    0x00001000U,
    0x7FC00000U - 40 * kPageSize,
};

Va last_place(std::uint32_t pages) {
    return kUserEnd - (pages << kPageShift);
}

Va end_of(const model::MappingView& mapping) {
    return mapping.start + (mapping.pages << kPageShift);
}

}  // namespace

// Of `count` things, the first few are favoured: processes that meet at the same pages are what makes chains
// interesting.
std::uint32_t Places::some_favoured(std::uint32_t count, std::uint32_t favoured) {
    return choices_.chance(50) ? count : std::min(count, favoured);
}

Pid Places::process() {
    const std::vector<Pid>& pids = model_.processes();
    return pids[choices_.below(some_favoured(static_cast<std::uint32_t>(pids.size()), 2))];
}

Pid Places::unused_pid() const {
    Pid pid = 1;
    for (const Pid taken : model_.processes()) {
        if (taken != pid) {
            break;
        }
        ++pid;
    }
    return pid;
}

FileId Places::file() {
    const std::vector<FileId> files = model_.files();
    const std::uint32_t choice = choices_.word();
    return files.empty() ? 0 : files[choice % files.size()];
}

std::uint32_t Places::position(std::uint32_t size) {
    enum class Where { start, in_page, page, end, near_end, anywhere };
    const std::uint32_t pages = pages_in(size);
    switch (choices_.pick<Where>({{Where::start, 10},
                                  {Where::page, 20},
                                  {Where::in_page, 15},
                                  {Where::end, 15},
                                  {Where::near_end, 20},
                                  {Where::anywhere, 20}})) {
        case Where::start:
            return 0;
        case Where::page:
            return choices_.below(pages + 2) << kPageShift;
        case Where::in_page:
            return (choices_.below(pages + 1) << kPageShift) + choices_.below(8);
        case Where::end:
            return size;
        case Where::near_end: {
            const std::uint32_t back = choices_.below(2 * kPageSize);
            return size >= back ? size - back : size + back;
        }
        case Where::anywhere:
            break;
    }
    return choices_.below(size + kPageSize);
}

model::MappingView Places::mapping(Pid pid) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    return model_.mapping(pid, choices_.below(some_favoured(count, 3)));
}

// Pages from the start of the mapping on that do not lie past the end of its file.
std::uint32_t Places::pages_with_data(const model::MappingView& mapping) const {
    if (mapping.file == 0) {
        return mapping.pages;
    }
    const std::uint32_t end = pages_in(model_.file_size(mapping.file));
    return end > mapping.file_page ? std::min(mapping.pages, end - mapping.file_page) : 0;
}

std::uint32_t Places::page_at_end_of_file(const model::MappingView& mapping) {
    const std::uint32_t wanted = page_of(model_.file_size(mapping.file)) + choices_.below(3);
    const std::uint32_t first = mapping.file_page + 1;  // one page before the end counts too
    return wanted >= first && wanted - first < mapping.pages ? wanted - first : mapping.pages - 1;
}

std::uint32_t Places::page_in(const model::MappingView& mapping) {
    enum class Where { first_few, anywhere, last, end_of_file, page_table };
    switch (choices_.pick<Where>({{Where::first_few, 18},
                                  {Where::anywhere, 46},
                                  {Where::last, 12},
                                  {Where::end_of_file, 12},
                                  {Where::page_table, 12}})) {
        case Where::first_few:
            return choices_.below(std::min(mapping.pages, 4U));
        case Where::last:
            return mapping.pages - 1;
        case Where::end_of_file:
            if (mapping.file != 0) {
                return page_at_end_of_file(mapping);
            }
            break;
        case Where::page_table: {
            const Va boundary = (mapping.start / kPageTableSpan + 1) * kPageTableSpan;
            if (boundary < end_of(mapping)) {
                return page_of(boundary - mapping.start) - choices_.below(2);
            }
            break;
        }
        case Where::anywhere:
            break;
    }
    return choices_.below(std::min(mapping.pages, 64U));
}

std::uint32_t Places::offset_in_page(const model::MappingView& mapping, std::uint32_t size) {
    enum class Where { first_words, any_word, last, across, any_byte, end_of_file };
    switch (choices_.pick<Where>({{Where::first_words, 36},
                                  {Where::any_word, 32},
                                  {Where::last, 10},
                                  {Where::across, 7},
                                  {Where::any_byte, 8},
                                  {Where::end_of_file, 7}})) {
        case Where::first_words:
            return 4 * choices_.below(8);
        case Where::any_word:
            return 4 * choices_.below(kPageSize / 4);
        case Where::last:
            return kPageSize - size;
        case Where::across:
            return kPageSize - 1 - choices_.below(size);
        case Where::end_of_file:
            if (mapping.file != 0) {
                return (model_.file_size(mapping.file) + 2 - choices_.below(5)) & kPageMask;
            }
            break;
        case Where::any_byte:
            break;
    }
    return choices_.below(kPageSize);
}

Va Places::outside(const model::MappingView& mapping) {
    enum class Where { before, behind, page_zero, last_user, first_kernel, kernel, top, anywhere };
    switch (choices_.pick<Where>({{Where::before, 30},
                                  {Where::behind, 30},
                                  {Where::page_zero, 8},
                                  {Where::last_user, 10},
                                  {Where::first_kernel, 8},
                                  {Where::kernel, 6},
                                  {Where::top, 4},
                                  {Where::anywhere, 4}})) {
        case Where::before:
            return mapping.start - 1 - choices_.below(2 * kPageSize);
        case Where::behind:
            return end_of(mapping) + choices_.below(2 * kPageSize);
        case Where::page_zero:
            return choices_.below(kPageSize);
        case Where::last_user:
            return kUserEnd - 1 - choices_.below(8);
        case Where::first_kernel:
            return kUserEnd + choices_.below(8);
        case Where::kernel:
            return 0xC0000000U + choices_.below(0x3F000000U);
        case Where::top:
            return 0xFFFFFFFFU - choices_.below(8);
        case Where::anywhere:
            break;
    }
    return choices_.word();
}

// What ends in a signal touches little of the machine: a few such accesses are enough.
model::MappingView Places::accessible_mapping(Pid pid, Prot needed) {
    constexpr unsigned kTries = 4;
    model::MappingView chosen = mapping(pid);
    if (!choices_.chance(5)) {
        for (unsigned tries = 0; tries < kTries && ((chosen.prot & needed) == 0 || pages_with_data(chosen) == 0);
             ++tries) {
            chosen = mapping(pid);
        }
    }
    return chosen;
}

Va Places::access(Pid pid, std::uint32_t size, Prot needed) {
    if (model_.mapping_count(pid) == 0) {
        return base() + choices_.below(kPageSize);
    }
    const model::MappingView chosen = accessible_mapping(pid, needed);
    if (chosen.stack_reserve != 0 && choices_.chance(35)) {
        // As far as one page below the reserve.
        return chosen.start - 4 - 4 * choices_.below((chosen.stack_reserve + 1) * (kPageSize / 4));
    }
    if (choices_.chance(2)) {
        return outside(chosen);
    }
    std::uint32_t page = page_in(chosen);
    if (!choices_.chance(4)) {
        page %= std::max(pages_with_data(chosen), 1U);
    }
    return chosen.start + (page << kPageShift) + offset_in_page(chosen, size);
}

AddressRange Places::adjoining(Pid pid) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    if (count == 0) {
        return {base(), kPageSize};
    }
    const std::uint32_t first = choices_.below(count);
    const std::uint32_t last = std::min(first + choices_.below(4), count - 1);
    const Va start = model_.mapping(pid, first).start;
    Va end = end_of(model_.mapping(pid, first));
    for (std::uint32_t n = first + 1; n <= last && model_.mapping(pid, n).start == end; ++n) {
        end = end_of(model_.mapping(pid, n));
    }
    return {start, end - start};
}

AddressRange Places::part(Pid pid) {
    const model::MappingView chosen = mapping(pid);
    const std::uint32_t first = choices_.below(3) == 0 ? page_in(chosen) : 0;
    const std::uint32_t left = chosen.pages - first;
    const std::uint32_t pages = choices_.chance(50) ? left : choices_.between(1, std::min(left, 16U));
    return {chosen.start + (first << kPageShift), pages << kPageShift};
}

AddressRange Places::range(Pid pid) {
    enum class Shape { whole, part, several, unaligned, over_end, empty, beyond_user, anything };
    const auto shape = choices_.pick<Shape>({{Shape::whole, 44},
                                             {Shape::part, 26},
                                             {Shape::several, 12},
                                             {Shape::unaligned, 8},
                                             {Shape::over_end, 5},
                                             {Shape::empty, 2},
                                             {Shape::beyond_user, 2},
                                             {Shape::anything, 1}});
    if (model_.mapping_count(pid) == 0) {
        return {base(), kPageSize};
    }
    if (shape == Shape::several) {
        return adjoining(pid);
    }
    if (shape == Shape::whole) {
        const model::MappingView chosen = mapping(pid);
        return {chosen.start, chosen.pages << kPageShift};
    }
    AddressRange some = part(pid);
    switch (shape) {
        case Shape::unaligned: {
            const std::uint32_t skipped = choices_.below(kPageSize);
            return {some.addr + skipped, some.length - std::min(skipped + choices_.below(kPageSize), some.length - 1)};
        }
        case Shape::over_end:
            some.length += choices_.between(1, 4) << kPageShift;
            return some;
        case Shape::empty:
            return {some.addr, 0};
        case Shape::beyond_user:
            return {some.addr, kUserEnd - some.addr + choices_.between(1, 2 * kPageSize)};
        case Shape::anything:
            return {choices_.word(), choices_.word()};
        default:
            return some;
    }
}

bool Places::any_locked(Pid pid) const {
    const std::size_t count = model_.mapping_count(pid);
    for (std::size_t n = 0; n < count; ++n) {
        if (model_.mapping(pid, n).wired) {
            return true;
        }
    }
    return false;
}

AddressRange Places::locked_range(Pid pid) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    const std::uint32_t tried = choices_.chance(10) ? 0 : count;
    const std::uint32_t first = choices_.word();
    for (std::uint32_t n = 0; n < tried; ++n) {
        const model::MappingView candidate = model_.mapping(pid, (first % count + n) % count);
        if (candidate.wired) {
            const std::uint32_t pages = choices_.chance(70) ? candidate.pages : choices_.between(1, candidate.pages);
            return {candidate.start, pages << kPageShift};
        }
    }
    return range(pid);
}

template <class Fits>
std::optional<model::MappingView> Places::some_mapping(Pid pid, Fits fits) {
    const auto count = static_cast<std::uint32_t>(model_.mapping_count(pid));
    const std::uint32_t first = choices_.word();
    for (std::uint32_t n = 0; n < count; ++n) {
        const model::MappingView candidate = model_.mapping(pid, (first % count + n) % count);
        if (fits(candidate)) {
            return candidate;
        }
    }
    return std::nullopt;
}

std::optional<MappingOf> Places::locked_file() {
    const auto fits = [](const model::MappingView& mapping) {
        return mapping.wired && mapping.shared && mapping.file != 0 && (mapping.prot & kProtWrite) != 0;
    };
    const std::vector<Pid>& pids = model_.processes();
    const std::uint32_t first = choices_.word();
    for (std::uint32_t n = 0; n < pids.size(); ++n) {
        const Pid pid = pids[(first % pids.size() + n) % pids.size()];
        if (const auto found = some_mapping(pid, fits)) {
            return MappingOf{pid, *found};
        }
    }
    return std::nullopt;
}

std::optional<model::MappingView> Places::inherited_file(Pid pid) {
    return some_mapping(pid, [](const model::MappingView& mapping) {
        return !mapping.shared && mapping.file != 0 && mapping.inherit == Inherit::share;
    });
}

Va Places::base() {
    const std::uint32_t usable = std::clamp(config_.frames / 40, 3U, static_cast<std::uint32_t>(kBases.size()));
    return kBases[choices_.below(usable)];
}

Va Places::place(Pid pid, std::uint32_t pages) {
    enum class Where { base, near_base, behind, before, over };
    const auto where = choices_.pick<Where>(
        {{Where::base, 20}, {Where::near_base, 35}, {Where::behind, 20}, {Where::before, 13}, {Where::over, 12}});
    const std::uint32_t bytes = pages << kPageShift;
    if (where == Where::base || where == Where::near_base || model_.mapping_count(pid) == 0) {
        const std::uint32_t shift = where == Where::near_base ? choices_.below(48) << kPageShift : 0;
        return std::min(base() + shift, last_place(pages));
    }
    const model::MappingView neighbour = mapping(pid);
    Va addr = end_of(neighbour);
    if (where == Where::before) {
        addr = neighbour.start >= bytes ? neighbour.start - bytes : 0;
    } else if (where == Where::over) {
        addr = neighbour.start + (page_in(neighbour) << kPageShift);
    }
    return std::min(addr, last_place(pages));
}

std::uint32_t Places::mapping_pages() {
    enum class Size { few, dozen, many, tables };
    const std::uint32_t most = std::clamp(config_.frames / 4, 4U, 64U);
    const auto size = choices_.pick<Size>({{Size::few, 35}, {Size::dozen, 52}, {Size::many, 12}, {Size::tables, 1}});
    switch (size) {
        case Size::few:
            return choices_.between(1, 4);
        case Size::many:
            return choices_.between(1, most);
        case Size::tables:
            if (config_.frames >= 1024) {
                return choices_.between(600, 2400);
            }
            break;
        case Size::dozen:
            break;
    }
    return choices_.between(1, std::min(12U, most));
}

}  // namespace vmref::props
