// Device memory that a mapping shows without an object: the device says which physical page is where (UKSMAP).
#pragma once

#include "impl/vm/kernel.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

// The device gets its memory, zeroes, when it is mapped first. False: dying for memory. Blocks.
bool device_open(Kernel& k, DeviceId device);
// The entry's uksmap function: the page behind `va`. Requires: a device entry.
Page& uksmap_page(Kernel& k, const MapEntry& entry, Va va);
// What an entry of either kind shows at `va`.
Content entry_content(Kernel& k, const MapEntry& entry, Va va);

}  // namespace vmref::impl
