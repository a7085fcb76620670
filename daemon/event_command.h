// [events] command: run once for each piece of news, with the news on its standard input.
//
//     use() -> woken by the queue -> running, kAtOnceMax at most -> output to the log -> the next
//     stop() -> what waits still runs, for kLastMs -> killed, the rest lost -> idle
//
// News of one tunnel are told one after the other, in order, and so are refusals, which thus have
// no more than one of the places: what hangs holds up its own kind, and what fails is not tried
// again.
//
// Owns: the programs that run. Called by: Server, on the main thread, after the ring is enabled;
// destroyed only while idle. Bounds: kAtOnceMax programs, each by ProgramRun; kOutputLinesMax lines
// of the log for each; what waits by NewsQueue.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/log.h"
#include "daemon/news_queue.h"
#include "daemon/policy.h"
#include "daemon/program_run.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class EventCommand {
  public:
    static constexpr std::size_t kAtOnceMax = 4;
    static constexpr std::size_t kOutputLinesMax = 10;
    static constexpr std::int64_t kLastMs = 3'000;

    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // After stop(): nothing is in the kernel's hands any more.
        virtual void on_event_command_idle() = 0;
    };

    EventCommand(uring::Ring& ring, NewsQueue& queue, const Log& log, Events& events);
    EventCommand(const EventCommand&) = delete;
    EventCommand& operator=(const EventCommand&) = delete;
    EventCommand(EventCommand&&) = delete;
    EventCommand& operator=(EventCommand&&) = delete;
    ~EventCommand();

    // What holds from now on. What runs goes on as it was begun; what waits is told as this says.
    void use(const Policy& policy);
    // Takes what comes, from now on.
    void open();
    void stop();
    // This process is one of its programs, which it reaps itself.
    [[nodiscard]] bool runs(pid_t pid) const;
    [[nodiscard]] bool idle() const { return !wake_.armed() && runs_.empty(); }

  private:
    enum class Stage { serving, stopping, closing };
    class Run;

    void woken(uring::Completion);
    void start_next();
    void on_run_ended(Run& run, const ProgramRun::Outcome& outcome);
    void log_lines(const News& news, std::string_view stream, std::string_view text) const;
    void last_over();
    void tell_lost();
    void finish_if_done();

    uring::Ring& ring_;
    NewsQueue& queue_;
    const Log& log_;
    Events& events_;
    std::optional<ProgramRules> rules_;
    std::vector<std::unique_ptr<Run>> runs_;
    Stage stage_ = Stage::serving;
    uring::Op wake_ = uring::Op::to<&EventCommand::woken>(this);
    uring::Timer lost_ = uring::Timer::to<&EventCommand::tell_lost>(this, ring_.timers());
    uring::Timer last_ = uring::Timer::to<&EventCommand::last_over>(this, ring_.timers());
};

}  // namespace portreeve::daemon
