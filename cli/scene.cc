#include "cli/scene.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/describe.h"

namespace vmref::cli {

using namespace impl;

Scene::Scene(System& system)
    : machine_(system.kernel().machine),
      pages_(system.kernel().pages),
      pmaps_(system.kernel().pmaps),
      journal_(system.kernel().journal),
      system_(&system) {}

Scene::Scene(ObjectHost& host)
    : machine_(host.kernel().machine),
      pages_(host.kernel().pages),
      pmaps_(host.kernel().pmaps),
      journal_(host.kernel().journal),
      system_(&host.system()),
      names_(&host) {}

Scene::Scene(PmapHost& host)
    : machine_(host.machine()),
      pages_(host.pages()),
      pmaps_(host.pmaps()),
      journal_(host.journal()),
      pmap_host_(&host) {}

const Object* Scene::object(ObjectId id) const {
    return system_ != nullptr ? system_->kernel().objects.find(id) : nullptr;
}

std::vector<const Object*> Scene::objects() const {
    std::vector<const Object*> live;
    if (system_ != nullptr) {
        for (const Object* const object : system_->kernel().objects.all()) {
            if (object != nullptr) {
                live.push_back(object);
            }
        }
    }
    return live;
}

ObjectNumber Scene::number_of(const Object& object) const {
    return names_ != nullptr ? names_->number_of(object) : 0;
}

std::vector<const Map*> Scene::maps() const {
    std::vector<const Map*> maps;
    if (const System* const system = processes()) {
        for (const auto& [pid, process] : system->processes()) {
            maps.push_back(&process->map);
        }
        for (const Map* const map : system->kernel_maps()) {
            if (!map->entries.empty()) {
                maps.push_back(map);
            }
        }
    }
    return maps;
}

const MapEntry* Scene::entry_at(PmapId pmap, Va va) const {
    const System* const system = processes();
    Process* const process = system != nullptr ? system->find_by_pmap(pmap) : nullptr;
    return process != nullptr ? map_entry_through(process->map, va) : nullptr;
}

std::vector<const Pmap*> Scene::address_spaces() const {
    std::vector<const Pmap*> spaces;
    for (const Map* const map : maps()) {
        if (map->pmap != nullptr && (spaces.empty() || spaces.back() != map->pmap)) {
            spaces.push_back(map->pmap);
        }
    }
    for (PmapNumber number = 0; pmap_host_ != nullptr && number < kMaxPmaps; ++number) {
        if (const Pmap* const pmap = pmap_host_->pmap(number)) {
            spaces.push_back(pmap);
        }
    }
    return spaces;
}

const Pmap* Scene::loaded(CpuId cpu) const {
    if (pmap_host_ != nullptr) {
        return &pmap_host_->running(cpu);
    }
    const auto& all = pmaps_.all();
    const auto found = std::find_if(all.begin(), all.end(), [cpu](const Pmap* const pmap) {
        return pmap != nullptr && (pmap->active >> cpu & 1U) != 0;
    });
    return found != all.end() ? *found : nullptr;
}

std::uint64_t Scene::page_faults() const {
    return system_ != nullptr ? system_->kernel().stats.traps : pmap_host_->page_faults();
}

std::string Scene::object_text(const Object& object) const {
    const ObjectNumber number = number_of(object);
    const std::string text = cli::object_text(object);
    return number == 0 ? text : fmt::format("{} = number {}", text, number);
}

std::string Scene::object_text(ObjectId id) const {
    const Object* const found = object(id);
    return found != nullptr ? object_text(*found) : fmt::format("object {}", id);
}

std::string map_text(const Map& map) {
    return map.system ? "kernel" : fmt::format("pid {}", map.pid);
}

std::string Scene::owner_text(PmapId pmap) const {
    if (pmap_host_ != nullptr) {
        const PmapNumber number = pmap_host_->number_of(pmap);
        return number < kMaxPmaps ? fmt::format("pmap number {}", number) : fmt::format("pmap {}", pmap);
    }
    const Process* const process = system_->find_by_pmap(pmap);
    return process != nullptr ? map_text(process->map) : fmt::format("pmap {}", pmap);
}

}  // namespace vmref::cli
