#include "props/generators/mapping_drawing.h"

namespace vmref::props {

namespace {

constexpr Prot kReadWrite = kProtRead | kProtWrite;

}  // namespace

Prot MappingDrawing::prot() {
    return choices_.pick<Prot>({{kReadWrite, 58},
                                {kProtRead, 16},
                                {kProtAll, 8},
                                {kProtRead | kProtExecute, 6},
                                {kProtNone, 5},
                                {kProtWrite, 3},
                                {kProtExecute, 2},
                                {kProtWrite | kProtExecute, 2}});
}

void MappingDrawing::anonymous(Mmap& op) {
    op.shared = choices_.chance(25);
    if (choices_.chance(8)) {
        op.stack = true;
        op.shared = choices_.chance(4);
        op.length = (config_.stack_grow * choices_.between(1, 4) + choices_.below(3)) << kPageShift;
    }
}

void MappingDrawing::of_file(Mmap& op) {
    const std::uint32_t pages = pages_in(model_.file_size(op.file));
    op.shared = choices_.chance(50);
    op.stack = choices_.chance(1);
    op.offset = choices_.chance(50) ? choices_.below(pages + 2) << kPageShift : 0;
    op.offset += choices_.chance(1) ? 1 + choices_.below(kPageMask) : 0;
    if (op.shared && choices_.chance(15)) {
        op.max_prot = op.prot | kProtRead;
    }
}

// Gives the mapping its place, and now and then one that it cannot have.
void MappingDrawing::place(Mmap& op) {
    const std::uint32_t pages = pages_in(op.length);
    op.fixed = op.stack ? !choices_.chance(3) : !choices_.chance(15);
    op.addr = op.fixed || choices_.chance(50) ? places_.place(op.pid, pages) : 0;
    if (choices_.chance(1) && kUserEnd - op.addr - op.length >= 4) {
        op.addr += choices_.below(4);
    }
    // Only where something is mapped: there, it cannot succeed.
    if (!op.fixed && model_.mapping_count(op.pid) != 0 && choices_.chance(1)) {
        op.length = kUserEnd;
    }
}

Mmap MappingDrawing::mmap(Pid pid) {
    Mmap op{.pid = pid, .addr = 0, .length = places_.mapping_pages() << kPageShift, .prot = prot()};
    op.file = choices_.chance(45) ? places_.file() : 0;
    if (op.file != 0) {
        of_file(op);
    } else {
        anonymous(op);
    }
    if (choices_.chance(7)) {
        op.vpagetable = true;
        op.offset = choices_.chance(3) ? op.offset : 0;
        op.stack = op.stack && choices_.chance(3);
    }
    place(op);
    if (choices_.chance(8) && op.length != kUserEnd) {
        op.length -= choices_.below(10) == 0 ? op.length : choices_.below(kPageSize);
    }
    if (choices_.chance(2)) {
        op.max_prot = prot();
    }
    return op;
}

Mremap MappingDrawing::mremap(Pid pid) {
    enum class Change { move, shrink, grow, move_and_grow, overlap, unaligned };
    const AddressRange old = places_.part(pid);
    const std::uint32_t pages = page_of(old.length);
    Mremap op{.pid = pid, .addr = old.addr, .length = old.length, .new_addr = old.addr, .new_length = old.length};
    switch (choices_.pick<Change>({{Change::move, 35},
                                   {Change::shrink, 12},
                                   {Change::grow, 25},
                                   {Change::move_and_grow, 20},
                                   {Change::overlap, 4},
                                   {Change::unaligned, 4}})) {
        case Change::move:
            op.new_length = choices_.chance(30) ? choices_.between(1, pages) << kPageShift : old.length;
            op.new_addr = places_.place(pid, page_of(op.new_length));
            break;
        case Change::shrink:
            op.new_length = choices_.between(1, pages) << kPageShift;
            break;
        case Change::grow:
            op.new_length += choices_.between(1, 6) << kPageShift;
            break;
        case Change::move_and_grow:
            op.new_length += choices_.between(1, 6) << kPageShift;
            op.new_addr = places_.place(pid, page_of(op.new_length));
            break;
        case Change::overlap:
            op.new_addr += choices_.below(pages) << kPageShift;
            break;
        case Change::unaligned:
            op.new_addr = places_.place(pid, pages) + choices_.below(2);
            op.new_length -= choices_.below(2);
            break;
    }
    return op;
}

}  // namespace vmref::props
