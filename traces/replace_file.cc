#include "traces/replace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "traces/bad_input.h"

namespace vmref {

namespace {

// Differs between the processes and within each.
std::string temporary_name(const std::string& path) {
    static std::atomic<unsigned> count{0};
    return path + ".new-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

}  // namespace

ReplaceFile::ReplaceFile(const std::string& path) : path_(path), target_(path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        fail("expected the name of a regular file or of none");
    }
    // A link keeps leading to its file, which is what gets replaced.
    if (const auto target = std::filesystem::canonical(path, error); !error) {
        target_ = target.string();
    }
    temporary_ = temporary_name(target_);
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
        fail(std::strerror(errno));
    }
    stream_ = gzdopen(dup(descriptor_), path.ends_with(".gz") ? "wb9" : "wbT");
    if (stream_ == nullptr) {
        close(descriptor_);
        unlink(temporary_.c_str());
        fail("no memory for the stream");
    }
}

ReplaceFile::~ReplaceFile() {
    if (stream_ != nullptr) {
        gzclose_w(stream_);
    }
    if (descriptor_ >= 0) {
        close(descriptor_);
        unlink(temporary_.c_str());
    }
}

void ReplaceFile::write(std::string_view text) {
    if (!text.empty() && gzfwrite(text.data(), 1, text.size(), stream_) != text.size()) {
        fail(std::strerror(errno));
    }
}

void ReplaceFile::commit() {
    const int closed = gzclose_w(stream_);
    stream_ = nullptr;
    if (closed != Z_OK || fsync(descriptor_) != 0) {
        fail(std::strerror(errno));
    }
    if (std::rename(temporary_.c_str(), target_.c_str()) != 0) {
        fail(std::strerror(errno));
    }
    close(descriptor_);
    descriptor_ = -1;
}

void ReplaceFile::fail(const std::string& why) const {
    throw BadInput(path_ + ": cannot be written: " + why);
}

}  // namespace vmref
