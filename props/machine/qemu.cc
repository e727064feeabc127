#include "props/machine/qemu.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "props/machine/guest_image.h"

namespace vmref::props {

namespace {

using guest::Step;
using guest::Word;
using Clock = std::chrono::steady_clock;

constexpr const char* kProgram = "qemu-system-i386";
constexpr std::size_t kRamBytes = 64U << 20;
constexpr auto kPatience = std::chrono::seconds(60);  // for one batch on a busy machine
constexpr auto kPoll = std::chrono::microseconds(20);

[[noreturn]] void lost(const std::string& what) {
    throw NoOracle(std::string(kProgram) + ": " + what);
}

class File {
  public:
    explicit File(const char* name) : number_(memfd_create(name, 0)) {
        if (number_ < 0) {
            lost(std::string("no memory for the guest: ") + std::strerror(errno));
        }
    }
    ~File() { close(number_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    int number() const { return number_; }
    // For the child, which inherits the file.
    std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }

  private:
    int number_;
};

void write_image(const File& file) {
    auto left = guest_image();
    while (!left.empty()) {
        const ssize_t written = write(file.number(), left.data(), left.size());
        if (written <= 0) {
            lost(std::string("no memory for the guest: ") + std::strerror(errno));
        }
        left = left.subspan(static_cast<std::size_t>(written));
    }
}

// Becomes QEMU. The steady 32-bit processor: no PAE or no-execute bit in use, 4 MiB and global pages.
[[noreturn]] void become_qemu(const std::string& ram, const std::string& image) {
    const std::string backend = "memory-backend-file,id=ram,size=64M,share=on,mem-path=" + ram;
    std::vector<std::string> words{
        kProgram,      "-machine",        "pc,accel=tcg,memory-backend=ram,usb=off,graphics=off",
        "-cpu",        "qemu32",          "-m",
        "64M",         "-object",         backend,
        "-nodefaults", "-no-user-config", "-display",
        "none",        "-no-reboot",      "-net",
        "none",        "-kernel",         image};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    execvp(kProgram, arguments.data());
    _exit(127);
}

bool is_installed() {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (access((folder + "/" + kProgram).c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

std::vector<std::unique_ptr<Qemu>>& idle() {
    static std::vector<std::unique_ptr<Qemu>> list;
    return list;
}

}  // namespace

std::string Qemu::problem() {
    if (guest_image().empty()) {
        return "the machine world needs a guest for QEMU, and this vmref was built where none could be compiled";
    }
    if (!is_installed()) {
        return std::string("the machine world needs ") + kProgram +
               " (Debian package qemu-system-x86), which is not installed";
    }
    return {};
}

std::unique_ptr<Qemu> Qemu::take() {
    if (const std::string why = problem(); !why.empty()) {
        throw NoOracle(why);
    }
    if (idle().empty()) {
        return std::make_unique<Qemu>();
    }
    std::unique_ptr<Qemu> qemu = std::move(idle().back());
    idle().pop_back();
    return qemu;
}

void Qemu::give_back(std::unique_ptr<Qemu> qemu) {
    if (qemu && qemu->process_ > 0) {
        idle().push_back(std::move(qemu));
    }
}

Qemu::Qemu() {
    const File ram("vmref-guest-ram");
    if (ftruncate(ram.number(), kRamBytes) != 0) {
        lost(std::string("no memory for the guest: ") + std::strerror(errno));
    }
    void* const bytes = mmap(nullptr, kRamBytes, PROT_READ | PROT_WRITE, MAP_SHARED, ram.number(), 0);
    if (bytes == MAP_FAILED) {
        lost(std::string("no memory for the guest: ") + std::strerror(errno));
    }
    ram_ = static_cast<std::uint8_t*>(bytes);
    start(ram.number());
    // The first answer says that the firmware is done with RAM and the guest is there.
    run_batch({});
}

void Qemu::start(int ram_file) {
    const File image("vmref-guest-image");
    write_image(image);
    const std::string ram_path = "/proc/self/fd/" + std::to_string(ram_file);
    const std::string image_path = image.path();
    const pid_t parent = getpid();
    process_ = fork();
    if (process_ < 0) {
        lost(std::string("cannot be started: ") + std::strerror(errno));
    }
    if (process_ != 0) {
        return;
    }
    // It ends with us, and no sooner: an interrupt from the terminal is ours to handle.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    if (getppid() != parent) {
        _exit(127);
    }
    const int null = open("/dev/null", O_RDWR);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        dup2(null, stream);
    }
    become_qemu(ram_path, image_path);
}

Qemu::~Qemu() {
    if (process_ > 0) {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    if (ram_ != nullptr) {
        munmap(ram_, kRamBytes);
    }
}

void Qemu::run(std::span<Step> steps) {
    while (!steps.empty()) {
        const std::size_t count = std::min<std::size_t>(steps.size(), guest::kMaxSteps);
        run_batch(steps.first(count));
        steps = steps.subspan(count);
    }
}

// The guest waits by looking at its mailbox all the time; stopped, it costs nothing.
void Qemu::run_batch(std::span<Step> steps) {
    if (process_ <= 0) {
        lost("has ended");
    }
    auto* const shared = reinterpret_cast<Step*>(ram_ + guest::kStepsAddress);
    if (!steps.empty()) {
        std::memcpy(shared, steps.data(), steps.size_bytes());
    }
    mailbox().steps = static_cast<Word>(steps.size());
    std::atomic_ref(mailbox().asked).store(mailbox().done + 1, std::memory_order_release);
    std::atomic_ref(mailbox().magic).store(guest::kMagic, std::memory_order_release);
    kill(process_, SIGCONT);
    wait_for_guest();
    kill(process_, SIGSTOP);
    if (!steps.empty()) {
        std::memcpy(steps.data(), shared, steps.size_bytes());
    }
}

void Qemu::wait_for_guest() {
    const auto end = Clock::now() + kPatience;
    for (unsigned n = 1; std::atomic_ref(mailbox().done).load(std::memory_order_acquire) != mailbox().asked; ++n) {
        std::this_thread::sleep_for(kPoll);
        if (n % 256 != 0) {
            continue;
        }
        if (waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
            lost("has ended");
        }
        if (Clock::now() > end) {
            lost("does not answer");
        }
    }
}

}  // namespace vmref::props
