// Mappings of 4 MiB. pmap.c meets them everywhere and makes none: this is what a device driver of its time would do.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

void PmapSystem::install_4m(Pmap& pmap, Va va, Pa pa, Prot prot) {
    coverage_.ran(PmapFunction::install_4m);
    ensure(((va | pa) & ~kPteBigFrame) == 0 && va < kUserEnd, "a 4 MiB mapping is aligned");
    ensure(pde(pmap, va) == 0, "a 4 MiB mapping takes the place of nothing");
    const pte::Request<std::uint32_t> request{
        .pa = pa, .va = va, .prot = prot, .wired = false, .managed = false, .global = false};
    change(pmap, va, pointer_to(pde_address(pmap, va)),
           [&](std::uint32_t word) { return pte::install_big(word, request); });
    pde_changed(pmap);
}

}  // namespace vmref::impl
