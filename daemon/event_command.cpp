#include "daemon/event_command.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "conf/values.h"

namespace portreeve::daemon {

// One of the programs that run, and what it is told.
class EventCommand::Run final : private ProgramRun::Events {
  public:
    Run(EventCommand& owner, News news)
        : owner_(owner), news_(std::move(news)), program_(owner.ring_, *this) {}

    void start(const ProgramRules& rules) { program_.start(rules, rules.arguments, news_.text); }
    void cancel() { program_.cancel("was killed, because the server is stopping"); }
    [[nodiscard]] const News& news() const { return news_; }
    [[nodiscard]] pid_t pid() const { return program_.pid(); }

  private:
    void on_program_ended(ProgramRun::Outcome outcome) override {
        owner_.on_run_ended(*this, outcome);
    }

    EventCommand& owner_;
    News news_;
    ProgramRun program_;
};

EventCommand::EventCommand(uring::Ring& ring, NewsQueue& queue, const Log& log, Events& events)
    : ring_(ring), queue_(queue), log_(log), events_(events) {
}

EventCommand::~EventCommand() = default;

void EventCommand::use(const Policy& policy) {
    rules_ = policy.event_command;
    queue_.want(rules_ ? policy.config.events.on : std::vector<conf::EventKind>());
}

void EventCommand::open() {
    ring_.poll(wake_, queue_.descriptor(), POLLIN);
}

void EventCommand::woken(uring::Completion) {
    if (stage_ == Stage::closing) {
        tell_lost();
        events_.on_event_command_idle();
        return;
    }
    eventfd_t count = 0;
    static_cast<void>(!::eventfd_read(queue_.descriptor(), &count));
    if (!lost_.running()) {
        lost_.start_at(ring_.now_ms() + Ration::kPeriodMs);
    }
    open();
    start_next();
}

void EventCommand::start_next() {
    const auto busy = [this](const std::string& subject) {
        return std::any_of(runs_.begin(), runs_.end(),
                           [&](const auto& run) { return run->news().subject == subject; });
    };
    while (rules_ && runs_.size() < kAtOnceMax) {
        auto news = queue_.take(busy);
        if (!news) {
            return;
        }
        runs_.push_back(std::make_unique<Run>(*this, std::move(*news)));
        runs_.back()->start(*rules_);
    }
}

bool EventCommand::runs(pid_t pid) const {
    return std::any_of(runs_.begin(), runs_.end(),
                       [pid](const auto& run) { return run->pid() == pid; });
}

void EventCommand::on_run_ended(Run& run, const ProgramRun::Outcome& outcome) {
    const News& news = run.news();
    log_lines(news, "output", outcome.output);
    log_lines(news, "error", outcome.complaints);
    if (!outcome.why_failed.empty()) {
        log_.warning("event_command_failed", {{"news", std::string(name_of(news.kind))},
                                              {"about", news.about},
                                              {"why", outcome.why_failed}});
    }
    std::erase_if(runs_, [&run](const auto& one) { return one.get() == &run; });
    start_next();
    finish_if_done();
}

void EventCommand::log_lines(const News& news, std::string_view stream,
                             std::string_view text) const {
    std::size_t lines = 0;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (!line.empty() && ++lines <= kOutputLinesMax) {
            log_.info("event_command_output", {{"news", std::string(name_of(news.kind))},
                                               {"about", news.about},
                                               {"stream", std::string(stream)},
                                               {"line", std::string(line)}});
        }
    }
    if (lines > kOutputLinesMax) {
        log_.info("event_command_output", {{"news", std::string(name_of(news.kind))},
                                           {"about", news.about},
                                           {"stream", std::string(stream)},
                                           {"left_out", std::to_string(lines - kOutputLinesMax)}});
    }
}

void EventCommand::tell_lost() {
    const NewsQueue::Lost lost = queue_.take_lost();
    if (lost.full > 0) {
        log_.warning("events_lost",
                     {{"events", std::to_string(lost.full)},
                      {"why", "[events] command is too slow for what happens, or hangs"}});
    }
    if (lost.flood > 0) {
        log_.info("events_lost",
                  {{"events", std::to_string(lost.flood)},
                   {"why", "more was refused than [events] command is run for in a minute"}});
    }
}

void EventCommand::stop() {
    stage_ = Stage::stopping;
    last_.start_at(ring_.now_ms() + kLastMs);
    start_next();
    finish_if_done();
}

void EventCommand::last_over() {
    queue_.give_up();
    queue_.want({});
    for (const auto& run : runs_) {
        run->cancel();
    }
    finish_if_done();
}

void EventCommand::finish_if_done() {
    if (stage_ == Stage::stopping && runs_.empty() && queue_.empty()) {
        stage_ = Stage::closing;
        last_.stop();
        lost_.stop();
        ring_.cancel(wake_);
    }
}

}  // namespace portreeve::daemon
