#include "traces/text_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "traces/bad_input.h"

namespace vmref {

namespace {

constexpr std::size_t kBufferBytes = 1U << 16;

}  // namespace

TextFile::TextFile(const std::string& path, std::uint64_t max_bytes) : path_(path), left_(max_bytes) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) {
        fail("no such file");
    }
    if (status.type() == std::filesystem::file_type::directory) {
        fail("expected a file, found a directory");
    }
    file_.reset(gzopen(path.c_str(), "rbe"));
    if (!file_) {
        fail(std::string("cannot be opened: ") + std::strerror(errno));
    }
    gzbuffer(file_.get(), kBufferBytes);
    buffer_.resize(kBufferBytes);
}

bool TextFile::fill() {
    const int count = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
    int error = Z_OK;
    gzerror(file_.get(), &error);
    // A stream that stops in the middle is reported by the read that meets its end, with what there is.
    if (error == Z_BUF_ERROR) {
        fail("expected a complete gzip file, found its end missing");
    }
    if (count < 0) {
        fail(error == Z_ERRNO ? std::string("cannot be read: ") + std::strerror(errno)
                              : "expected a sound gzip file, found damaged data");
    }
    position_ = 0;
    filled_ = static_cast<std::size_t>(count);
    if (filled_ > left_) {
        fail("too large: the text has more bytes than a reader takes");
    }
    left_ -= filled_;
    return filled_ > 0;
}

void TextFile::advance() {
    line_ += line_ended_ ? 1 : 0;
    line_ended_ = buffer_[position_] == '\n';
    ++position_;
}

bool TextFile::read_line(std::string& line, std::size_t max_bytes) {
    line.clear();
    if (at_end()) {
        return false;
    }
    line_ += line_ended_ ? 1 : 0;
    line_ended_ = false;
    while (!line_ended_ && !at_end()) {
        const std::string_view rest = peek();
        const std::size_t length = std::min(rest.find('\n'), rest.size());
        if (line.size() + length > max_bytes) {
            fail_here("expected a line of at most " + std::to_string(max_bytes) + " bytes");
        }
        line.append(rest.substr(0, length));
        line_ended_ = length < rest.size();
        position_ += length + (line_ended_ ? 1 : 0);
    }
    return true;
}

std::string_view TextFile::peek() {
    if (at_end()) {
        return {};
    }
    return std::string_view(buffer_).substr(position_, filled_ - position_);
}

void TextFile::fail_here(const std::string& problem) const {
    throw BadInput(path_ + ":" + std::to_string(line_) + ": " + problem);
}

void TextFile::fail(const std::string& problem) const {
    throw BadInput(path_ + ": " + problem);
}

}  // namespace vmref
