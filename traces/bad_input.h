// What is thrown for a file that cannot be taken.
#pragma once

#include <stdexcept>
#include <string>

namespace vmref {

// what() is one line: where the problem is and what was expected there. Control characters, which names taken
// from a file may hold, are replaced, and what is too long for a line is cut.
class BadInput : public std::runtime_error {
  public:
    explicit BadInput(const std::string& text) : std::runtime_error(one_line(text)) {}

  private:
    static constexpr std::size_t kMaxBytes = 1000;

    static std::string one_line(std::string text) {
        if (text.size() > kMaxBytes) {
            text.resize(kMaxBytes);
            text += "...";
        }
        for (char& c : text) {
            const auto byte = static_cast<unsigned char>(c);
            c = byte < 0x20 || byte == 0x7f ? '?' : c;
        }
        return text;
    }
};

}  // namespace vmref
