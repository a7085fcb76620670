// What has passed through a tunnel, or through all of a kind on one worker: counted by the visitors
// that carry it, read by whoever shows it.
//
// Owns: four numbers. Called by: visitors, on the threads of their sessions; read on any thread.
// Bounds: none needed. Reaches are counted like visitors: what they connect is the same but for the
// direction in which it was opened.
#pragma once

#include <atomic>
#include <cstdint>

#include "uring/counter.h"

namespace portreeve::daemon {

struct TrafficFigures {
    std::uint64_t visitors = 0;  // that are in, and that have been
    std::uint64_t visitors_total = 0;
    std::uint64_t from_visitor_bytes = 0;
    std::uint64_t to_visitor_bytes = 0;

    TrafficFigures& operator+=(const TrafficFigures& more) {
        visitors += more.visitors;
        visitors_total += more.visitors_total;
        from_visitor_bytes += more.from_visitor_bytes;
        to_visitor_bytes += more.to_visitor_bytes;
        return *this;
    }
    bool operator==(const TrafficFigures&) const = default;
};

// A number that several threads count.
class SharedCounter {
  public:
    void add(std::uint64_t more) { value_.fetch_add(more, std::memory_order_release); }
    operator std::uint64_t() const {  // NOLINT(google-explicit-constructor)
        return value_.load(std::memory_order_acquire);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

template <class Number>
class TrafficOf {
  public:
    using Figures = TrafficFigures;

    void visitor_came() { visitors_total_.add(1); }
    void visitor_left() { visitors_left_.add(1); }
    void from_visitor(std::uint64_t bytes) { from_visitor_bytes_.add(bytes); }
    void to_visitor(std::uint64_t bytes) { to_visitor_bytes_.add(bytes); }

    // In this order it never finds more who have left than have come.
    [[nodiscard]] Figures figures() const {
        const std::uint64_t left = visitors_left_;
        const std::uint64_t total = visitors_total_;
        return {total - left, total, from_visitor_bytes_, to_visitor_bytes_};
    }

  private:
    Number visitors_total_;
    Number visitors_left_;
    Number from_visitor_bytes_;
    Number to_visitor_bytes_;
};

// Of a lease, whose visitors may be on several workers, when it has changed hands.
using Traffic = TrafficOf<SharedCounter>;
// Of one worker alone.
using WorkerTraffic = TrafficOf<uring::Counter>;

}  // namespace portreeve::daemon
