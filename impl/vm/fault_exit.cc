// How a fault gives back what it took: at an exit, and at the end (vm_fault.c:176-263).
#include "impl/vm/fault_state.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

void dispose(FaultState& fs, PageFate fate) {
    Kernel& k = fs.k;
    if (fs.m == nullptr || fate == PageFate::not_ours) {
        return;
    }
    switch (fate) {
        case PageFate::activate:
            k.pages.activate(*fs.m);
            k.pages.wakeup(*fs.m);
            break;
        case PageFate::deactivate:
            k.pages.deactivate(*fs.m);
            k.pages.wakeup(*fs.m);
            break;
        case PageFate::scrap:
            vnode_pager_freepage(k, *fs.m);
            break;
        case PageFate::unbusy:
        case PageFate::not_ours:
            k.pages.wakeup(*fs.m);
            break;
    }
    fs.m = nullptr;
}

}  // namespace

void release_page(FaultState& fs) {
    fs.k.pages.deactivate(*fs.m);
    fs.k.pages.wakeup(*fs.m);
    fs.m = nullptr;
}

void unlock_map(FaultState& fs) {
    if (fs.lookup_still_valid && fs.map != nullptr) {
        map_lookup_done(*fs.map);
        fs.lookup_still_valid = false;
    }
}

void cleanup_fault(FaultState& fs) {
    if (fs.below_top()) {
        ensure_rule(!fs.first_shared, "I-80", "a placeholder is in an exclusively held object");
        // A placeholder that somebody wired or holds stays, unbusied (catalogue D-5).
        vnode_pager_freepage(fs.k, *fs.first_m);
        pip_wakeup(*fs.object, fs.k.sched);
        fs.first_m = nullptr;
    }
    fs.object = fs.first_object;
}

void unlock_things(FaultState& fs) {
    if (fs.below_top() && fs.k.on(Defect::m06_placeholder_freed_twice)) {
        vnode_pager_freepage(fs.k, *fs.first_m);
    }
    cleanup_fault(fs);
    unlock_map(fs);
    if (fs.vp != nullptr) {
        vnode_unlock(*fs.vp);
        fs.vp = nullptr;
    }
}

void release_chain(FaultState& fs, Object& first, Object& last) {
    if (fs.k.on(Defect::m05_chain_released_partly)) {
        chain_release(last);
    } else {
        chain_release_all(first, last);
    }
}

Status leave(FaultState& fs, FaultExit exit) {
    Kernel& k = fs.k;
    const ExitRule& rule = kExitRules[static_cast<std::size_t>(exit)];
    ++k.stats.fault_exits[static_cast<std::size_t>(exit)];
    if (k.journal.narration != nullptr) {
        k.journal.narration->fault_left(rule.name);
    }
    dispose(fs, rule.page);
    fs.first_shared = fs.first_shared && !rule.clears_first_shared;
    fs.shared = fs.shared && !rule.clears_shared;
    if (exit != FaultExit::top_needs_exclusive || !k.on(Defect::m04_exit_keeps_pip)) {
        pip_wakeup(*fs.first_object, k.sched);
    }
    release_chain(fs, *fs.first_object, *fs.object);
    if (fs.below_top() && exit == FaultExit::no_memory && k.on(Defect::b102_no_memory_holds_again)) {
        object_hold(*fs.object, k.sched);
    } else if (fs.below_top()) {
        object_drop(*fs.object);
    }
    unlock_things(fs);
    Page* const awaited = fs.m;
    fs.m = nullptr;
    if (rule.wait == ExitWait::page && awaited != nullptr) {
        k.pages.sleep_busy(*awaited);
        ++k.stats.intrans;
    }
    if (rule.wait == ExitWait::memory) {
        if (fs.allow_nofault && k.curproc != nullptr && k.curproc->nofault) {
            return rule.status;
        }
        k.wait_for_memory();
        if (k.current_dying()) {
            return Status::protection_failure;
        }
    }
    return rule.status;
}

}  // namespace vmref::impl
