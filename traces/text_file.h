// Reads a text file, gzip-compressed or not, piece by piece.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vmref {

// Every problem with the file itself (missing, a directory, a damaged or incomplete gzip stream, more than `max_bytes`
// of text) is a BadInput, from whichever function meets it. Never holds more than one buffer of the text.
class TextFile {
  public:
    TextFile(const std::string& path, std::uint64_t max_bytes);

    const std::string& path() const { return path_; }
    // Of the character taken last; 1 before the first.
    unsigned line() const { return line_; }

    bool at_end() { return position_ == filled_ && !fill(); }
    // The next character. Requires: !at_end().
    char current() const { return buffer_[position_]; }
    // Takes it.
    void advance();
    // Takes a line into `line`, without its end; false if there is none left. A longer line than `max_bytes` is a
    // BadInput.
    bool read_line(std::string& line, std::size_t max_bytes);
    // What is buffered beyond the current place, without taking it: empty only at the end.
    std::string_view peek();

    // Throws the BadInput "FILE:LINE: problem".
    [[noreturn]] void fail_here(const std::string& problem) const;
    // Throws the BadInput "FILE: problem".
    [[noreturn]] void fail(const std::string& problem) const;

  private:
    struct Close {
        void operator()(gzFile file) const { gzclose_r(file); }
    };

    // Replaces the used up buffer by the next piece; false at the end of the file.
    bool fill();

    std::string path_;
    std::uint64_t left_;
    std::unique_ptr<gzFile_s, Close> file_;
    std::string buffer_;
    std::size_t position_ = 0;
    std::size_t filled_ = 0;
    unsigned line_ = 1;
    bool line_ended_ = false;
};

}  // namespace vmref
