#include "props/machine/simpler.h"

#include <algorithm>

#include "ops/machine_ram.h"
#include "props/machine/machine_model.h"

namespace vmref::props {

namespace {

using Operations = std::vector<Operation>;

constexpr std::uint32_t kMostCpus = 8;

bool is_image(const Operation& operation) {
    return std::holds_alternative<RandomTables>(operation) || std::holds_alternative<PmapTables>(operation);
}

void add_word(Operations& words, Pa pa, std::uint32_t value) {
    const Operation word = SetWord{pa, value};
    if (value != 0 && !machine_ram::is_data(pa) && std::find(words.begin(), words.end(), word) == words.end()) {
        words.push_back(word);
    }
}

// The words of the image at `at` that the accesses up to the next image go through, in each CPU's directory of the
// time.
Operations words_of(const Operations& operations, std::size_t at) {
    Config config;
    config.cpus = kMostCpus;
    MachineModel model(config);
    for (std::size_t i = 0; i <= at; ++i) {
        model.step(operations[i], {});
    }
    Operations words;
    for (std::size_t i = at + 1; i < operations.size() && !is_image(operations[i]); ++i) {
        if (const auto* const probe = std::get_if<Probe>(&operations[i])) {
            const model::Path path = model.mmu().path(probe->cpu, probe->va);
            add_word(words, path.pde_at, path.pde);
            add_word(words, path.leaf_at, path.leaf);
        } else if (!std::holds_alternative<SetWord>(operations[i])) {
            model.step(operations[i], {});
        }
    }
    return words;
}

}  // namespace

std::vector<Operations> with_words_for_tables(const Operations& operations) {
    std::vector<Operations> candidates;
    for (std::size_t at = 0; at < operations.size(); ++at) {
        if (!is_image(operations[at])) {
            continue;
        }
        const Operations words = words_of(operations, at);
        Operations candidate = operations;
        const auto place = candidate.erase(candidate.begin() + static_cast<std::ptrdiff_t>(at));
        candidate.insert(place, words.begin(), words.end());
        candidates.push_back(std::move(candidate));
    }
    return candidates;
}

}  // namespace vmref::props
