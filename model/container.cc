#include "model/container.h"

#include <algorithm>
#include <cstring>

#include "ops/synthetic.h"

namespace vmref::model {

Container::Container(Ref<Container> below, PageIndex below_page)
    : below_(std::move(below)), below_page_(below_page), file_(below_->file_) {}

Container::Container(FileId file, std::uint32_t size)
    : file_(file), size_(size), created_size_(size), synthetic_pages_(pages_in(size)) {}

Ref<Container> Container::clone(Copies& copies) const {
    Ref<Container>& copy = copies.containers[this];
    if (copy) {
        return copy;
    }
    copy = new Container(*this);
    for (Cell& cell : copy->cells_) {
        Ref<PageValue>& value = copies.values[cell.value.get()];
        value = value ? value : Ref<PageValue>(new PageValue(*cell.value));
        cell.value = value;
    }
    copy->below_ = below_ ? below_->clone(copies) : below_;
    return copy;
}

std::pair<Container::Cell*, Container::Cell*> Container::values(PageIndex first, std::uint32_t pages) {
    const auto low = std::ranges::lower_bound(cells_, first, {}, &Cell::page);
    const auto high = std::ranges::lower_bound(low, cells_.end(), first + pages, {}, &Cell::page);
    return {cells_.data() + (low - cells_.begin()), cells_.data() + (high - cells_.begin())};
}

Container::Cell* Container::find(PageIndex page) {
    const auto found = std::ranges::lower_bound(cells_, page, {}, &Cell::page);
    return found != cells_.end() && found->page == page ? &*found : nullptr;
}

Container::Cell& Container::make(PageIndex page, Ref<PageValue> value) {
    const auto place = std::ranges::lower_bound(cells_, page, {}, &Cell::page);
    return *cells_.insert(place, Cell{.page = page, .value = std::move(value)});
}

const Container::Cell* Container::shown(PageIndex page) {
    if (const Cell* cell = find(page)) {
        return cell;
    }
    if (below_) {
        return below_->shown(below_page_ + page);
    }
    if (page >= synthetic_pages_) {
        return nullptr;
    }
    const Cell& cell = make(page, Ref<PageValue>(new PageValue));
    synthetic_page(file_, page, created_size_, cell.value->bytes.data());
    return &cell;
}

bool Container::refused(PageIndex page) const {
    if (below_) {
        return below_->refused(below_page_ + page) && !std::ranges::binary_search(cells_, page, {}, &Cell::page);
    }
    return file_ != 0 && page >= pages_in(size_);
}

const std::uint8_t* Container::read(PageIndex page) {
    const Cell* cell = shown(page);
    return cell != nullptr ? cell->value->bytes.data() : nullptr;
}

std::uint8_t* Container::write(PageIndex page) {
    Cell* cell = find(page);
    if (cell == nullptr) {
        settle(page, 1);
        shown(page);  // a file's synthetic page comes into being
        cell = find(page);
    }
    if (cell == nullptr) {
        cell = &make(page, Ref<PageValue>(new PageValue));
    }
    if (cell->value->use_count() > 1) {
        cell->value = new PageValue(*cell->value);
    }
    cell->discardable = false;
    return cell->value->bytes.data();
}

void Container::settle(PageIndex first, std::uint32_t pages) {
    for (PageIndex page = first; below_ && page < first + pages; ++page) {
        if (find(page) == nullptr && !refused(page)) {
            const Cell* source = below_->shown(below_page_ + page);
            make(page, source != nullptr ? source->value : Ref<PageValue>(new PageValue));
        }
    }
}

Ref<Container> Container::snapshot(PageIndex first, std::uint32_t pages) {
    const Ref<Container> file = base();
    Ref<Container> copy(file ? new Container(file, below_page_ + first) : new Container);
    if (file.get() == this) {
        return copy;
    }
    const auto [low, high] = values(first, pages);
    copy->cells_.assign(low, high);
    for (Cell& cell : copy->cells_) {
        cell.page -= first;
    }
    return copy;
}

bool Container::discard(PageIndex page) {
    const Cell* cell = find(page);
    if (file_ != 0 || (cell != nullptr && !cell->discardable)) {
        return false;
    }
    if (cell != nullptr) {
        cells_.erase(cells_.begin() + (cell - cells_.data()));
    }
    return true;
}

void Container::resize(std::uint32_t size) {
    if (size == size_) {
        return;
    }
    const PageIndex kept = pages_in(size);
    cells_.erase(std::ranges::lower_bound(cells_, kept, {}, &Cell::page), cells_.end());
    synthetic_pages_ = std::min(synthetic_pages_, kept);
    // Behind the larger of the two ends every byte is zero already, or went with its page.
    const std::uint32_t end = std::min(size, std::exchange(size_, size));
    if ((end & kPageMask) != 0) {
        std::memset(write(page_of(end)) + (end & kPageMask), 0, kPageSize - (end & kPageMask));
    }
}

}  // namespace vmref::model
