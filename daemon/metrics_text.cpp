#include "daemon/metrics_text.h"

#include <array>

#include "daemon/exposition.h"
#include "ssh/library.h"

namespace portreeve::daemon {
namespace {

using Labels = Exposition::Labels;
using Workers = std::vector<WorkerReading>;

constexpr std::uint64_t kMsPerSecond = 1'000;

struct Kind {
    std::string_view name;  // as tunnels are shown, and "reach"
    KindFigures WorkerFigures::*figures;
};
constexpr auto kKinds = std::to_array<Kind>({{"tcp", &WorkerFigures::tcp},
                                             {"private", &WorkerFigures::names},
                                             {"http", &WorkerFigures::http},
                                             {"reach", &WorkerFigures::reaches}});

// Of all workers; `figure_of` gives one's.
template <class FigureOf>
auto sum(const Workers& workers, FigureOf figure_of) {
    decltype(figure_of(workers.front())) all{};
    for (const WorkerReading& worker : workers) {
        all += figure_of(worker);
    }
    return all;
}

void write_about(Exposition& to, const Readings& now) {
    to.gauge("portreeve_build_info", "Always 1; the labels say which build it is.");
    to.whole({{"version", PORTREEVE_VERSION}, {"libssh", ssh::Library::version()}}, 1);
    to.gauge("portreeve_last_reload_successful",
             "Whether the configuration that holds is that of the last reload.");
    to.whole({}, now.reload_failed ? 0 : 1);
    to.gauge("portreeve_keys", "Keys in the files of authorized keys.");
    to.whole({}, now.keys);
}

void write_sessions(Exposition& to, const Readings& now) {
    to.gauge("portreeve_sessions", "SSH connections now, those that log in included.");
    to.whole({}, now.sessions.sessions);
    to.gauge("portreeve_sessions_max", "As many as [limits] sessions allows.");
    to.whole({}, now.limits.sessions);
    to.gauge("portreeve_startups", "SSH connections that have not logged in yet.");
    to.whole({}, now.sessions.startups);
    to.gauge("portreeve_startups_max", "As many as [limits] startups allows.");
    to.whole({}, now.limits.startups);
    to.counter("portreeve_sessions_admitted_total", "SSH connections that were let begin.");
    to.whole({}, now.sessions.admitted);
    to.counter("portreeve_session_ends_total",
               "SSH connections that have ended, by the code of the reason; a reason is here once "
               "there was one.");
    for (std::size_t code = 0; code < ssh::kCodes.size(); ++code) {
        const std::uint64_t ends = sum(now.workers, [code](const WorkerReading& worker) {
            return worker.figures.session_ends[code];
        });
        if (ends > 0) {
            to.whole({{"reason", ssh::kCodes[code]}}, ends);
        }
    }
    to.histogram("portreeve_login_duration_seconds",
                 "From a connection's arrival at its worker to the login that was granted.");
    const auto logins = sum(
        now.workers, [](const WorkerReading& worker) { return worker.figures.login_ms.figures(); });
    to.ranges({}, kDurationBoundsMs, logins.counts, logins.sum, kMsPerSecond);
}

void write_refusals(Exposition& to, const Readings& now) {
    to.counter("portreeve_refusals_total",
               "What was refused, to clients and to visitors, by its code; as the log has it, also "
               "where it holds lines back.");
    for (std::size_t code = 0; code < ssh::kCodes.size(); ++code) {
        to.whole({{"code", ssh::kCodes[code]}},
                 now.refusals[code] + sum(now.workers, [code](const WorkerReading& worker) {
                     return worker.figures.refusals[code];
                 }));
    }
}

void write_tunnels(Exposition& to, const Readings& now) {
    to.gauge("portreeve_tunnels", "Tunnels now; those that are held have no session.");
    to.whole({{"kind", "tcp"}, {"state", "open"}}, now.tunnels.ports.open);
    to.whole({{"kind", "tcp"}, {"state", "held"}}, now.tunnels.ports.held);
    to.whole({{"kind", "private"}, {"state", "open"}}, now.tunnels.names.open);
    to.whole({{"kind", "private"}, {"state", "held"}}, now.tunnels.names.held);
    to.whole({{"kind", "http"}, {"state", "open"}}, now.tunnels.http.open);
    to.whole({{"kind", "http"}, {"state", "held"}}, now.tunnels.http.held);
}

void write_visitors(Exposition& to, const Readings& now) {
    std::array<TrafficFigures, kKinds.size()> traffic;
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        traffic[kind] = sum(now.workers, [kind](const WorkerReading& worker) {
            return (worker.figures.*kKinds[kind].figures).traffic.figures();
        });
    }
    to.gauge("portreeve_visitors", "Visitors now, whom their client has taken.");
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        to.whole({{"kind", kKinds[kind].name}}, traffic[kind].visitors);
    }
    to.counter("portreeve_visitors_served_total", "Visitors whom their client has taken so far.");
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        to.whole({{"kind", kKinds[kind].name}}, traffic[kind].visitors_total);
    }
    to.counter("portreeve_visitor_bytes_total",
               "What visitors sent (in) and got (out); of a reach, its target is the visitor.");
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        const std::string_view name = kKinds[kind].name;
        to.whole({{"kind", name}, {"direction", "in"}}, traffic[kind].from_visitor_bytes);
        to.whole({{"kind", name}, {"direction", "out"}}, traffic[kind].to_visitor_bytes);
    }
    to.gauge("portreeve_visitors_waiting", "Visitors who wait for an owner who is away.");
    to.whole({}, now.visitors_waiting);
}

void write_web(Exposition& to, const Readings& now) {
    to.gauge("portreeve_http_connections", "Connections to the http ports now, idle ones too.");
    to.whole({}, now.web_connections);
    to.gauge("portreeve_http_connections_max", "As many as [limits] http_visitors allows.");
    to.whole({}, now.limits.http_visitors);
    to.counter("portreeve_http_answers_total",
               "Requests to http names that were answered, by targets or by pages of the server.");
    for (std::size_t digit = 1; digit <= AnswerCounts::kClasses; ++digit) {
        to.whole({{"status", std::to_string(digit) + "xx"}},
                 sum(now.workers, [digit](const WorkerReading& worker) {
                     return worker.figures.http_answers[digit - 1];
                 }));
    }
}

void write_first_bytes(Exposition& to, const Readings& now) {
    to.histogram("portreeve_first_byte_seconds",
                 "From a visitor's arrival at the client's session to the first byte that the "
                 "client sent him.");
    for (const Kind& kind : kKinds) {
        if (kind.figures == &WorkerFigures::reaches) {
            continue;  // there the client asks, and does not answer
        }
        const auto times = sum(now.workers, [&kind](const WorkerReading& worker) {
            return (worker.figures.*kind.figures).first_byte_ms.figures();
        });
        to.ranges({{"kind", kind.name}}, kDurationBoundsMs, times.counts, times.sum, kMsPerSecond);
    }
}

void write_open_failures(Exposition& to, const Readings& now) {
    to.counter("portreeve_open_failures_total",
               "Connections that could not be made: a visitor's, by what the client says of its "
               "target, and a client's through this host, by what this host found.");
    for (std::size_t reason = 0; reason < ssh::kOpenFailures.size(); ++reason) {
        to.whole({{"by", "client"}, {"reason", ssh::kOpenFailures[reason]}},
                 sum(now.workers, [reason](const WorkerReading& worker) -> std::uint64_t {
                     return worker.figures.open_failures[reason];
                 }));
    }
    for (std::size_t reason = 0; reason < kDialFailures.size(); ++reason) {
        to.whole({{"by", "server"}, {"reason", kDialFailures[reason]}},
                 sum(now.workers, [reason](const WorkerReading& worker) -> std::uint64_t {
                     return worker.figures.dial_failures[reason];
                 }));
    }
}

void write_ring(Exposition& to, const Workers& workers,
                uring::Counter uring::Ring::Figures::*figure) {
    for (std::size_t number = 0; number < workers.size(); ++number) {
        to.whole({{"worker", std::to_string(number)}}, workers[number].ring.*figure);
    }
}

void write_workers(Exposition& to, const Workers& workers) {
    constexpr double kNsPerSecond = 1e9;
    to.gauge("portreeve_worker_sessions", "SSH connections of each worker.");
    for (std::size_t number = 0; number < workers.size(); ++number) {
        to.whole({{"worker", std::to_string(number)}}, workers[number].sessions);
    }
    to.counter("portreeve_worker_cpu_seconds_total",
               "CPU time of each worker's thread; a second of it each second is one that is busy "
               "all the time.");
    for (std::size_t number = 0; number < workers.size(); ++number) {
        to.real({{"worker", std::to_string(number)}},
                static_cast<double>(workers[number].cpu_ns) / kNsPerSecond);
    }
}

void write_rings(Exposition& to, const Workers& workers) {
    using Figures = uring::Ring::Figures;
    to.counter("portreeve_ring_turns_total", "Turns of each worker's ring.");
    write_ring(to, workers, &Figures::turns);
    to.counter("portreeve_ring_completions_total", "Completions that they brought.");
    write_ring(to, workers, &Figures::completions);
    to.histogram("portreeve_ring_turn_completions", "Completions in a turn, of all workers.");
    const auto turns =
        sum(workers, [](const WorkerReading& worker) { return worker.ring.per_turn.figures(); });
    to.ranges({}, uring::Ring::kTurnBounds, turns.counts, turns.sum, 1);
    to.counter("portreeve_ring_overflows_total",
               "Turns that found more completions than the queue can hold.");
    write_ring(to, workers, &Figures::overflows);
    to.counter("portreeve_ring_no_buffers_total",
               "Receives that found all buffers lent out, and were asked for again (ENOBUFS).");
    write_ring(to, workers, &Figures::no_buffers);
    to.counter("portreeve_ring_parked_total",
               "Operations that had to wait for room in the submission queue.");
    write_ring(to, workers, &Figures::parked);
    to.counter("portreeve_ring_resent_messages_total",
               "Messages between threads that had to be sent again.");
    write_ring(to, workers, &Figures::resent_messages);
}

void write_process(Exposition& to, const ProcessFigures& process) {
    to.counter("process_cpu_seconds_total", "User and system CPU time of the process.");
    to.real({}, process.cpu_s);
    to.gauge("process_resident_memory_bytes", "Resident memory.");
    to.whole({}, process.resident_bytes);
    to.gauge("process_virtual_memory_bytes", "Virtual memory.");
    to.whole({}, process.virtual_bytes);
    to.gauge("process_open_fds", "Open file descriptors.");
    to.whole({}, process.open_fds);
    to.gauge("process_max_fds", "As many as may be open.");
    to.whole({}, process.fds_max);
    to.gauge("process_start_time_seconds", "When the daemon began to serve, as Unix time.");
    to.whole({}, static_cast<std::uint64_t>(process.started_s));
}

}  // namespace

std::string metrics_text(const Readings& readings) {
    Exposition to;
    write_about(to, readings);
    write_sessions(to, readings);
    write_refusals(to, readings);
    write_tunnels(to, readings);
    write_visitors(to, readings);
    write_web(to, readings);
    write_first_bytes(to, readings);
    write_open_failures(to, readings);
    write_workers(to, readings.workers);
    write_rings(to, readings.workers);
    write_process(to, readings.process);
    return to.take();
}

}  // namespace portreeve::daemon
