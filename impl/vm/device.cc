#include "impl/vm/device.h"

namespace vmref::impl {

bool device_open(Kernel& k, DeviceId device) {
    Object*& memory = k.devices[device - 1];
    if (memory == nullptr) {
        memory = &k.objects.allocate(ObjectType::device, kUserDevicePages);
    }
    for (PageIndex index = 0; index < kUserDevicePages; ++index) {
        while (k.pages.lookup(*memory, index) == nullptr) {
            Page* const page = k.pages.alloc(*memory, index, AllocClass::system);
            if (page != nullptr) {
                page->set(kPageUnmanaged);
                k.pages.zero_fill(*page);
                k.pages.set_valid_clean(*page);
                k.pages.wakeup(*page);
                continue;
            }
            k.wait_for_memory();
            if (k.current_dying()) {
                return false;
            }
        }
    }
    return true;
}

Page& uksmap_page(Kernel& k, const MapEntry& entry, Va va) {
    Page* const page = k.pages.lookup(*k.devices[entry.device - 1U], entry.index_of(va));
    ensure(page != nullptr, "a device mapping ends within its device");
    return *page;
}

Content entry_content(Kernel& k, const MapEntry& entry, Va va) {
    const PageIndex index = entry.index_of(va);
    if (entry.device == 0) {
        return object_content(entry.object, index);
    }
    return {Content::Kind::page, k.devices[entry.device - 1U], index, &uksmap_page(k, entry, va)};
}

}  // namespace vmref::impl
