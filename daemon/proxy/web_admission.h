// How many connections strangers have to the http ports, in all and of each source: they log in
// nowhere, so numbers are all that bounds them.
//
// Owns: the counts. Called by: ProxyDoors, for each connection that comes; a Ticket gives its place
// back on whatever thread its connection ends. One lock, taken when connections come and go.
// Bounds: [limits] http_visitors entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <tl/expected.hpp>

#include "conf/config.h"
#include "daemon/refusal.h"
#include "daemon/source.h"

namespace portreeve::daemon {

class WebAdmission {
  public:
    // The right to one connection.
    class Ticket {
      public:
        Ticket() = default;
        Ticket(Ticket&& other) noexcept
            : admission_(std::exchange(other.admission_, nullptr)), source_(other.source_) {}
        Ticket& operator=(Ticket&& other) noexcept {
            std::swap(admission_, other.admission_);
            std::swap(source_, other.source_);
            return *this;
        }
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        ~Ticket() {
            if (admission_ != nullptr) {
                admission_->leave(source_);
            }
        }

      private:
        friend class WebAdmission;
        Ticket(WebAdmission& admission, const Source& source)
            : admission_(&admission), source_(source) {}

        WebAdmission* admission_ = nullptr;
        Source source_;
    };

    void use(const conf::Limits& limits);
    [[nodiscard]] tl::expected<Ticket, Refusal> admit(const Source& source);
    [[nodiscard]] std::size_t count() const;

  private:
    void leave(const Source& source);

    mutable std::mutex lock_;
    std::map<Source, std::uint32_t> by_source_;
    std::size_t count_ = 0;
    std::uint32_t count_max_ = 20'000;
    std::uint32_t per_source_max_ = 1'000;
};

}  // namespace portreeve::daemon
