// What the steps of a fault share: its narration, and how it gives back what it took, at an exit and at the end
// (vm_fault.c:176-263).
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

void narrate_search(const FaultState& fs, PageIndex pindex, bool busy_elsewhere) {
    LevelFind find = LevelFind::nothing;
    if (busy_elsewhere) {
        find = LevelFind::busy;
    } else if (fs.m != nullptr) {
        find = !fs.m->fully_valid() ? LevelFind::invalid : fs.m->has(kPageRam) ? LevelFind::mark : LevelFind::page;
    }
    fs.k.journal.narration->level_searched({fs.object->id, pindex, fs.m != nullptr ? fs.m->frame : 0}, find);
}

// A thread without process names itself (vm_fault.c:1913-1925).
void report_read_error(const FaultState& fs) {
    const Kernel& k = fs.k;
    ensure(k.curproc != nullptr || !k.on(Defect::b04_message_names_process),
           "the process that a message names is there");
    if (k.journal.narration != nullptr && fs.m != nullptr) {
        k.journal.narration->read_failed(narrated(*fs.m), k.curproc != nullptr ? k.curproc->pid : 0);
    }
}

bool give_up_data(FaultState& fs) {
    Kernel& k = fs.k;
    if (fs.map == nullptr || fs.map != k.kernel_map) {
        return false;
    }
    k.failed.push_back({fs.map->pid, fs.va, false});
    swap_pager_unswapped(k, *fs.m);
    ++k.stats.data_given_up;
    return true;
}

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
        if (fs.k.on(Defect::b32_wired_placeholder_freed)) {
            page_unmap_and_free(fs.k, *fs.first_m);
        } else {
            vnode_pager_freepage(fs.k, *fs.first_m);
        }
        pip_wakeup(*fs.object, fs.k.sched);
        fs.first_m = nullptr;
    }
    fs.object = fs.first_object;
}

void unlock_things(FaultState& fs) {
    // cleanup_fault frees it once; M-06 before that, too.
    const auto frees = rule::placeholder_frees<std::uint32_t>(fs.below_top(), fs.k.defects);
    for (std::uint32_t more = frees; more > 1; --more) {
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
    chain_release_all(rule::releases_whole_chain(fs.k.defects) ? first : last, last);
}

void witness_early_copy(FaultState& fs, PageIndex first_pindex) {
    if (fs.copied) {
        for_each_view(*fs.first_object, first_pindex, [&fs](const MapEntry& entry, Va va) {
            fs.k.copied.push_back({entry.map->pid, va});
        });
    }
}

Status wait_in_fault(Kernel& k, Status then) {
    k.wait_for_memory();
    if (!k.current_dying()) {
        return then;
    }
    ++k.stats.faults_given_up;
    return Status::protection_failure;
}

Status leave(FaultState& fs, FaultExit exit) {
    Kernel& k = fs.k;
    const ExitRule& row = exit_rule(exit);
    const auto releases = rule::exit_releases<std::uint32_t>(exit, fs.below_top(), k.defects);
    ++k.stats.fault_exits[static_cast<std::size_t>(exit)];
    if (k.journal.narration != nullptr) {
        k.journal.narration->fault_left(row.name);
    }
    dispose(fs, row.page);
    fs.first_shared = fs.first_shared && !row.clears_first_shared;
    fs.shared = fs.shared && !row.clears_shared;
    if (releases.top_paging != 0) {
        pip_wakeup(*fs.first_object, k.sched);
    }
    release_chain(fs, *fs.first_object, *fs.object);
    if (releases.level_holds == 1) {
        object_drop(*fs.object);
    } else if (releases.level_holds != 0) {
        object_hold(*fs.object, k.sched);  // B-102
    }
    unlock_things(fs);
    Page* const awaited = fs.m;
    fs.m = nullptr;
    ensure_rule((fs.map == nullptr || !fs.lookup_still_valid) && fs.vp == nullptr && !fs.below_top(), "I-82",
                "who starts over has given back what it had");
    if (row.wait == ExitWait::page && awaited != nullptr) {
        k.pages.sleep_busy(*awaited);
        ++k.stats.intrans;
    }
    if (row.wait == ExitWait::memory) {
        if (fs.allow_nofault && k.curproc != nullptr && k.curproc->nofault) {
            return row.status;
        }
        return wait_in_fault(k, row.status);
    }
    return row.status;
}

}  // namespace vmref::impl
