// Writes a file so that a reader, and a crash, meet either the old contents or all of the new.
#pragma once

#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>

namespace vmref {

// The new contents gather in a file beside `path` until commit() puts it in place; without commit() they vanish.
// Every failure is a BadInput that names `path`. Compresses if `path` ends in ".gz".
class ReplaceFile {
  public:
    explicit ReplaceFile(const std::string& path);
    ~ReplaceFile();
    ReplaceFile(const ReplaceFile&) = delete;
    ReplaceFile& operator=(const ReplaceFile&) = delete;

    void write(std::string_view text);
    void commit();

  private:
    [[noreturn]] void fail(const std::string& why) const;

    std::string path_;
    std::string target_;  // `path_` with links followed
    std::string temporary_;
    int descriptor_ = -1;  // kept beside the stream, to reach the disk before the rename
    gzFile stream_ = nullptr;
};

}  // namespace vmref
