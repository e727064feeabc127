#include "props/invariants/asserted.h"

#include <array>

namespace vmref::props {

namespace {

constexpr std::array kAsserted{
    Invariant{"I-28", "whoever holds a chain lock keeps the backing object below it in place",
              "vm_fault.c:1594-1597, 1995-2010"},
    Invariant{"I-41", "an entry is read only while it is there", "vm_fault.c:1811-1815, 1847-1852"},
    Invariant{"I-42", "a released object is empty and nobody refers to it", "vm_object.c:412-450"},
    Invariant{"I-47",
              "identity, validity, cleanness and wiring of a page change, and it is freed, by its busy owner only",
              "vm_object.c:639-640"},
    Invariant{"I-52", "unwiring gives back what wiring took, and no more", "vm_fault.c:2351-2365, 2400-2407"},
    Invariant{"I-55", "a fault enters a busied, valid page of the object and index that it looked for",
              "vm_fault.c:690-699, 2275-2285"},
    Invariant{"I-74", "a PTE is looked up again after every blocking point", "pmap.c:1830-1833, 1991-1995, 2310-2312"},
    Invariant{"I-80", "a fault that went over to exclusive holds keeps them",
              "vm_fault.c:389-391, 1706-1833, 2249-2251"},
    Invariant{"I-81", "an access ends after a bounded number of faults", "vm_fault.c:578-586, 618-668"},
    Invariant{"I-82", "who waits for a page or for memory has no lock, no vnode and no page",
              "vm_fault.c:1625-1637, 1751-1772"},
    Invariant{"I-84", "cleaning does not chase pages that come meanwhile", "vm_object.c:548-556"},
    Invariant{"I-85", "removing pages ends: it visits no page that came meanwhile", "vm_object.c:1535-1541"},
    Invariant{"I-87", "the holder of a map lock releases it once, and an exclusive one is alone", "vm_fault.c:183-206"},
    Invariant{"I-89", "a fault grows a stack once", "vm_fault.c:440-447"},
};

}  // namespace

std::span<const Invariant> asserted_invariants() {
    return kAsserted;
}

}  // namespace vmref::props
