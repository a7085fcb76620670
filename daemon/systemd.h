// What systemd gives a daemon and wants to hear from it: sockets by name, and notifications. All of
// it is absent, and harmless, when systemd did not start us.
//
// Owns: the sockets it was passed, until taken. Called by: Server, on the main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "uring/fd.h"

namespace portreeve::daemon {

// What the sockets that we give to systemd are called: the prefix, and the id of their lease.
inline constexpr std::string_view kLeasePrefix = "lease-";        // where it listens
inline constexpr std::string_view kVisitorsPrefix = "visitors-";  // who waits there

class PassedSockets {
  public:
    // A passed descriptor that cannot be used, and why.
    struct Odd {
        std::string name;
        std::string why;
    };

    // Takes all passed descriptors and clears the environment, so that children inherit none.
    static PassedSockets take();
    // The stream sockets that have this name; they are the caller's from now on.
    [[nodiscard]] std::vector<uring::Fd> named(std::string_view name);
    // The names that begin so, of which nobody has asked for the sockets.
    [[nodiscard]] std::vector<std::string> names_left(std::string_view prefix) const;
    // What is left after all names were asked for is closed with *this.
    [[nodiscard]] std::vector<Odd> rest() const;

  private:
    struct Passed {
        std::string name;
        uring::Fd socket;
    };
    std::vector<Passed> sockets_;
    std::vector<Odd> odd_;
};

// sd_notify(3), by what it means.
namespace notify {
void ready(std::string_view status);
void reloading();
void stopping(std::string_view status);
void status(std::string_view status);
void alive();  // for the watchdog
// Gives duplicates to systemd, which passes them to the next start under this name. False: it does
// not take them now.
bool keep_sockets(const std::string& name, const std::vector<int>& sockets);
void forget_sockets(const std::string& name);
// Waits until systemd has read what it was told, kReadMsMax at most: what comes from a process that
// has gone by then is not taken.
void wait_read();
inline constexpr int kReadMsMax = 2'000;
}  // namespace notify

}  // namespace portreeve::daemon
