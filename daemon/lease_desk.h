// One thread's way to the leases: what it changes there is told to whom it concerns, by message.
//
// Owns: nothing. Called by: the clients of one worker, or HeldTunnels, on their own ring; it lives
// as long as that ring. Bounds: none needed; each call sends at most a message for each lease that
// it touches.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/leases.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class HeldTunnels;

class LeaseDesk {
  public:
    LeaseDesk(Leases& leases, uring::Ring& ring, HeldTunnels& held)
        : leases_(leases), ring_(ring), held_(held) {}
    LeaseDesk(const LeaseDesk&) = delete;
    LeaseDesk& operator=(const LeaseDesk&) = delete;
    LeaseDesk(LeaseDesk&&) = delete;
    LeaseDesk& operator=(LeaseDesk&&) = delete;
    ~LeaseDesk() = default;

    // Whoever had the address is told `why`.
    [[nodiscard]] tl::expected<Leases::Claim, Refusal> claim(const Leases::Claimant& who,
                                                             const ssh::ForwardWish& wish,
                                                             const conf::Forward& rules,
                                                             const HttpName* http,
                                                             const std::string& why);
    // Ends the tunnels of `owner` that are called so, and their sessions, which are told `why`; how
    // many.
    std::size_t kick(const std::string& owner, const std::string& called, const std::string& why);
    // From now on the main thread has it, for `lease_s`, as one of `kept_max` of its owner (0: of
    // any number). False: it was another's already.
    bool hold(const LeasePtr& lease, std::uint64_t turn, std::int64_t lease_s,
              std::uint32_t kept_max, const Refusal& why);
    void note_error(const LeasePtr& lease, const Refusal& error);
    // The address is nobody's any more.
    bool end(const LeasePtr& lease, std::uint64_t turn, const Refusal& why);
    // A former holder accepts no more: whom it took, if anybody, the holder of now has to serve.
    void pass_on(const LeasePtr& lease, std::vector<Arrival> visitors);
    // Other clients with a tunnel on a port of the server's choice, of the same owner and label.
    // They are asked whether they still answer, and `who` is told of each that does.
    [[nodiscard]] std::vector<LeaseHolder> ask_siblings(const Leases::Claimant& who);
    void show_life(const LeaseHolder& asker, const LeaseHolder& sibling);

    // What brings a visitor of the lease, who comes from there, to whoever has it.
    [[nodiscard]] std::function<void(uring::Fd)> carrier_to(const LeasePtr& lease,
                                                            const uring::Address& from);
    // The name is the server's own; whoever had it is told so.
    void reserve(const std::string& name);

  private:
    template <class Call>
    void post(LeaseKeeper& keeper, Call call);
    void tell(const std::vector<Leases::Displaced>& displaced, const Refusal& why);
    void tell_changed();

    Leases& leases_;
    uring::Ring& ring_;
    HeldTunnels& held_;
};

}  // namespace portreeve::daemon
