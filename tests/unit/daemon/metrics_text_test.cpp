// What is read of several workers, as one text.

#include "daemon/metrics_text.h"

#include <gmock/gmock.h>

namespace portreeve::daemon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTextTest : public ::testing::Test {
  protected:
    [[nodiscard]] std::string text() const {
        Readings readings{sessions_, tunnels_, limits_, refusals_, 5, 7, 6, failed_, {}, {}};
        readings.workers.push_back({one_, ring_, 3, 1'500'000'000});
        readings.workers.push_back({two_, ring_, 4, 0});
        return metrics_text(readings);
    }
    // A line of the text.
    static auto line(const std::string& whole) { return HasSubstr("\n" + whole + "\n"); }

    Admission::Counts sessions_{1, 2, 3, 4};
    Leases::Counts tunnels_{{1, 2}, {3, 4}, {5, 6}};
    conf::Limits limits_;
    CodeCounts refusals_;
    bool failed_ = false;
    WorkerFigures one_;
    WorkerFigures two_;
    uring::Ring::Figures ring_;
};

TEST_F(MetricsTextTest, TellsWhatTheMainThreadCounts) {
    EXPECT_THAT(
        text(),
        AllOf(line("portreeve_sessions 1"), line("portreeve_startups 2"),
              line("portreeve_sessions_admitted_total 3"), line("portreeve_sessions_max 10000"),
              line("portreeve_visitors_waiting 5"), line("portreeve_http_connections 7"),
              line("portreeve_http_connections_max 20000"), line("portreeve_keys 6"),
              line("portreeve_last_reload_successful 1")));
    EXPECT_THAT(text(), AllOf(line("portreeve_tunnels{kind=\"tcp\",state=\"open\"} 1"),
                              line("portreeve_tunnels{kind=\"tcp\",state=\"held\"} 2"),
                              line("portreeve_tunnels{kind=\"private\",state=\"open\"} 3"),
                              line("portreeve_tunnels{kind=\"private\",state=\"held\"} 4"),
                              line("portreeve_tunnels{kind=\"http\",state=\"open\"} 5"),
                              line("portreeve_tunnels{kind=\"http\",state=\"held\"} 6")));
    failed_ = true;
    EXPECT_THAT(text(), line("portreeve_last_reload_successful 0"));
}

TEST_F(MetricsTextTest, AddsUpWhatTheWorkersCount) {
    one_.tcp.traffic.visitor_came();
    one_.tcp.traffic.visitor_came();
    two_.tcp.traffic.visitor_came();
    two_.tcp.traffic.visitor_left();
    one_.names.traffic.from_visitor(100);
    two_.names.traffic.from_visitor(23);
    two_.reaches.traffic.to_visitor(7);
    one_.http_answers.count(200);
    two_.http_answers.count(204);
    two_.http_answers.count(101);
    two_.http_answers.count(999);
    one_.login_ms.observe(3);
    two_.login_ms.observe(1'000);
    EXPECT_THAT(text(),
                AllOf(line("portreeve_visitors{kind=\"tcp\"} 2"),
                      line("portreeve_visitors_served_total{kind=\"tcp\"} 3"),
                      line("portreeve_visitor_bytes_total{kind=\"private\",direction=\"in\"} 123"),
                      line("portreeve_visitor_bytes_total{kind=\"reach\",direction=\"out\"} 7"),
                      line("portreeve_http_answers_total{status=\"1xx\"} 1"),
                      line("portreeve_http_answers_total{status=\"2xx\"} 2"),
                      line("portreeve_http_answers_total{status=\"4xx\"} 0"),
                      line("portreeve_http_answers_total{status=\"5xx\"} 1"),
                      line("portreeve_login_duration_seconds_bucket{le=\"0.002\"} 0"),
                      line("portreeve_login_duration_seconds_bucket{le=\"0.005\"} 1"),
                      line("portreeve_login_duration_seconds_bucket{le=\"1\"} 2"),
                      line("portreeve_login_duration_seconds_sum 1.003"),
                      line("portreeve_login_duration_seconds_count 2")));
}

TEST_F(MetricsTextTest, HasEveryCodeThatThereIsAndNoEndThatWasNot) {
    refusals_.count("penalty");
    one_.refusals.count("unknown_key");
    two_.refusals.count("unknown_key");
    two_.session_ends.count("left");
    const std::string now = text();
    EXPECT_THAT(now, AllOf(line("portreeve_refusals_total{code=\"penalty\"} 1"),
                           line("portreeve_refusals_total{code=\"unknown_key\"} 2"),
                           line("portreeve_session_ends_total{reason=\"left\"} 1"),
                           Not(HasSubstr("reason=\"lost\""))));
    for (const std::string_view code : ssh::kCodes) {
        EXPECT_THAT(now, HasSubstr("\nportreeve_refusals_total{code=\"" + std::string(code)));
    }
}

TEST_F(MetricsTextTest, TellsWhoFoundThatAConnectionCannotBeMade) {
    one_.open_failures[static_cast<std::size_t>(ssh::OpenFailure::connect_failed)].add(1);
    two_.dial_failures[static_cast<std::size_t>(DialFailure::timed_out)].add(2);
    EXPECT_THAT(
        text(),
        AllOf(line("portreeve_open_failures_total{by=\"client\",reason=\"connect_failed\"} 1"),
              line("portreeve_open_failures_total{by=\"client\",reason=\"prohibited\"} 0"),
              line("portreeve_open_failures_total{by=\"server\",reason=\"timed_out\"} 2")));
}

TEST_F(MetricsTextTest, TellsFirstBytesOfThoseWhoAreAnswered) {
    one_.tcp.first_byte_ms.observe(60'001);
    const std::string now = text();
    EXPECT_THAT(now, AllOf(line("portreeve_first_byte_seconds_bucket{kind=\"tcp\",le=\"60\"} 0"),
                           line("portreeve_first_byte_seconds_bucket{kind=\"tcp\",le=\"+Inf\"} 1"),
                           line("portreeve_first_byte_seconds_count{kind=\"private\"} 0")));
    EXPECT_THAT(now, Not(HasSubstr("first_byte_seconds_count{kind=\"reach\"}")));
}

TEST_F(MetricsTextTest, TellsOfEachWorkerAndOfItsRing) {
    ring_.turns.add(2);
    ring_.completions.add(5);
    ring_.per_turn.observe(1);
    ring_.per_turn.observe(4);
    ring_.overflows.add(1);
    EXPECT_THAT(text(), AllOf(line("portreeve_worker_sessions{worker=\"0\"} 3"),
                              line("portreeve_worker_sessions{worker=\"1\"} 4"),
                              line("portreeve_worker_cpu_seconds_total{worker=\"0\"} 1.5"),
                              line("portreeve_ring_turns_total{worker=\"1\"} 2"),
                              line("portreeve_ring_overflows_total{worker=\"0\"} 1"),
                              line("portreeve_ring_turn_completions_bucket{le=\"1\"} 2"),
                              line("portreeve_ring_turn_completions_bucket{le=\"4\"} 4"),
                              line("portreeve_ring_turn_completions_sum 10")));
}

TEST(ProcessFiguresTest, AreThoseOfThisProcess) {
    const ProcessFigures before = ProcessFigures::now();
    EXPECT_GT(before.resident_bytes, 1'000'000U);
    EXPECT_GT(before.virtual_bytes, before.resident_bytes);
    EXPECT_GT(before.fds_max, before.open_fds);
    std::vector<uring::Fd> more;
    more.reserve(10);
    for (int i = 0; i < 10; ++i) {
        more.emplace_back(::dup(0));
    }
    const ProcessFigures after = ProcessFigures::now();
    EXPECT_EQ(after.open_fds, before.open_fds + 10);
    EXPECT_GE(after.cpu_s, before.cpu_s);
}

}  // namespace
}  // namespace portreeve::daemon
