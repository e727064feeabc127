// Operations that touch user memory: the judgement of a page, and what is moved.
#include <algorithm>
#include <array>
#include <cstring>

#include "model/world.h"

namespace vmref::model {

namespace {

// The cell behind a user page, or the signal that refuses it.
struct Target {
    Signal signal = Signal::none;
    Container* container = nullptr;
    PageIndex cell = 0;
};

// `refused_by_choice`: the implementation refused this page. It counts only where it may do as it likes: reading a
// page that has some right, but not that of reading; and where its data could not be read.
Target judge(Step& step, Pid pid, std::uint64_t va, Prot need, bool refused_by_choice) {
    if (va >= kUserEnd) {
        return {.signal = Signal::segv};
    }
    const PageIndex page = page_of(static_cast<Va>(va));
    const Range* range = mapped_or_grown(step, pid, page);
    if (range == nullptr) {
        return {.signal = Signal::segv};
    }
    const bool indulged = need == kProtRead && range->prot != kProtNone && !refused_by_choice;
    if ((range->prot & need) == 0 && !indulged) {
        return {.signal = Signal::bus};
    }
    if (range->table) {
        const TableTarget target = translate(step, {pid, page, need, range->prot, refused_by_choice, true});
        return target.status == Status::success ? Target{Signal::none, range->container.get(), target.cell}
                                                : Target{.signal = Signal::bus};
    }
    if (range->container->refused(range->cell(page))) {
        return {.signal = Signal::bus};
    }
    if (refused_by_choice && failed_read(step, pid, static_cast<Va>(va)) != nullptr) {
        return {.signal = Signal::bus};
    }
    // A wired page is faulted in with all rights of its mapping, whatever this access needs (catalogue D-3).
    if (range->pinned() && (range->prot & kProtWrite) != 0) {
        range->container->settle(range->cell(page), 1);
    }
    return {Signal::none, range->container.get(), range->cell(page)};
}

// Moves bytes run by run between `file` and user memory; the kernel touches the user pages.
template <typename Move>
void transfer(Step& step, Pid pid, std::uint32_t offset, std::uint32_t length, Va buffer, Prot need, Move move) {
    std::uint32_t moved = 0;
    while (moved < length && !(step.killed && moved >= step.actual.value)) {
        apply_discards(step, moved);
        const std::uint64_t user = std::uint64_t{buffer} + moved;
        const std::uint32_t position = offset + moved;
        const auto in_page = static_cast<std::uint32_t>(user & kPageMask);
        const std::uint32_t size = std::min({length - moved, kPageSize - in_page, kPageSize - (position & kPageMask)});
        const bool ended_here = step.actual.value == moved;
        // A FileRead brings the page of the file in first.
        const bool unread = ended_here && need == kProtWrite && failed_read(step, 0, position) != nullptr;
        const Target target = unread ? Target{.signal = Signal::bus} : judge(step, pid, user, need, ended_here);
        if (target.signal != Signal::none) {
            step.expected.status = Status::invalid_address;
            break;
        }
        move(target, in_page, position, size);
        moved += size;
    }
    apply_discards(step, moved);
    step.expected.value = moved;
}

// A copy of bytes that may be the same memory as their destination.
std::array<std::uint8_t, kPageSize> pick(Container& from, PageIndex cell, std::uint32_t offset, std::uint32_t size) {
    std::array<std::uint8_t, kPageSize> bytes;
    if (const std::uint8_t* source = from.read(cell)) {
        std::memcpy(bytes.data(), source + offset, size);
    } else {
        std::memset(bytes.data(), 0, size);
    }
    return bytes;
}

}  // namespace

void run(Step& step, const Access& op) {
    const bool stores = op.kind == AccessKind::store;
    std::array<Target, 2> targets;  // of the first page, and of the second if it is crossed into
    const std::uint32_t in_first = std::min<std::uint32_t>(op.size, kPageSize - (op.addr & kPageMask));
    for (std::uint32_t done = 0; done < op.size; done = done == 0 ? in_first : op.size) {
        const Va va = op.addr + done;
        const bool refused = op.kernel ? step.actual.status == Status::invalid_address
                                       : step.actual.signal == Signal::bus && step.actual.address == va;
        const Target target = judge(step, op.pid, va, stores ? kProtWrite : kProtRead, refused);
        if (target.signal != Signal::none) {
            step.expected.status = op.kernel ? Status::invalid_address : Status::success;
            step.expected.signal = op.kernel ? Signal::none : target.signal;
            step.expected.address = op.kernel ? 0 : va;
            return;
        }
        // The page has been faulted in for the store, even if the next one refuses.
        if (stores) {
            target.container->settle(target.cell, 1);
        }
        targets[done == 0 ? 0 : 1] = target;
    }
    translate_again(step, op.pid, stores ? kProtWrite : kProtRead, page_of(op.addr), page_of(op.addr + op.size - 1U));
    for (std::uint32_t i = 0; i < op.size; ++i) {
        const auto& [signal, container, cell] = targets[i < in_first ? 0 : 1];
        const std::uint32_t offset = (op.addr + i) & kPageMask;
        if (stores) {
            container->write(cell)[offset] = static_cast<std::uint8_t>(op.value >> (8 * i));
        } else if (const std::uint8_t* bytes = container->read(cell)) {
            step.expected.value |= std::uint32_t{bytes[offset]} << (8 * i);
        }
    }
}

void run(Step& step, const FileRead& op) {
    Container& file = *step.world.find_file(op.file);
    const std::uint32_t available = op.offset < file.size() ? file.size() - op.offset : 0;
    transfer(step, op.pid, op.offset, std::min(op.length, available), op.buffer, kProtWrite,
             [&](const Target& user, std::uint32_t in_page, std::uint32_t position, std::uint32_t size) {
                 const auto bytes = pick(file, page_of(position), position & kPageMask, size);
                 std::memcpy(user.container->write(user.cell) + in_page, bytes.data(), size);
             });
}

void run(Step& step, const FileWrite& op) {
    Container& file = *step.world.find_file(op.file);
    if (std::uint64_t{op.offset} + op.length > kMaxFileSize && op.length != 0) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    transfer(step, op.pid, op.offset, op.length, op.buffer, kProtRead,
             [&](const Target& user, std::uint32_t in_page, std::uint32_t position, std::uint32_t size) {
                 const auto bytes = pick(*user.container, user.cell, in_page, size);
                 file.resize(std::max(file.size(), position + size));
                 std::memcpy(file.write(page_of(position)) + (position & kPageMask), bytes.data(), size);
             });
}

}  // namespace vmref::model
