#include "daemon/proxy/exchange.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "daemon/http/persistence.h"
#include "daemon/http/response_writer.h"
#include "daemon/login.h"

namespace portreeve::daemon {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

bool is_idempotent(std::string_view method) {
    constexpr std::array<std::string_view, 6> kMethods = {"GET",   "HEAD", "OPTIONS",
                                                          "TRACE", "PUT",  "DELETE"};
    return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Exchange::~Exchange() {
    if (share_) {
        share_->from_visitor.leave(resume_);
        share_->to_visitor.leave(resume_);
        count([](auto& traffic) { traffic.visitor_left(); });
        target_.end(*this, figures_);
    }
    if (channel_ != nullptr) {
        channel_->close();
    }
}

tl::expected<void, Refusal> Exchange::open() {
    auto share = target_.begin(*this, visitor_);
    if (!share) {
        return tl::unexpected(share.error());
    }
    share_.emplace(std::move(*share));
    opened_ms_ = ring_.now_ms();
    count([](auto& traffic) { traffic.visitor_came(); });
    if (!get_channel(false)) {
        finish(Outcome::unserved);
    }
    return {};
}

// Whether it may be sent a second time: it has no body, and by its method it asks for the same
// again (RFC 9110, section 9.2.2).
bool Exchange::is_repeatable() const {
    return request_.framing.kind == http::Framing::Kind::none && is_idempotent(request_.method);
}

// One that waited, unless `fresh` is asked for, or one that has to open first.
bool Exchange::get_channel(bool fresh) {
    channel_ = fresh || request_.has_preface
                   ? nullptr
                   : target_.take_idle(*this, is_repeatable() ? Target::kIdleMs : Target::kFreshMs);
    was_idle_ = channel_ != nullptr;
    if (was_idle_) {
        send_head();
        return true;
    }
    channel_ = target_.open(visitor_, *this);
    return channel_ != nullptr;
}

// What has to be sent is sent in a turn of its own, outside the channel's events.
void Exchange::on_channel_open() {
    ring_.post(resume_);
}

void Exchange::on_channel_writable() {
    ring_.post(resume_);
}

void Exchange::resume() {
    if (over_ || channel_ == nullptr) {
        return;
    }
    if (!head_sent_) {
        send_head();
    }
    events_.on_exchange_room();
    take_more();
}

// As the channel has room, and no more: what it had to keep would hold up the whole session.
void Exchange::send_head() {
    while (!head_sent_) {
        const std::size_t room = channel_->writable_bytes();
        if (room == 0) {
            return;  // on_channel_writable() follows
        }
        const std::string_view left = std::string_view(request_.head).substr(head_bytes_sent_);
        const std::string_view piece = left.substr(0, room);
        head_bytes_sent_ += piece.size();
        was_begun_ = true;
        head_sent_ = piece.size() == left.size();
        channel_->write(bytes_of(piece));
    }
    drop_head();
}

// It is not needed any more once it is sent and cannot be wanted again.
void Exchange::drop_head() {
    if (head_sent_ && status_ != 0) {
        request_.head = {};
    }
}

template <class Counting>
void Exchange::count(Counting counting) {
    counting(share_->kind.traffic);
    if (share_->tunnel != nullptr) {
        counting(*share_->tunnel);
    }
}

// --- from the visitor ---

std::size_t Exchange::room() {
    if (over_ || channel_ == nullptr || !head_sent_ || request_done() || input_ended_) {
        return 0;
    }
    const std::size_t room = channel_->writable_bytes();
    if (room == 0) {
        return 0;
    }
    const std::size_t allowed = share_->from_visitor.allowance();
    if (allowed == 0) {
        share_->from_visitor.wait(resume_);
    }
    return std::min(room, allowed);
}

std::size_t Exchange::feed(std::string_view bytes) {
    if (over_ || channel_ == nullptr || !head_sent_ || bytes.empty()) {
        return 0;
    }
    // TLS may have brought more than was asked for.
    bytes = bytes.substr(0, channel_->writable_bytes());
    if (bytes.empty()) {
        return 0;
    }
    std::size_t size = bytes.size();
    if (!is_raw_) {
        const auto taken = request_body_.take(bytes);
        if (!taken) {
            why_ = {"http_fault", "the visitor's request: " + std::string(taken.error().why)};
            finish(status_ == 0 ? Outcome::faulty : Outcome::broken);
            return bytes.size();
        }
        size = *taken;
    }
    if (size > 0) {
        figures_.from_visitor_bytes += size;
        count([&](auto& traffic) { traffic.from_visitor(size); });
        share_->from_visitor.spend(size);
        channel_->write(bytes_of(bytes.substr(0, size)));
    }
    return size;
}

void Exchange::end_input() {
    if (over_) {
        return;
    }
    input_ended_ = true;
    if (is_raw_) {
        if (channel_ != nullptr && head_sent_) {
            channel_->send_eof();
        }
        check_raw_done();
    } else if (!request_done()) {
        why_ = {"visitor_ended", "the visitor ended in the middle of its request"};
        finish(Outcome::broken);
    }
}

void Exchange::take_more() {
    if (channel_ != nullptr) {
        channel_->take_more();
    }
}

// --- from the target ---

std::size_t Exchange::channel_room() const {
    return over_ ? 1 : events_.visitor_room();
}

std::size_t Exchange::on_channel_data(std::span<const std::byte> bytes) {
    if (over_) {
        keeps_target_ = false;  // nobody asked for it
        return bytes.size();
    }
    const std::size_t allowed = share_->to_visitor.allowance();
    const std::size_t taken = std::min({events_.visitor_room(), bytes.size(), allowed});
    if (allowed < bytes.size()) {
        share_->to_visitor.wait(resume_);
    }
    if (taken > 0) {
        share_->to_visitor.spend(taken);
        take_response(text_of(bytes.first(taken)));
    }
    return taken;
}

void Exchange::take_response(std::string_view bytes) {
    while (!bytes.empty() && !over_) {
        if (status_ == 0) {
            bytes.remove_prefix(take_head(bytes));
        } else if (is_raw_) {
            pass(bytes);
            return;
        } else {
            bytes.remove_prefix(pass_body(bytes));
        }
    }
    if (!bytes.empty()) {
        keeps_target_ = false;  // more than it was asked for
    }
}

// How much of `bytes` is used up: of a head that is not whole all, for it is kept.
std::size_t Exchange::take_head(std::string_view bytes) {
    const std::size_t kept = response_head_.size();
    if (kept > 0) {
        response_head_.append(bytes);
    }
    const std::string_view all = kept > 0 ? std::string_view(response_head_) : bytes;
    http::ResponseHead& head = events_.response_scratch();
    const auto whole = http::parse_response_head(all, response_progress_, head);
    if (!whole) {
        fault(whole.error().why);
        return bytes.size();
    }
    if (!*whole) {
        if (kept == 0) {
            response_head_.assign(bytes);
        }
        return bytes.size();
    }
    const std::size_t used = head.size_bytes - std::min(head.size_bytes, kept);
    if (!begin_response(head)) {
        return bytes.size();
    }
    response_head_ = {};
    return used;
}

bool Exchange::begin_response(const http::ResponseHead& head) {
    const auto framing = http::framing_of(head, request_.method);
    if (!framing) {
        fault(framing.error().why);
        return false;
    }
    if (head.is_interim()) {
        if (request_.version == http::Version::v1_1) {
            pass_head(head, *framing);
        }
        return true;
    }
    if (head.status == 101 && !http::switches_protocol(head, request_.asked_protocols)) {
        fault("it switches to a protocol that was not asked for");
        return false;
    }
    share_->kind.first_byte_ms.observe(static_cast<std::uint64_t>(ring_.now_ms() - opened_ms_));
    target_.answered();
    is_raw_ = head.status == 101;
    if (is_raw_) {
        input_ended_ = false;  // told again, behind what came before it
    }
    drops_chunks_ = http::loses_chunks(request_.version, *framing);
    keeps_target_ = http::keeps_target(head, *framing);
    keeps_visitor_ = !is_raw_ && !input_ended_ && request_done() &&
                     http::keeps_visitor(request_.version, request_.connection, *framing);
    response_body_ = http::BodyScanner(*framing);
    pass_head(head, *framing);
    status_ = head.status;
    events_.on_answer_begun(status_);
    drop_head();
    if (!is_raw_ && response_body_.is_done()) {
        response_done();
    } else if (is_raw_) {
        ring_.post(resume_);
    }
    return true;
}

void Exchange::pass_head(const http::ResponseHead& head, const http::Framing& framing) {
    std::string& text = events_.text_scratch();
    text.clear();
    http::write_response(head, framing, {request_.version, keeps_visitor_, wall_clock_s()}, text);
    pass(text);
}

std::size_t Exchange::pass_body(std::string_view bytes) {
    const auto piece = response_body_.next(bytes);
    if (!piece) {
        fault(piece.error().why);
        return bytes.size();
    }
    std::size_t size = piece->size_bytes;
    if (!drops_chunks_ || piece->is_content) {
        pass(bytes.substr(0, size));
    }
    if (response_body_.is_done()) {
        response_done();
    }
    return size;
}

void Exchange::pass(std::string_view bytes) {
    figures_.to_visitor_bytes += bytes.size();
    count([&](auto& traffic) { traffic.to_visitor(bytes.size()); });
    events_.to_visitor(bytes_of(bytes));
}

// --- the ends ---

// A target that has answered before the request was whole may be reading the rest of it, or not.
void Exchange::response_done() {
    keeps_target_ = keeps_target_ && head_sent_ && request_done();
    finish(keeps_visitor_ && request_done() ? Outcome::kept : Outcome::closed);
}

void Exchange::on_channel_eof() {
    target_ended();
}

void Exchange::on_channel_closing() {
    target_ended_ = true;
}

void Exchange::on_channel_closed() {
    const bool ended = target_ended_;
    channel_ = nullptr;
    keeps_target_ = false;
    if (over_) {
        return;
    }
    if (is_raw_) {
        input_ended_ = true;  // nobody takes it
        target_ended();
    } else if (ended) {
        target_ended();
    } else {
        finish(status_ == 0 && response_head_.empty() ? Outcome::unserved : Outcome::broken);
    }
}

// The target sends nothing more.
void Exchange::target_ended() {
    target_ended_ = true;
    if (over_) {
        return;
    }
    if (is_raw_) {
        events_.end_visitor_output();
        check_raw_done();
    } else if (status_ != 0 && response_body_.ends_at_close()) {
        response_done();
    } else if (status_ == 0 && was_idle_ && is_repeatable() && response_head_.empty()) {
        ring_.post(again_);
    } else {
        fault(status_ == 0 ? "it ended without an answer" : "it ended in the middle");
    }
}

// The channel that had waited was closed, or about to be, when the request came.
void Exchange::try_again() {
    if (over_) {
        return;
    }
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->close();
    }
    head_bytes_sent_ = 0;
    head_sent_ = false;
    target_ended_ = false;
    if (!get_channel(true)) {
        finish(Outcome::unserved);
    }
}

void Exchange::check_raw_done() {
    if (target_ended_ && input_ended_) {
        finish(Outcome::closed);
    }
}

void Exchange::on_channel_refused(std::string_view reason) {
    channel_ = nullptr;
    why_ = {"target_refused", std::string(reason)};
    target_.failed(visitor_, why_);
    finish(Outcome::refused);
}

void Exchange::fault(std::string_view why) {
    why_ = {"target_failed", "the target's response: " + std::string(why)};
    target_.failed(visitor_, why_);
    keeps_target_ = false;
    finish(status_ == 0 ? Outcome::refused : Outcome::broken);
}

void Exchange::cut() {
    if (!over_) {
        finish(status_ == 0 ? Outcome::unserved : Outcome::broken);
    }
}

void Exchange::finish(Outcome outcome) {
    over_ = true;
    outcome_ = outcome;
    ring_.post(told_);
}

// Outside the channel's events, so that it can be given to the next one.
void Exchange::told() {
    if (channel_ != nullptr && keeps_target_ && !target_ended_ && !request_.has_preface) {
        target_.give_back(*std::exchange(channel_, nullptr));
    }
    events_.on_exchange_over();
}

}  // namespace portreeve::daemon
