// The work done by vmref's implementation alone: no model, no comparison.
#pragma once

#include "bench/workload.h"
#include "impl/system.h"

namespace vmref::bench {

class SimulatedWorkload final : public Workload {
  public:
    SimulatedWorkload() : system_(Config{}, impl::DefectSet{}) {
        system_.apply(Spawn{kParent});
        system_.apply(CreateFile{kFile, kPages * kPageSize, "file"});
        map_file(true);
        load_all();  // brings the file into memory
        unmap();
    }
    void map_anonymous() override { map(0, false); }
    void map_file(bool shared) override { map(kFile, shared); }
    void unmap() override { system_.apply(Munmap{kParent, kBase, kPages * kPageSize}); }
    void store(std::uint32_t page) override {
        system_.apply(Access{kParent, AccessKind::store, kBase + page * kPageSize, 4, page});
    }
    void load(std::uint32_t page) override {
        system_.apply(Access{kParent, AccessKind::load, kBase + page * kPageSize, 4});
    }
    void protect(bool writable) override {
        const Prot prot = writable ? kProtRead | kProtWrite : kProtRead;
        system_.apply(Mprotect{kParent, kBase, kPages * kPageSize, prot});
    }
    void fork_child() override { system_.apply(Fork{kParent, kChild}); }
    void end_child() override { system_.apply(Exit{kChild}); }

  private:
    static constexpr Pid kParent = 1;
    static constexpr Pid kChild = 2;
    static constexpr FileId kFile = 1;
    static constexpr Va kBase = 0x10000000;

    void map(FileId file, bool shared) {
        system_.apply(Mmap{.pid = kParent,
                           .addr = kBase,
                           .length = kPages * kPageSize,
                           .prot = kProtRead | kProtWrite,
                           .shared = shared,
                           .fixed = true,
                           .file = file});
    }

    impl::System system_;
};

}  // namespace vmref::bench
