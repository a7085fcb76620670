#include "daemon/proxy/target.h"

#include <algorithm>
#include <utility>

namespace portreeve::daemon {

// The user of a channel that waits.
class Target::Idle final : public ssh::Channel::Events {
  public:
    Idle(Target& target, ssh::Channel& channel, std::int64_t due_ms)
        : target_(target), channel_(&channel), due_ms_(due_ms) {}
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;
    Idle(Idle&&) = delete;
    Idle& operator=(Idle&&) = delete;
    ~Idle() override = default;

    [[nodiscard]] std::int64_t due_ms() const { return due_ms_; }
    // Whoever takes it is the channel's user from then on.
    [[nodiscard]] ssh::Channel* take() { return std::exchange(channel_, nullptr); }
    void close() {
        if (ssh::Channel* const channel = take(); channel != nullptr) {
            channel->close();
        }
    }

  private:
    [[nodiscard]] std::size_t channel_room() const override { return 1; }
    std::size_t on_channel_data(std::span<const std::byte> bytes) override {
        end();
        return bytes.size();
    }
    void on_channel_eof() override { end(); }
    void on_channel_closing() override { end(); }
    void on_channel_closed() override {
        channel_ = nullptr;
        target_.drop(*this);
    }
    void end() {
        close();
        target_.drop(*this);
    }

    Target& target_;
    ssh::Channel* channel_;  // nullptr: taken, or gone
    std::int64_t due_ms_;
};

Target::Target(uring::Ring& ring, ssh::Session& session, std::string requested, std::uint16_t port,
               Events& events)
    : ring_(ring),
      session_(session),
      requested_(std::move(requested)),
      port_(port),
      events_(events) {
}

Target::~Target() = default;

tl::expected<Visitor::Share, Refusal> Target::begin(User& user, const uring::Address& visitor) {
    if (leaving_) {
        return tl::unexpected(Refusal{"owner_away", "the tunnel is closing"});
    }
    auto share = events_.admit_exchange(visitor);
    if (share) {
        user.index = users_.size();
        users_.push_back(&user);
    }
    return share;
}

void Target::end(User& user, const Visitor::Figures& figures) {
    users_[user.index] = users_.back();
    users_[user.index]->index = user.index;
    users_.pop_back();
    events_.on_exchange_over(figures);
    if (users_.empty()) {
        events_.on_target_idle();
    }
}

ssh::Channel* Target::take_idle(ssh::Channel::Events& user, std::int64_t waited_ms_max) {
    const std::int64_t due_ms_min = ring_.now_ms() + kIdleMs - waited_ms_max;
    while (!idle_.empty() && idle_.back()->due_ms() >= due_ms_min) {
        const std::unique_ptr<Idle> newest = std::move(idle_.back());
        idle_.pop_back();
        if (ssh::Channel* const channel = newest->take(); channel != nullptr) {
            channel->set_user(user);
            return channel;
        }
    }
    return nullptr;
}

ssh::Channel* Target::open(const uring::Address& visitor, ssh::Channel::Events& user) {
    return session_.open_forwarded(requested_, port_, visitor.host(), visitor.port(), user);
}

void Target::give_back(ssh::Channel& channel) {
    if (leaving_ || idle_.size() >= kIdleMax) {
        channel.close();
        return;
    }
    idle_.push_back(std::make_unique<Idle>(*this, channel, ring_.now_ms() + kIdleMs));
    channel.set_user(*idle_.back());
    if (!old_.running()) {
        old_.start_at(idle_.front()->due_ms());
    }
}

void Target::drop(Idle& idle) {
    const auto found = std::find_if(idle_.begin(), idle_.end(),
                                    [&](const auto& one) { return one.get() == &idle; });
    if (found != idle_.end()) {
        dropped_.push_back(std::move(*found));
        idle_.erase(found);
        ring_.post(sweep_);
    }
}

void Target::sweep() {
    dropped_.clear();
}

void Target::close_old() {
    while (!idle_.empty() && idle_.front()->due_ms() <= ring_.now_ms()) {
        idle_.front()->close();
        idle_.erase(idle_.begin());
    }
    if (!idle_.empty()) {
        old_.start_at(idle_.front()->due_ms());
    }
}

void Target::failed(const uring::Address& visitor, const Refusal& why) {
    is_ill_ = true;
    events_.on_target_failed(visitor, why);
}

void Target::answered() {
    if (std::exchange(is_ill_, false)) {
        events_.on_target_well();
    }
}

void Target::leave() {
    leaving_ = true;
    old_.stop();
    for (const auto& idle : idle_) {
        idle->close();
    }
    idle_.clear();
}

void Target::cut() {
    leave();
    for (User* const user : std::vector(users_)) {
        user->cut();
    }
}

}  // namespace portreeve::daemon
