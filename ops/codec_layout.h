// The members of every struct that has a JSON form, each list written once. For ops/codec.cc.
#pragma once

#include <string_view>
#include <tuple>

#include "ops/codec_forms.h"
#include "ops/codec_object.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::codec {

using Uint = Number<std::uint32_t>;

template <>
struct Layout<Spawn> {
    static constexpr std::string_view kName = "spawn";
    static constexpr auto kFields = std::tuple{required<Uint>("pid", &Spawn::pid)};
};

template <>
struct Layout<Exec> {
    static constexpr std::string_view kName = "exec";
    static constexpr auto kFields = std::tuple{required<Uint>("pid", &Exec::pid)};
};

template <>
struct Layout<Exit> {
    static constexpr std::string_view kName = "exit";
    static constexpr auto kFields = std::tuple{required<Uint>("pid", &Exit::pid)};
};

template <>
struct Layout<Fork> {
    static constexpr std::string_view kName = "fork";
    static constexpr auto kFields =
        std::tuple{required<Uint>("parent", &Fork::parent), required<Uint>("child", &Fork::child)};
};

template <>
struct Layout<Threads> {
    static constexpr std::string_view kName = "threads";
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &Threads::pid), required<Uint>("count", &Threads::count)};
};

template <>
struct Layout<Switch> {
    static constexpr std::string_view kName = "switch";
    static constexpr auto kFields =
        std::tuple{required<Uint>("cpu", &Switch::cpu), required<Uint>("pid", &Switch::pid)};
};

template <>
struct Layout<CreateFile> {
    static constexpr std::string_view kName = "create_file";
    static constexpr auto kFields =
        std::tuple{required<Uint>("file", &CreateFile::file), required<Uint>("size", &CreateFile::size),
                   required<Text>("path", &CreateFile::path)};
};

template <>
struct Layout<Mmap> {
    static constexpr std::string_view kName = "mmap";
    static constexpr auto kFields = std::tuple{required<Uint>("pid", &Mmap::pid),
                                               required<Address>("addr", &Mmap::addr),
                                               required<Uint>("length", &Mmap::length),
                                               required<Protection>("prot", &Mmap::prot),
                                               optional<Protection>("max_prot", &Mmap::max_prot),
                                               optional<Flag>("shared", &Mmap::shared),
                                               optional<Flag>("fixed", &Mmap::fixed),
                                               optional<Flag>("stack", &Mmap::stack),
                                               optional<Uint>("file", &Mmap::file),
                                               optional<Uint>("offset", &Mmap::offset),
                                               optional<Flag>("vpagetable", &Mmap::vpagetable)};
};

// What every operation on a range begins with.
template <typename T, typename... More>
constexpr auto range_fields(More... more) {
    return std::tuple{required<Uint>("pid", &T::pid), required<Address>("addr", &T::addr),
                      required<Uint>("length", &T::length), more...};
}

template <>
struct Layout<Munmap> {
    static constexpr std::string_view kName = "munmap";
    static constexpr auto kFields = range_fields<Munmap>();
};

template <>
struct Layout<Mremap> {
    static constexpr std::string_view kName = "mremap";
    static constexpr auto kFields = range_fields<Mremap>(required<Address>("new_addr", &Mremap::new_addr),
                                                         required<Uint>("new_length", &Mremap::new_length));
};

template <>
struct Layout<Mprotect> {
    static constexpr std::string_view kName = "mprotect";
    static constexpr auto kFields = range_fields<Mprotect>(required<Protection>("prot", &Mprotect::prot));
};

template <>
struct Layout<Minherit> {
    static constexpr std::string_view kName = "minherit";
    static constexpr auto kFields = range_fields<Minherit>(required<Name<Inherit>>("inherit", &Minherit::inherit));
};

template <>
struct Layout<Madvise> {
    static constexpr std::string_view kName = "madvise";
    static constexpr auto kFields = range_fields<Madvise>(required<Name<Advice>>("advice", &Madvise::advice));
};

template <>
struct Layout<Msync> {
    static constexpr std::string_view kName = "msync";
    static constexpr auto kFields = range_fields<Msync>(optional<Flag>("invalidate", &Msync::invalidate));
};

template <>
struct Layout<Mlock> {
    static constexpr std::string_view kName = "mlock";
    static constexpr auto kFields = range_fields<Mlock>();
};

template <>
struct Layout<Munlock> {
    static constexpr std::string_view kName = "munlock";
    static constexpr auto kFields = range_fields<Munlock>();
};

template <>
struct Layout<Ftruncate> {
    static constexpr std::string_view kName = "ftruncate";
    static constexpr auto kFields =
        std::tuple{required<Uint>("file", &Ftruncate::file), required<Uint>("size", &Ftruncate::size)};
};

template <typename T>
constexpr auto transfer_fields() {
    return std::tuple{required<Uint>("pid", &T::pid), required<Uint>("file", &T::file),
                      required<Uint>("offset", &T::offset), required<Uint>("length", &T::length),
                      required<Address>("buffer", &T::buffer)};
}

template <>
struct Layout<FileRead> {
    static constexpr std::string_view kName = "file_read";
    static constexpr auto kFields = transfer_fields<FileRead>();
};

template <>
struct Layout<FileWrite> {
    static constexpr std::string_view kName = "file_write";
    static constexpr auto kFields = transfer_fields<FileWrite>();
};

// The kind is the operation's name.
template <>
struct Layout<Access> {
    static constexpr auto kCall = &Access::kind;
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &Access::pid), required<Address>("addr", &Access::addr),
                   required<Number<std::uint8_t>>("size", &Access::size),
                   required<Uint>("value", &Access::value, [](const Access& a) { return a.kind == AccessKind::store; }),
                   optional<Flag>("kernel", &Access::kernel)};
};

template <>
inline constexpr std::array<std::string_view, 2> kNames<TableCall>{"mcontrol_setmap", "mcontrol_inval"};

template <>
struct Layout<Mcontrol> {
    static constexpr auto kCall = &Mcontrol::call;
    static constexpr auto kFields = range_fields<Mcontrol>(
        required<Uint>("value", &Mcontrol::value, [](const Mcontrol& op) { return op.call == TableCall::set_map; }));
};

template <>
struct Layout<Pageout> {
    static constexpr std::string_view kName = "pageout";
    static constexpr auto kFields = std::tuple{required<Uint>("pages", &Pageout::pages)};
};

template <>
struct Layout<Discard> {
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &Discard::pid), required<Address>("va", &Discard::va),
                   optional<Uint>("after", &Discard::after)};
};

template <>
struct Layout<FailedRead> {
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &FailedRead::pid), required<Address>("va", &FailedRead::va),
                   optional<Flag>("bad", &FailedRead::bad)};
};

template <>
struct Layout<EarlyCopy> {
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &EarlyCopy::pid), required<Address>("va", &EarlyCopy::va)};
};

template <>
struct Layout<TableWalk> {
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &TableWalk::pid), required<Address>("va", &TableWalk::va),
                   optional<Uint>("depth", &TableWalk::depth)};
};

template <>
struct Layout<Hooked> {
    static constexpr auto kFields = std::tuple{required<Name<HookTime>>("time", &Hooked::time),
                                               optional<Object<Observation>>("seen", &Hooked::seen)};
};

template <>
struct Layout<Observation> {
    static constexpr auto kDiscarded = [](auto& observation) -> auto& { return observation.witness.discarded; };
    static constexpr auto kKilled = [](auto& observation) -> auto& { return observation.witness.killed; };
    static constexpr auto kFailed = [](auto& observation) -> auto& { return observation.witness.failed; };
    static constexpr auto kCopied = [](auto& observation) -> auto& { return observation.witness.copied; };
    static constexpr auto kWalked = [](auto& observation) -> auto& { return observation.witness.walked; };
    static constexpr auto kCached = [](auto& observation) -> auto& { return observation.witness.cached; };
    static constexpr auto kFields = std::tuple{optional<Name<Status>>("status", &Observation::status),
                                               optional<Name<Signal>>("signal", &Observation::signal),
                                               optional<Uint>("value", &Observation::value),
                                               optional<Address>("address", &Observation::address),
                                               optional<List<Object<Discard>>>("discarded", kDiscarded),
                                               optional<List<Uint>>("killed", kKilled),
                                               optional<List<Object<FailedRead>>>("failed", kFailed),
                                               optional<List<Object<EarlyCopy>>>("copied", kCopied),
                                               optional<List<Object<TableWalk>>>("walked", kWalked),
                                               optional<Flag>("cached", kCached),
                                               optional<List<Object<Hooked>>>("hooked", &Observation::hooked)};
};

}  // namespace vmref::codec
