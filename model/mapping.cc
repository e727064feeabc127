#include "model/mapping.h"

#include <algorithm>

#include "model/mapping_state.h"

namespace vmref::model {

namespace {

constexpr std::uint32_t directory_index(Va va) {
    return va >> 22;
}
constexpr std::uint32_t table_index(Va va) {
    return page_of(va) & 1023U;
}

}  // namespace

Mappings::Mappings(const Config& config) : config_(config), spaces_(kMaxPmaps), running_(config.cpus, kKernelPmap) {
    spaces_[kKernelPmap].emplace();
}

Outcome Mappings::step(const Operation& operation, const Observation& actual) {
    Outcome outcome;
    Step step{actual, outcome.expected, outcome.illegal};
    visit_operation<WorldName::pmap>([&](const auto& op) { take(step, op); }, operation);
    return outcome;
}

// --- looking ---------------------------------------------------------------------------------------------------------

const Leaf* Mappings::leaf(PmapNumber pmap, Va va) const {
    return const_cast<Mappings*>(this)->find(pmap, va);
}

const BigLeaf* Mappings::big(PmapNumber pmap, Va va) const {
    const Space* const space = this->space(pmap);
    if (space == nullptr || space->bigs.empty()) {
        return nullptr;
    }
    const auto found = space->bigs.find(directory_index(va));
    return found == space->bigs.end() ? nullptr : &found->second;
}

const KernelLeaf* Mappings::kernel_leaf(Va va) const {
    const auto found = kernel_.find(trunc_page(va));
    return found == kernel_.end() ? nullptr : &found->second;
}

const PageState* Mappings::page(PageNumber page) const {
    return const_cast<Mappings*>(this)->find_page(page);
}

std::uint32_t Mappings::stale(Va va) const {
    const auto found = stale_.find(trunc_page(va));
    return found == stale_.end() ? 0 : found->second;
}

// What nobody has: pages, directories, page tables and the kernel's own take the others.
std::uint32_t Mappings::free_frames() const {
    const std::uint32_t grown = (kernel_end_ - kKernelFirstEnd) >> 22;
    const auto used = static_cast<std::uint32_t>(pages_.size()) + live_ + kept_ + user_tables_ + grown + kBootFrames;
    return config_.frames - used;
}

Leaf* Mappings::find(PmapNumber pmap, Va va) {
    if (pmap >= kMaxPmaps || !spaces_[pmap]) {
        return nullptr;
    }
    auto& tables = spaces_[pmap]->tables;
    const auto table = tables.find(directory_index(va));
    if (table == tables.end()) {
        return nullptr;
    }
    const auto leaf = table->second.find(table_index(va));
    return leaf == table->second.end() ? nullptr : &leaf->second;
}

PageState* Mappings::find_page(PageNumber page) {
    const auto found = pages_.find(page);
    return found == pages_.end() ? nullptr : &found->second;
}

bool Mappings::managed(PageNumber page) const {
    const PageState* const state = this->page(page);
    return state != nullptr && state->managed;
}

std::uint8_t* Mappings::bytes(PageNumber page) {
    std::vector<std::uint8_t>& bytes = is_device(page) ? device_bytes_[page] : pages_.at(page).bytes;
    if (bytes.empty()) {
        bytes.resize(kPageSize, 0);
    }
    return bytes.data();
}

// --- changing --------------------------------------------------------------------------------------------------------

void Mappings::add(PmapNumber pmap, Va va, const Leaf& leaf) {
    Space& space = *spaces_[pmap];
    Space::Table& table = space.tables[directory_index(va)];
    user_tables_ += pmap != kKernelPmap && table.empty() ? 1 : 0;
    table.emplace(table_index(va), leaf);
    ++space.leaves;
    if (PageState* const page = find_page(leaf.page)) {
        page->places.push_back({pmap, trunc_page(va)});
        pv_count_ += page->managed ? 1 : 0;
    }
}

void Mappings::remove(PmapNumber pmap, Va va) {
    Space& space = *spaces_[pmap];
    const auto table = space.tables.find(directory_index(va));
    const auto at = table->second.find(table_index(va));
    const Leaf leaf = at->second;
    table->second.erase(at);
    --space.leaves;
    if (table->second.empty()) {
        space.tables.erase(table);
        user_tables_ -= pmap != kKernelPmap ? 1 : 0;
    }
    PageState* const page = find_page(leaf.page);
    if (page == nullptr) {
        return;
    }
    const auto place = std::find_if(page->places.begin(), page->places.end(), [&](const PageState::Place& candidate) {
        return candidate.pmap == pmap && candidate.va == trunc_page(va);
    });
    *place = page->places.back();
    page->places.pop_back();
    pv_count_ -= page->managed ? 1 : 0;
    page->must_be_referenced = page->must_be_referenced || (page->managed && leaf.used);
}

void Mappings::remove_range(PmapNumber pmap, Va start, Va end) {
    if (start >= end) {
        return;
    }
    std::vector<Va> gone;
    for_each_leaf(pmap, start, end, [&](Va va, const Leaf& /*leaf*/) { gone.push_back(va); });
    for (const Va va : gone) {
        remove(pmap, va);
    }
    auto& bigs = spaces_[pmap]->bigs;
    bigs.erase(bigs.lower_bound(directory_index(start)), bigs.upper_bound(directory_index(end - 1)));
}

void Mappings::remove_page(PageNumber page) {
    PageState& state = *find_page(page);
    while (!state.places.empty()) {
        const PageState::Place place = state.places.back();
        remove(place.pmap, place.va);
    }
}

// The A and M of a managed mapping go to the page.
void Mappings::write_protect(Leaf& leaf) {
    leaf.writable = false;
    PageState* const page = find_page(leaf.page);
    if (page == nullptr || !page->managed) {
        return;
    }
    page->must_be_referenced = page->must_be_referenced || leaf.used;
    leaf.stored = false;
    leaf.used = false;
    leaf.vague = true;
}

// False: no pv entry is left.
bool Mappings::take_pv(const PageState& page) {
    if (!page.managed) {
        return true;
    }
    pv_woken_ = pv_woken_ || pv_count_ + 1 > 9 * (config_.pv_entries / 10);
    return pv_count_ < config_.pv_entries;
}

void Mappings::kernel_enter(Va va, PageNumber page) {
    kernel_remove(va);
    kernel_[va] = {page};
    if (PageState* const state = find_page(page)) {
        ++state->kernel_places;
    }
}

void Mappings::kernel_remove(Va va) {
    const auto found = kernel_.find(va);
    if (found == kernel_.end()) {
        return;
    }
    if (PageState* const state = find_page(found->second.page)) {
        --state->kernel_places;
    }
    kernel_.erase(found);
}

// Only `cpu` heard that what was mapped at `va` is something else now.
void Mappings::local(Va va, CpuId cpu, bool was_mapped) {
    const std::uint32_t everybody = (1U << config_.cpus) - 1;
    std::uint32_t& mask = stale_[va];
    mask = (was_mapped ? everybody : mask) & ~(1U << cpu);
    if (mask == 0) {
        stale_.erase(va);
    }
}

}  // namespace vmref::model
