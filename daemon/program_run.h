// A program that the configuration names, run once and without holding up the ring: its pipes and
// the process are polled, and a timer bounds them all.
//
//     start() -> running -> ended                        -> joined -> on_program_ended
//                running -> stopped (killed) -> ended    -> joined -> ...
//                                            -> given up -> joined -> ...
//
// What counts is what the program has written when it ends. All that it started in its process
// group is killed then, so that nothing of it outlives the run; what fled that group is not waited
// for.
//
// Owns: the process until it is reaped, its pipes. Called by: KeyCommand, on its worker's ring;
// EventCommand, on the main thread's. Bounds: the time limit and kKillMs, kOutputBytesMax from each
// pipe, kComplaintBytesMax kept of what it says to standard error, one process group. How many run
// at once is the caller's concern.
#pragma once

#include <sys/wait.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/program.h"
#include "uring/ring.h"

namespace portreeve::daemon {

// What holds for every run until the next reload.
struct ProgramRules {
    std::string program;
    std::vector<std::string> arguments;  // as the configuration has them
    Account account;
    std::int64_t time_limit_ms = 0;

    // From a configuration that has a command. Looks at files and accounts, so it belongs to start
    // and reload, and it makes sure that the process hears how its children end. The error is a
    // sentence.
    static tl::expected<ProgramRules, std::string> make(const conf::Auth& auth);
    static tl::expected<ProgramRules, std::string> make(const conf::Events& events);
};

class ProgramRun {
  public:
    static constexpr std::size_t kOutputBytesMax = 64 << 10;
    static constexpr std::size_t kComplaintBytesMax = 1024;  // the end of its standard error
    // How long a killed program may take to go. One that does not (it runs as root and we do not,
    // or it hangs in a dead file system) is left to itself, and its process table entry to us.
    static constexpr std::int64_t kKillMs = 1000;

    struct Outcome {
        std::string
            why_failed;  // "/bin/x: ended with status 1; it said: …"; empty: it ended with 0
        std::string output;
        std::string complaints;  // the end of its standard error
    };

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Once for each start() or fail(), later and never from inside a call; the run may be
        // destroyed here.
        virtual void on_program_ended(Outcome outcome) = 0;
    };

    ProgramRun(uring::Ring& ring, Events& events) : ring_(ring), events_(events) {}
    ProgramRun(const ProgramRun&) = delete;
    ProgramRun& operator=(const ProgramRun&) = delete;
    ProgramRun(ProgramRun&&) = delete;
    ProgramRun& operator=(ProgramRun&&) = delete;
    ~ProgramRun() = default;

    // Once. `input` is what it finds on its standard input.
    void start(const ProgramRules& rules, std::vector<std::string> arguments,
               std::string_view input = {});
    // In the place of start(): it cannot be run, and this is why.
    void fail(const ProgramRules& rules, std::string why);
    // Kills it. on_program_ended() still comes, and must be waited for.
    void cancel(std::string why = "cancelled") { stop(std::move(why)); }

    // -1: it does not run, or is reaped.
    [[nodiscard]] pid_t pid() const { return running_.pid; }

  private:
    void output_ready(uring::Completion completion);
    void complaints_ready(uring::Completion completion);
    void time_over();
    void stop(std::string why);
    void kill_all();
    void give_up();
    void exited(uring::Completion completion);
    void leave();
    void join();
    void done();
    [[nodiscard]] std::string why_failed() const;

    uring::Ring& ring_;
    Events& events_;
    std::string program_;
    std::int64_t time_limit_ms_ = 0;
    RunningProgram running_;  // pid -1: not running, or reaped
    std::string output_;
    std::string complaints_;
    std::size_t complaint_bytes_ = 0;  // as many as ever came
    std::string stopped_why_;          // not empty: the answer is this, however it ends
    siginfo_t end_{};
    uring::Op output_ready_ = uring::Op::to<&ProgramRun::output_ready>(this);
    uring::Op complaints_ready_ = uring::Op::to<&ProgramRun::complaints_ready>(this);
    uring::Op exited_ = uring::Op::to<&ProgramRun::exited>(this);
    uring::Timer time_over_ = uring::Timer::to<&ProgramRun::time_over>(this, ring_.timers());
    uring::Task done_ = uring::Task::to<&ProgramRun::done>(this);
};

}  // namespace portreeve::daemon
