// What the pagers share: clustered reads (the wanted page, then its neighbours, the last one marked PG_RAM), and the
// course of a write.
#pragma once

#include "impl/vm/kernel.h"
#include "impl/vm/pager.h"

namespace vmref::impl {

// fails: the I/O ends in an error; the pages of the cluster are left without data.
struct ReadRequest {
    std::uint32_t cluster = 1;  // pages, the wanted one included
    bool fails = false;
};

// The pagers behind pager_get_page and pager_put_page.
PagerResult swap_get_page(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request);
PagerResult swap_put_page(Kernel& k, Page& m, const PagerPlan& plan);
PagerResult vnode_get_page(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request);
PagerResult vnode_put_page(Kernel& k, Page& m, const PagerPlan& plan);

// Whether what is planned for a write ends with its data written, at once or later.
inline bool succeeds(const PagerPlan& plan) {
    return plan.result == PagerResult::ok || (plan.result == PagerResult::pend && plan.finish == PagerResult::ok);
}
PagerResult go_on_writing(Kernel& k, Page& m, std::uint32_t slot, const PagerPlan& plan);

// Fills the page from its block: valid and clean. Requires: busied, and pager_has_page.
void read_block(Kernel& k, Page& m);
// The common course of a clustered get_page. Requires: m busied at (object, index).
PagerResult read_cluster(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request);

}  // namespace vmref::impl
