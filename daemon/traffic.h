// What has passed through a tunnel, or through all of a kind on one worker: counted by the visitors
// that carry it, read by whoever shows it.
//
// Owns: four numbers. Called by: visitors, on the threads of their sessions, of which a lease may
// have several in its time; read on any thread. Bounds: none needed. Reaches are counted like
// visitors: what they connect is the same but for the direction in which it was opened.
#pragma once

#include <atomic>
#include <cstdint>

namespace portreeve::daemon {

class Traffic {
  public:
    struct Figures {
        std::uint64_t visitors = 0;  // that are in, and that have been
        std::uint64_t visitors_total = 0;
        std::uint64_t from_visitor_bytes = 0;
        std::uint64_t to_visitor_bytes = 0;

        bool operator==(const Figures&) const = default;
    };

    void visitor_came() { add(visitors_total_, 1); }
    void visitor_left() { add(visitors_left_, 1); }
    void from_visitor(std::uint64_t bytes) { add(from_visitor_bytes_, bytes); }
    void to_visitor(std::uint64_t bytes) { add(to_visitor_bytes_, bytes); }

    [[nodiscard]] Figures figures() const {
        const std::uint64_t left = visitors_left_.load(std::memory_order_acquire);
        const std::uint64_t total = visitors_total_.load(std::memory_order_acquire);
        return {total - left, total, from_visitor_bytes_.load(std::memory_order_relaxed),
                to_visitor_bytes_.load(std::memory_order_relaxed)};
    }

  private:
    using Number = std::atomic<std::uint64_t>;

    // In this order a reader never finds more who have left than have come.
    static void add(Number& number, std::uint64_t more) {
        number.fetch_add(more, std::memory_order_release);
    }

    Number visitors_total_{0};
    Number visitors_left_{0};
    Number from_visitor_bytes_{0};
    Number to_visitor_bytes_{0};
};

}  // namespace portreeve::daemon
