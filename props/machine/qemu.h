// A guest of ours in qemu-system-i386, whose MMU serves as oracle. The guest's RAM is memory of this process, too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "props/machine/guest_protocol.h"

namespace vmref::props {

// There is no QEMU, or it was lost. One line.
class NoOracle : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Qemu {
  public:
    // Why there can be none; empty if there can.
    static std::string problem();
    // One that has booted and that nobody else uses; give it back when done. Errors: NoOracle.
    static std::unique_ptr<Qemu> take();
    static void give_back(std::unique_ptr<Qemu> qemu);

    Qemu();
    ~Qemu();
    Qemu(const Qemu&) = delete;
    Qemu& operator=(const Qemu&) = delete;

    // The guest touches no RAM while no steps run.
    std::uint8_t* ram() { return ram_; }
    // Runs the steps and completes them in place. Errors: NoOracle.
    void run(std::span<guest::Step> steps);

  private:
    void start(int ram_file);
    void run_batch(std::span<guest::Step> steps);
    void wait_for_guest();
    guest::Mailbox& mailbox() { return *reinterpret_cast<guest::Mailbox*>(ram_ + guest::kMailboxAddress); }

    std::uint8_t* ram_ = nullptr;
    pid_t process_ = -1;
};

}  // namespace vmref::props
