// How offsets and counts follow when an object gets another backing object (vm_object.c:1041, 1398-1485).
#pragma once

#include "impl/defects/defects.h"

namespace vmref::impl::rule {

// The offset of an object in what lay below its backing object (M-12). In bytes or pages, of any unsigned type.
template <class Offset>
constexpr Offset joined_offset(Offset above, Offset below, const DefectSet& defects) {
    return defects.on(Defect::m12_offsets_not_added) ? above : above + below;
}

// What the shadow count of the new backing object gains (M-14).
constexpr unsigned shadows_gained(const DefectSet& defects) {
    return defects.on(Defect::m14_shadow_not_counted) ? 0 : 1;
}

// References that a bypassed object's backing object gains: it keeps the one from above, which gets one of its own. A
// merged object's reference is handed over (M-13).
constexpr unsigned bypass_references(const DefectSet& defects) {
    return defects.on(Defect::m13_bypass_not_referenced) ? 0 : 1;
}

}  // namespace vmref::impl::rule
