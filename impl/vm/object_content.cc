#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

Content object_content(const Object* object, PageIndex index) {
    while (object != nullptr) {
        const auto found = object->pages.find(index);
        if (found != object->pages.end() && found->fully_valid()) {
            return {Content::Kind::page, object, index, &*found};
        }
        if (object->swap_slot(index) != kNoSwapSlot) {
            return {Content::Kind::swap, object, index, nullptr};
        }
        if (object->type == ObjectType::vnode) {
            return {index < object->size ? Content::Kind::file : Content::Kind::refused, object, index, nullptr};
        }
        index = object->backing_index(index);
        object = object->backing;
    }
    return {};
}

const std::uint8_t* content_bytes(Kernel& k, const Content& content) {
    switch (content.kind) {
        case Content::Kind::page:
            return k.machine.memory().frame(content.page->frame);
        case Content::Kind::swap:
            return k.swap.read(content.object->swap_slot(content.index));
        case Content::Kind::file:
            return content.object->vnode->block(content.index);
        case Content::Kind::zero:
        case Content::Kind::refused:
            break;
    }
    return nullptr;
}

Page* chain_resident_page(Kernel& k, Object* object, PageIndex index) {
    while (object != nullptr) {
        if (Page* page = k.pages.lookup(*object, index)) {
            return page;
        }
        index = object->backing_index(index);
        object = object->backing;
    }
    return nullptr;
}

}  // namespace vmref::impl
