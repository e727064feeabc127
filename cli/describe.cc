#include "cli/describe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "impl/machine/pte.h"
#include "ops/codec.h"

namespace vmref::cli {

using namespace impl;

namespace {

struct FlagName {
    std::uint32_t flag;
    const char* name;
};

constexpr FlagName kPteNames[] = {{kPteV, "V"}, {kPteRW, "RW"}, {kPteU, "U"}, {kPteN, "N"}, {kPteA, "A"},
                                  {kPteM, "M"}, {kPtePS, "PS"}, {kPteG, "G"}, {kPteW, "W"}, {kPteManaged, "managed"}};

constexpr FlagName kObjectNames[] = {
    {kObjDead, "DEAD"},         {kObjWriteable, "WRITEABLE"},   {kObjMightBeDirty, "MIGHTBEDIRTY"},
    {kObjCleaning, "CLEANING"}, {kObjOneMapping, "ONEMAPPING"}, {kObjPipWanted, "PIPWNT"}};

constexpr FlagName kPageNames[] = {
    {kPageMapped, "MAPPED"},     {kPageWriteable, "WRITEABLE"}, {kPageReferenced, "REFERENCED"},
    {kPageZero, "ZERO"},         {kPageUnmanaged, "UNMANAGED"}, {kPageFictitious, "FICTITIOUS"},
    {kPageCleanChk, "CLEANCHK"}, {kPageNoSync, "NOSYNC"},       {kPageRam, "RAM"},
    {kPageSwapped, "SWAPPED"},   {kPageWanted, "WANTED"},       {kPageRedirtied, "REDIRTIED"},
};

constexpr FlagName kEntryNames[] = {{kEntryCow, "COW"},
                                    {kEntryNeedsCopy, "NEEDS_COPY"},
                                    {kEntryUserWired, "USER_WIRED"},
                                    {kEntryInTransition, "IN_TRANSITION"},
                                    {kEntryStack, "STACK"},
                                    {kEntryNoSync, "NOSYNC"}};

template <std::size_t count>
std::string flags_text(std::uint32_t flags, const FlagName (&names)[count]) {
    std::string text;
    for (const FlagName& name : names) {
        if ((flags & name.flag) != 0) {
            add_word(text, name.name);
        }
    }
    return text;
}

}  // namespace

void add_word(std::string& list, const std::string& word, const char* between) {
    if (!list.empty() && !word.empty()) {
        list += between;
    }
    list += word;
}

std::string counted(std::uint64_t count, const char* thing) {
    return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string hex(std::uint32_t word) {
    return fmt::format("{:#010x}", word);
}

std::string range_text(Va start, Va end) {
    return fmt::format("{:#010x}-{:#010x}", start, end);
}

std::string prot_text(std::uint32_t prot) {
    return {(prot & kProtRead) != 0 ? 'r' : '-', (prot & kProtWrite) != 0 ? 'w' : '-',
            (prot & kProtExecute) != 0 ? 'x' : '-'};
}

std::string status_text(Status status) {
    return status == Status::success ? "success" : encode_observation({.status = status})["status"].get<std::string>();
}

std::string pte_bits_text(std::uint32_t word) {
    return flags_text(word, kPteNames);
}

std::string pte_text(std::uint32_t word) {
    return word == 0 ? hex(word) + " [empty]"
                     : fmt::format("{} [frame {} {}]", hex(word), word >> kPageShift, pte_bits_text(word));
}

const char* type_name(ObjectType type) {
    switch (type) {
        case ObjectType::default_:
            return "default";
        case ObjectType::swap:
            return "swap";
        case ObjectType::vnode:
            return "vnode";
        case ObjectType::device:
            return "device";
        case ObjectType::page_table:
            break;
    }
    return "page table";
}

const char* queue_name(Queue queue) {
    switch (queue) {
        case Queue::free:
            return "free";
        case Queue::hold:
            return "hold";
        case Queue::cache:
            return "cache";
        case Queue::inactive:
            return "inactive";
        case Queue::active:
            return "active";
        case Queue::none:
            break;
    }
    return "none";
}

std::string object_flags_text(const Object& object) {
    return flags_text(object.flags, kObjectNames);
}

std::string page_flags_text(const Page& page) {
    return flags_text(page.flags, kPageNames);
}

std::string entry_flags_text(const MapEntry& entry) {
    return flags_text(entry.eflags, kEntryNames);
}

std::string object_text(const Object& object) {
    return object.vnode != nullptr ? fmt::format("object {} (vnode, file {})", object.id, object.vnode->id())
                                   : fmt::format("object {} ({})", object.id, type_name(object.type));
}

std::string entry_text(const MapEntry& entry) {
    std::string text = range_text(entry.start, entry.end) + " " + prot_text(entry.protection);
    add_word(text, entry_flags_text(entry));
    if (entry.vpagetable) {
        add_word(text, "VPAGETABLE from " + hex(entry.master_pde));
    }
    if (entry.wired_count != 0) {
        add_word(text, fmt::format("wired {}", entry.wired_count));
    }
    if (entry.device != 0) {
        return fmt::format("{}, device {} from page {}", text, entry.device, entry.first_index());
    }
    return entry.object == nullptr
               ? text + ", no object yet"
               : fmt::format("{}, {} from index {}", text, object_text(*entry.object), entry.first_index());
}

}  // namespace vmref::cli
