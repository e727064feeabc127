// Debuggers, and pages that the kernel holds: accesses that pass the page tables by.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "model/pages.h"
#include "model/world.h"

namespace vmref::model {

namespace {

struct Cell {
    Status status = Status::success;
    Container* container = nullptr;
    PageIndex index = 0;
};

// The page at `va` for who needs the rights `need`; `overriding`: by the maximum protection, unless it is wired.
Cell find_cell(Step& step, Pid pid, Va va, Prot need, bool overriding, bool may_grow) {
    const PageIndex page = page_of(va);
    const Range* range = nullptr;
    if (va < kUserEnd) {
        range = may_grow ? mapped_or_grown(step, pid, page) : step.world.find(pid)->space.at(page);
    }
    if (range == nullptr) {
        return {.status = Status::invalid_address};
    }
    if (const auto refused = forbidden(*range, page)) {
        return {.status = *refused};
    }
    const Prot judged = overriding && !range->pinned() ? range->max_prot : range->prot;
    const PageIndex index = range->cell(page);
    if ((need & ~judged) != 0) {
        // Who is refused only because the page is wired has brought it in before.
        const bool brought_in = overriding && range->pinned() && (need & ~range->max_prot) == 0;
        const FailedRead* const failed = brought_in ? failed_read(step, pid, va) : nullptr;
        return {.status = failed != nullptr && !failed->bad ? Status::failure : Status::protection_failure};
    }
    if (range->table) {
        const TableTarget target =
            translate(step, {pid, page, need, judged, step.actual.status != Status::success, false});
        if (target.status == Status::success && (need & kProtWrite) != 0) {
            range->container->settle(target.cell, 1);
        }
        return {.status = target.status, .container = range->container.get(), .index = target.cell};
    }
    if (range->container->refused(index)) {
        return {.status = Status::protection_failure};
    }
    if (const FailedRead* const failed = failed_read(step, pid, va)) {
        if (failed->bad || !outlives_loss(pid, page)) {
            return {.status = failed->bad ? Status::protection_failure : Status::failure};
        }
        std::memset(range->container->write(index), 0, kPageSize);
    }
    // A wired page is found with all rights of its mapping, whatever this access needs.
    if ((need & kProtWrite) != 0 || (range->pinned() && (range->prot & kProtWrite) != 0)) {
        range->container->settle(index, 1);
    }
    return {.container = range->container.get(), .index = index};
}

std::uint32_t word_at(Container& container, PageIndex cell, std::uint32_t offset) {
    std::uint32_t word = 0;
    if (const std::uint8_t* bytes = container.read(cell)) {
        std::memcpy(&word, bytes + offset, sizeof word);
    }
    return word;
}

}  // namespace

void run(Step& step, const DebugAccess& op) {
    const bool writes = op.call == DebugCall::debug_write;
    std::array<Cell, 2> cells;
    const std::uint32_t in_first = std::min<std::uint32_t>(op.size, kPageSize - (op.addr & kPageMask));
    for (std::uint32_t done = 0; done < op.size; done = done == 0 ? in_first : op.size) {
        const Prot need = writes ? kProtWrite : kProtRead;
        Cell& cell = cells[done == 0 ? 0 : 1];
        cell = find_cell(step, op.target, op.addr + done, need, writes, op.pid != 0);
        if (cell.status != Status::success) {
            step.expected.status = cell.status;
            return;
        }
        if (writes) {
            cell.container->write(cell.index);  // dirty from here on, even if the other page refuses
        }
    }
    for (std::uint32_t i = 0; i < op.size; ++i) {
        const Cell& cell = cells[i < in_first ? 0 : 1];
        const std::uint32_t offset = (op.addr + i) & kPageMask;
        if (writes) {
            cell.container->write(cell.index)[offset] = static_cast<std::uint8_t>(op.value >> (8 * i));
        } else if (const std::uint8_t* bytes = cell.container->read(cell.index)) {
            step.expected.value |= std::uint32_t{bytes[offset]} << (8 * i);
        }
    }
}

void run(Step& step, const KernelGet& op) {
    const Prot need = op.write ? kProtRead | kProtWrite : kProtRead;
    const Cell cell = find_cell(step, op.pid, op.addr, need, false, true);
    step.expected.status = cell.status;
    if (cell.status != Status::success) {
        return;
    }
    const std::uint32_t offset = op.addr & kPageMask & ~3U;
    if (op.write) {
        cell.container->write(cell.index);
    }
    step.expected.value = word_at(*cell.container, cell.index, offset);
    step.world.held[op.slot] = {Ref<Container>(cell.container), cell.index, offset, op.write, op.pid, op.addr};
}

void run(Step& step, const KernelPut& op) {
    const HeldPage page = std::exchange(step.world.held[op.slot], {});
    if (page.write && !page.container->refused(page.cell)) {
        std::memcpy(page.container->write(page.cell) + page.offset, &op.value, sizeof op.value);
    }
}

void run(Step& step, const NofaultAccess& op) {
    const Va va = op.addr & ~(op.size - 1U);
    const bool mapped = va < kUserEnd && step.world.find(op.pid)->space.at(page_of(va)) != nullptr;
    if (!mapped || step.actual.status == Status::invalid_address) {
        step.expected.status = Status::invalid_address;
        return;
    }
    const AccessKind kind = op.call == NofaultCall::load_nofault ? AccessKind::load : AccessKind::store;
    run(step, Access{.pid = op.pid, .kind = kind, .addr = va, .size = op.size, .value = op.value, .kernel = true});
}

void run(Step& step, const KernelAccess& op) {
    const Va va = op.addr & ~(op.size - 1U);
    const bool stores = op.call == KernelCall::kernel_store;
    const Cell cell = find_cell(step, 0, va, stores ? kProtWrite : kProtRead, false, false);
    step.expected.status = cell.status;
    for (std::uint32_t i = 0; cell.status == Status::success && i < op.size; ++i) {
        const std::uint32_t offset = (va + i) & kPageMask;
        if (stores) {
            cell.container->write(cell.index)[offset] = static_cast<std::uint8_t>(op.value >> (8 * i));
        } else if (const std::uint8_t* bytes = cell.container->read(cell.index)) {
            step.expected.value |= std::uint32_t{bytes[offset]} << (8 * i);
        }
    }
}

}  // namespace vmref::model
