// One step of the pmap world's model under way.
#pragma once

#include <string>

#include "model/mapping.h"

namespace vmref::model {

struct Mappings::Step {
    const Observation& actual;
    Observation& expected;
    std::string& illegal;

    void complain(bool legal, const char* why) {
        if (!legal && illegal.empty()) {
            illegal = why;
        }
    }
};

template <typename Visit>
void Mappings::for_each_leaf(PmapNumber pmap, Va start, Va end, Visit&& visit) {
    auto& tables = spaces_[pmap]->tables;
    for (auto table = tables.lower_bound(start >> 22); table != tables.end() && table->first <= (end - 1) >> 22;
         ++table) {
        for (auto& [index, leaf] : table->second) {
            const Va va = (table->first << 22) + (index << kPageShift);
            if (va >= start && va < end) {
                visit(va, leaf);
            }
        }
    }
}

}  // namespace vmref::model
