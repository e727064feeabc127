// Values for the tests of the codec: operations and observations with fields over their whole range.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref {

inline constexpr std::size_t kAlternatives = std::variant_size_v<Operation>;
inline constexpr std::size_t kFirstOfMachine = kOperationKinds<WorldName::system> + kOperationKinds<WorldName::pmap>;
inline constexpr std::size_t kFirstOfObject = kFirstOfMachine + kOperationKinds<WorldName::machine>;

// Fields over their whole range, edges often. The structs are filled by position here, so that a field missing
// from the codec's table shows as a lost value.
class Draw {
  public:
    explicit Draw(unsigned seed) : random_(seed) {}

    std::uint32_t u() {
        constexpr std::uint32_t edges[] = {0, 1, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xbfc00000, 0xffffffff};
        return flag() ? edges[below(8)] : static_cast<std::uint32_t>(random_());
    }
    bool flag() { return below(2) == 0; }
    Prot prot() { return static_cast<Prot>(below(8)); }
    std::string text() { return flag() ? "" : "/a \"quoted\"\n\\path/\xc3\xa9/" + std::to_string(below(1000)); }
    template <typename Enum>
    Enum name(unsigned count) {
        return static_cast<Enum>(below(count));
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

    Operation operation(std::size_t index) {
        if (index >= kFirstOfObject) {
            return object_operation(index - kFirstOfObject);
        }
        if (index >= kFirstOfMachine) {
            return machine_operation(index - kFirstOfMachine);
        }
        switch (index) {
            case 0:
                return Spawn{u()};
            case 1:
                return Exec{u()};
            case 2:
                return Exit{u()};
            case 3:
                return Fork{u(), u()};
            case 4:
                return Threads{u(), u()};
            case 5:
                return Switch{u(), u()};
            case 6:
                return CreateFile{u(), u(), text()};
            case 7:
                return Mmap{u(), u(), u(), prot(), prot(), flag(), flag(), flag(), u(), u(), flag()};
            case 8:
                return Munmap{u(), u(), u()};
            case 9:
                return Mremap{u(), u(), u(), u(), u()};
            case 10:
                return Mprotect{u(), u(), u(), prot()};
            case 11:
                return Minherit{u(), u(), u(), name<Inherit>(3)};
            case 12:
                return Madvise{u(), u(), u(), name<Advice>(8)};
            case 13:
                return Msync{u(), u(), u(), flag()};
            case 14:
                return Mlock{u(), u(), u()};
            case 15:
                return Munlock{u(), u(), u()};
            case 16:
                return Ftruncate{u(), u()};
            case 17:
                return FileRead{u(), u(), u(), u(), u()};
            case 18:
                return FileWrite{u(), u(), u(), u(), u()};
            case 19: {
                const auto kind = name<AccessKind>(3);
                const std::uint32_t value = kind == AccessKind::store ? u() : 0;
                return Access{u(), kind, u(), static_cast<std::uint8_t>(below(256)), value, flag()};
            }
            case 20:
                return Pageout{u()};
            default:
                break;
        }
        if (index < kOperationKinds<WorldName::system>) {
            return index < kFirstStandIn ? kernel_use(index) : stand_in(index - kFirstStandIn);
        }
        index -= kOperationKinds<WorldName::system> - kFirstKernelUse;
        return index < kFirstKernelOperation ? pmap_operation(index) : kernel_operation(index);
    }

    static inline constexpr std::size_t kFirstKernelUse = 21;
    static inline constexpr std::size_t kFirstStandIn = 34;

    Operation kernel_use(std::size_t index) {
        switch (index) {
            case 21: {
                const auto call = name<DebugCall>(2);
                const std::uint32_t value = call == DebugCall::debug_write ? u() : 0;
                return DebugAccess{call, u(), u(), u(), static_cast<std::uint8_t>(below(256)), value};
            }
            case 22:
                return KernelGet{u(), u(), u(), flag()};
            case 23:
                return KernelPut{u(), u()};
            case 24:
                return KernelWire{u(), u(), u()};
            case 25:
                return KernelUnwire{u(), u(), u()};
            case 26: {
                const auto call = name<NofaultCall>(2);
                const std::uint32_t value = call == NofaultCall::store_nofault ? u() : 0;
                return NofaultAccess{call, u(), u(), static_cast<std::uint8_t>(below(256)), value};
            }
            case 27:
                return LockFuture{u(), flag()};
            case 28:
                return MapDevice{u(), static_cast<DeviceId>(below(65536)), u(), u(), prot(), u()};
            case 29:
                return Swapoff{};
            case 30:
                return KernelAlloc{u(), u(), name<KernelUse>(3)};
            case 31:
                return KernelFree{u()};
            case 32: {
                const auto call = name<KernelCall>(2);
                const std::uint32_t value = call == KernelCall::kernel_store ? u() : 0;
                return KernelAccess{call, u(), static_cast<std::uint8_t>(below(256)), value};
            }
            default:
                return LimitResident{u(), u()};
        }
    }

    Operation stand_in(std::size_t index) {
        switch (index) {
            case 0:
                return WriteOut{u(), u(), flag(), flag()};
            case 1:
                return FinishIo{};
            case 2:
                return Reclaim{u(), u()};
            case 3:
                return BusyPage{u(), u(), u()};
            case 4:
                return PlanIo{name<IoCall>(2), u(), name<IoAnswer>(9), u()};
            case 5:
                return PlanShortage{name<Scarce>(3), u()};
            case 6:
                return Hook{};
            default: {
                const auto call = name<TableCall>(2);
                return Mcontrol{call, u(), u(), u(), call == TableCall::set_map ? u() : 0};
            }
        }
    }

    static inline constexpr std::size_t kFirstKernelOperation = 36;

    Operation pmap_operation(std::size_t index) {
        switch (index) {
            case 21:
                return PageCall{name<PageCallName>(13), u(), u()};
            case 22:
                return PmapZeroPageArea{u(), u(), u(), u()};
            case 23:
                return PmapCopyPage{u(), u(), u(), u(), u(), u()};
            case 24:
                return PmapPageProtect{u(), prot(), u()};
            case 25:
                return PmapCall{name<PmapCallName>(5), u(), u()};
            case 26:
                return PmapSwitch{name<SwitchCallName>(2), u(), u()};
            case 27:
                return PmapEnter{u(), u(), u(), prot(), flag(), flag(), u()};
            case 28:
                return PmapEnterQuick{u(), u(), u(), u()};
            case 29:
                return PmapObjectInitPt{u(), u(), prot(), u(), u(), flag(), u()};
            case 30:
                return PmapInstall4m{u(), u(), prot(), u()};
            case 31:
                return PmapRange{name<RangeCallName>(2), u(), u(), u(), u()};
            case 32:
                return PmapProtect{u(), u(), u(), prot(), u()};
            case 33:
                return PmapAddress{name<AddressCallName>(5), u(), u(), u()};
            case 34:
                return PmapPair{name<PairCallName>(2), u(), u(), u()};
            default:
                return PmapCollect{u()};
        }
    }

    Operation kernel_operation(std::size_t index) {
        switch (index) {
            case 36:
                return KernelEnter{name<KernelEnterName>(3), u(), u(), u()};
            case 37:
                return KernelAddress{name<KernelAddressName>(7), u(), u()};
            case 38:
                return KernelPages{name<KernelRangeName>(3), u(), u(), u(), u()};
            case 39:
                return PmapMapdev{u(), u(), flag(), u()};
            case 40:
                return PmapUnmapdev{u(), u()};
            case 41:
                return PmapGrowkernel{u(), u()};
            case 42:
                return PmapAddrHint{u(), u(), flag(), u()};
            case 43:
                return HardwareAccess{u(),   name<AccessKind>(3), u(), static_cast<std::uint8_t>(below(256)), u(),
                                      flag()};
            default:
                return EvictTlb{u(), u()};
        }
    }
    Operation machine_operation(std::size_t index) {
        switch (index) {
            case 0:
                return SetWord{u(), u()};
            case 1: {
                const auto kind = name<AccessKind>(3);
                return Probe{u(), kind, u(), kind == AccessKind::store ? u() : 0, flag()};
            }
            case 2:
                return Invlpg{u(), u()};
            case 3:
                return LoadCr3{u(), u()};
            case 4:
                return Control{u(), flag(), flag(), flag()};
            case 5:
                return Evict{u(), u()};
            case 6:
                return RandomTables{u()};
            default:
                return PmapTables{u(), u()};
        }
    }

    PagerTurn turn() { return {name<PagerEvent>(9), u()}; }
    Operation object_operation(std::size_t index) {
        switch (index) {
            case 0:
                return ObjectAllocate{u(), u(), flag()};
            case 1:
                return ObjectCall{name<ObjectCallName>(5), u()};
            case 2:
                return ObjectShadow{u(), u(), u(), u()};
            case 3:
                return ObjectCoalesce{u(), u(), u(), u()};
            case 4:
                return ObjectTruncate{u(), u()};
            case 5:
                return ObjectPut{u(), u(), u(), u()};
            case 6:
                return ObjectFault{u(), u(), prot(), u(), flag(), flag(), u(), turn()};
            case 7:
                return ObjectPage{name<ObjectPageName>(2), u(), u()};
            case 8:
                return ObjectBusy{u(), u(), u()};
            case 9:
                return ObjectPin{name<ObjectPinName>(2), u(), u(), u()};
            case 10:
                return ObjectUnpin{u()};
            case 11:
                return ObjectWrite{u(), u(), name<PagerEvent>(9)};
            case 12:
                return ObjectIoDone{};
            case 13:
                return ObjectRange{name<ObjectRangeName>(8), u(), u(), u(), turn()};
            default:
                return ObjectPageout{u()};
        }
    }

    Observation observation() {
        Observation result = plain_observation();
        if (flag()) {
            result.hooked.push_back({name<HookTime>(3), plain_observation()});
        }
        return result;
    }

    Observation plain_observation() {
        Observation result{name<Status>(9), name<Signal>(4), u(), u(), {}};
        for (unsigned n = below(4); n > 0; --n) {
            result.witness.discarded.push_back({u(), u(), u()});
            result.witness.killed.push_back(u());
            result.witness.failed.push_back({u(), u(), flag()});
            result.witness.copied.push_back({u(), u()});
            result.witness.walked.push_back({u(), u(), u()});
        }
        result.witness.cached = flag();
        return result;
    }

  private:
    std::mt19937_64 random_;
};

}  // namespace vmref
