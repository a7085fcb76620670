#include "daemon/program_run.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "conf/values.h"

namespace portreeve::daemon {
namespace {

constexpr std::size_t kChunksMax = 8;  // of 16 KiB: more than a pipe holds

// Takes at most one chunk, so that a flood cannot hold up the ring: a count, 0 at the end, or -1
// while there is nothing.
ssize_t read_chunk(const uring::Fd& pipe, std::string& into) {
    std::array<char, 16384> chunk{};
    const ssize_t count = ::read(pipe.get(), chunk.data(), chunk.size());
    if (count > 0) {
        into.append(chunk.data(), static_cast<std::size_t>(count));
    }
    return count;
}

void keep_end(std::string& text, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        text.erase(0, text.size() - bytes_max);
    }
}

std::string_view last_line(std::string_view text) {
    const auto end = text.find_last_not_of("\r\n \t");
    text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
    return text.substr(text.rfind('\n') + 1);
}

tl::expected<ProgramRules, std::string> rules_of(const std::vector<std::string>& command,
                                                 const std::string& user,
                                                 conf::Milliseconds timeout,
                                                 const std::string& section) {
    auto program = safe_program(command.front());
    if (!program) {
        return tl::unexpected(program.error() + " (" + section + " command)");
    }
    auto account = resolve_account(user);
    if (!account) {
        return tl::unexpected(account.error() + " (" + section + " command_user)");
    }
    // Whoever started us may have had us ignore it; how a program ended would be lost then.
    std::signal(SIGCHLD, SIG_DFL);
    return ProgramRules{std::move(*program),
                        {command.begin() + 1, command.end()},
                        std::move(*account),
                        timeout.count()};
}

}  // namespace

tl::expected<ProgramRules, std::string> ProgramRules::make(const conf::Auth& auth) {
    return rules_of(auth.command, auth.command_user, auth.command_timeout, "[auth]");
}

tl::expected<ProgramRules, std::string> ProgramRules::make(const conf::Events& events) {
    return rules_of(events.command, events.command_user, events.command_timeout, "[events]");
}

void ProgramRun::fail(const ProgramRules& rules, std::string why) {
    program_ = rules.program;
    stopped_why_ = std::move(why);
    ring_.post(done_);
}

void ProgramRun::start(const ProgramRules& rules, std::vector<std::string> arguments,
                       std::string_view input) {
    arguments.insert(arguments.begin(), rules.program);
    auto file = input.empty() ? uring::Fd() : make_input(input);
    auto running = file ? spawn(arguments, rules.account, *file) : tl::unexpected(file.error());
    if (!running) {
        fail(rules, std::string("cannot be started: ") + std::strerror(running.error()));
        return;
    }
    program_ = rules.program;
    time_limit_ms_ = rules.time_limit_ms;
    running_ = std::move(*running);
    ring_.poll(exited_, running_.handle.get(), POLLIN);
    ring_.poll(output_ready_, running_.output.get(), POLLIN);
    ring_.poll(complaints_ready_, running_.complaints.get(), POLLIN);
    time_over_.start_at(ring_.now_ms() + time_limit_ms_);
}

void ProgramRun::output_ready(uring::Completion) {
    if (running_.pid < 0) {
        join();
    } else if (read_chunk(running_.output, output_) == 0) {
        // It closed its output; what is still to come is its end.
    } else if (output_.size() > kOutputBytesMax) {
        stop("wrote more than " + std::to_string(kOutputBytesMax) + " bytes and was killed");
    } else {
        ring_.poll(output_ready_, running_.output.get(), POLLIN);
    }
}

void ProgramRun::complaints_ready(uring::Completion) {
    if (running_.pid < 0) {
        join();
        return;
    }
    const ssize_t count = read_chunk(running_.complaints, complaints_);
    keep_end(complaints_, kComplaintBytesMax);
    complaint_bytes_ += static_cast<std::size_t>(std::max<ssize_t>(0, count));
    if (complaint_bytes_ > kOutputBytesMax) {
        stop("wrote more than " + std::to_string(kOutputBytesMax) +
             " bytes to standard error and was killed");
    } else if (count != 0) {
        ring_.poll(complaints_ready_, running_.complaints.get(), POLLIN);
    }
}

void ProgramRun::time_over() {
    if (!stopped_why_.empty()) {
        give_up();
        return;
    }
    stop("took longer than " + std::to_string(time_limit_ms_) + " ms and was killed");
}

void ProgramRun::stop(std::string why) {
    if (running_.pid < 0 || !stopped_why_.empty()) {
        return;
    }
    stopped_why_ = std::move(why);
    kill_all();
    time_over_.start_at(ring_.now_ms() + kKillMs);
}

// Only before it is reaped: until then its number is nobody else's.
void ProgramRun::kill_all() {
    ::kill(-running_.pid, SIGKILL);
    ::kill(running_.pid, SIGKILL);  // it may have joined another group
}

void ProgramRun::give_up() {
    stopped_why_ += ", but did not end";
    ring_.cancel(exited_);
}

void ProgramRun::exited(uring::Completion completion) {
    if (completion.res < 0) {  // given up
        leave();
        return;
    }
    kill_all();  // what it started
    while (::waitid(P_PIDFD, static_cast<id_t>(running_.handle.get()), &end_, WEXITED) < 0 &&
           errno == EINTR) {
    }
    leave();
}

// It is no longer ours: nothing of it is waited for.
void ProgramRun::leave() {
    running_.pid = -1;
    time_over_.stop();
    for (const uring::Op* op : {&output_ready_, &complaints_ready_}) {
        if (op->armed()) {
            ring_.cancel(*op);
        }
    }
    join();
}

void ProgramRun::join() {
    if (output_ready_.armed() || complaints_ready_.armed()) {
        return;
    }
    // What it wrote last. Somebody who fled the group may go on writing: that is bounded too.
    while (output_.size() <= kOutputBytesMax && read_chunk(running_.output, output_) > 0) {
    }
    for (std::size_t chunks = 0;
         chunks < kChunksMax && read_chunk(running_.complaints, complaints_) > 0; ++chunks) {
        keep_end(complaints_, kComplaintBytesMax);
    }
    if (output_.size() > kOutputBytesMax && stopped_why_.empty()) {
        stopped_why_ = "wrote more than " + std::to_string(kOutputBytesMax) + " bytes";
    }
    running_ = {};
    ring_.post(done_);
}

std::string ProgramRun::why_failed() const {
    if (!stopped_why_.empty()) {
        return stopped_why_;
    }
    if (end_.si_code == CLD_EXITED && end_.si_status == 0) {
        return {};
    }
    std::string why = "ended with status " + std::to_string(end_.si_status);
    if (end_.si_code != CLD_EXITED) {
        const char* name = sigdescr_np(end_.si_status);
        why = std::string("was ended by signal ") + std::to_string(end_.si_status) + " (" +
              (name != nullptr ? name : "real-time") + ")";
    }
    const std::string_view said = last_line(complaints_);
    return said.empty() ? why : why + "; it said: " + conf::printable(said);
}

void ProgramRun::done() {
    std::string why = why_failed();
    if (!why.empty()) {
        why.insert(0, program_ + ": ");
    }
    events_.on_program_ended({std::move(why), std::move(output_), std::move(complaints_)});
}

}  // namespace portreeve::daemon
