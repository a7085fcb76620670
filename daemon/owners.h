// What each owner has open right now, over all sessions and workers: the limits that a key's own
// line sets (max-tunnels, max-visitors) are about all that the key does, wherever it does it.
//
// A Usage is shared by the sessions of one owner and gone with the last of them. A Place is the
// right to one tunnel or visitor; its destructor gives it back. Counts are atomic and change when a
// tunnel or visitor comes and goes, never for its data.
//
// Live screens are counted too, of all owners together: they share one budget (live_screen.h).
//
// Owns: the table of live usages. Called by: Client on any worker; it outlives them all. Bounds:
// one entry for each owner with a live session.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace portreeve::daemon {

class Owners {
  public:
    class Usage;

    // One of those that a limit counts.
    class Place {
      public:
        Place(Place&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(count_, other.count_);
            return *this;
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() {
            if (count_ != nullptr) {
                count_->fetch_sub(1, std::memory_order_relaxed);
            }
        }

      private:
        friend class Owners;
        friend class Usage;
        explicit Place(std::atomic<std::uint32_t>& count) : count_(&count) {}
        std::atomic<std::uint32_t>* count_;
    };

    class Usage {
      public:
        // nullopt: there are `maximum` already. 0 is no limit. The Usage outlives the Place.
        [[nodiscard]] std::optional<Place> take_tunnel(std::uint32_t maximum) {
            return take(tunnels_, maximum);
        }
        [[nodiscard]] std::optional<Place> take_visitor(std::uint32_t maximum) {
            return take(visitors_, maximum);
        }
        [[nodiscard]] Place take_session() { return *take(sessions_, 0); }
        [[nodiscard]] std::uint32_t sessions() const {
            return sessions_.load(std::memory_order_relaxed);
        }
        [[nodiscard]] std::uint32_t tunnels() const {
            return tunnels_.load(std::memory_order_relaxed);
        }
        [[nodiscard]] std::uint32_t visitors() const {
            return visitors_.load(std::memory_order_relaxed);
        }

      private:
        static std::optional<Place> take(std::atomic<std::uint32_t>& count, std::uint32_t maximum);

        std::atomic<std::uint32_t> sessions_{0};
        std::atomic<std::uint32_t> tunnels_{0};
        std::atomic<std::uint32_t> visitors_{0};
    };

    // The one that all sessions of `owner` share.
    [[nodiscard]] std::shared_ptr<Usage> usage_of(const std::string& owner);

    // How many owners have a session.
    [[nodiscard]] std::size_t count();

    // Never refused.
    [[nodiscard]] Place take_screen() {
        screens_.fetch_add(1, std::memory_order_relaxed);
        return Place(screens_);
    }
    [[nodiscard]] std::uint32_t screens() const { return screens_.load(std::memory_order_relaxed); }

  private:
    void forget(const std::string& owner, Usage* usage);

    std::mutex lock_;
    std::map<std::string, std::weak_ptr<Usage>> live_;
    std::atomic<std::uint32_t> screens_{0};
};

}  // namespace portreeve::daemon
