// A number that stands for every observation of a run, in order: equal runs have equal digests.
#pragma once

#include <cstdint>

#include "ops/observation.h"

namespace vmref::cli {

// FNV-1a over numbers, byte by byte from the lowest.
class Digest {
  public:
    void add(std::uint64_t number) {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            hash_ = (hash_ ^ ((number >> shift) & 0xFFU)) * 0x100000001b3U;
        }
    }
    void add(const Observation& observation) {
        add(static_cast<std::uint64_t>(observation.status));
        add(static_cast<std::uint64_t>(observation.signal));
        add(observation.value);
        add(observation.address);
        for (const Discard& discard : observation.witness.discarded) {
            add(discard.pid);
            add(discard.va);
            add(discard.after);
        }
        for (const Pid pid : observation.witness.killed) {
            add(pid);
        }
        if (observation.witness.cached) {
            add(1);
        }
        for (const FailedRead& failed : observation.witness.failed) {
            add(failed.pid);
            add(failed.va);
            add(failed.bad ? 1 : 0);
        }
        for (const EarlyCopy& copy : observation.witness.copied) {
            add(copy.pid);
            add(copy.va);
        }
        for (const Hooked& hooked : observation.hooked) {
            add(static_cast<std::uint64_t>(hooked.time));
            add(hooked.seen);
        }
    }
    std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace vmref::cli
