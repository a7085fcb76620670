#include "daemon/visitor.h"

#include <algorithm>
#include <utility>

namespace portreeve::daemon {

Visitor::Visitor(uring::Ring& ring, uring::Stream::Pools pools, Arrival arrival, Share share,
                 Events& events)
    : events_(events),
      share_(std::move(share)),
      stream_(ring, pools, std::move(arrival.socket), *this),
      peer_(arrival.from),
      first_(std::move(arrival.said)),
      counted_(std::move(arrival.counted)),
      opened_ms_(ring.now_ms()) {
}

Visitor::~Visitor() {
    share_.from_visitor.leave(resume_);
    share_.to_visitor.leave(resume_);
    if (served_) {
        count([](auto& traffic) { traffic.visitor_left(); });
    }
}

void Visitor::open(ssh::Session& session, const std::string& requested, std::uint16_t port) {
    channel_ = session.open_forwarded(requested, port, peer_.host(), peer_.port(), *this);
    if (channel_ == nullptr) {
        unserved();
    }
}

void Visitor::unserved() {
    note_end("session");
    first_.erase(0, header_bytes_);
    Arrival arrival(stream_.give_back(), peer_, std::move(first_));
    arrival.counted = std::move(counted_);
    events_.on_visitor_unserved(*this, std::move(arrival));
}

void Visitor::attach(ssh::Channel& channel) {
    channel_ = &channel;
    channel.set_user(*this);
    serve();
}

void Visitor::serve() {
    served_ = true;
    count([](auto& traffic) { traffic.visitor_came(); });
    pull();
}

void Visitor::set_header(std::string_view header) {
    first_.insert(0, header);
    header_bytes_ = header.size();
}

// Outside the channel's events, since it writes.
void Visitor::send_first() {
    while (channel_ != nullptr && !first_.empty()) {
        const std::string piece = first_.substr(0, channel_->writable_bytes());
        if (piece.empty()) {
            return;
        }
        first_.erase(0, piece.size());
        channel_->write(std::as_bytes(std::span(piece)));
    }
}

template <class Counting>
void Visitor::count(Counting counting) {
    counting(share_.kind.traffic);
    if (share_.tunnel != nullptr) {
        counting(*share_.tunnel);
    }
}

void Visitor::note_end(ssh::Code reason) {
    if (!end_) {
        end_ = reason;
    }
}

// Asks for as much as the channel can take; when that is nothing, the channel calls again.
void Visitor::pull() {
    if (channel_ == nullptr || stream_.input_ended() || stream_.receiving()) {
        return;
    }
    const std::size_t room = channel_->writable_bytes();
    if (room == 0) {
        return;
    }
    if (!first_.empty()) {
        stream_.ring().post(resume_);
        return;
    }
    const std::size_t allowed = share_.from_visitor.allowance();
    if (allowed == 0) {
        share_.from_visitor.wait(resume_);
        return;
    }
    stream_.receive(std::min(room, allowed));
}

void Visitor::on_input(std::span<const std::byte> bytes) {
    if (channel_ == nullptr) {
        unheard_ = true;
        watch_abandoned();
        return;
    }
    figures_.from_visitor_bytes += bytes.size();
    count([&](auto& traffic) { traffic.from_visitor(bytes.size()); });
    share_.from_visitor.spend(bytes.size());
    channel_->write(bytes);
    pull();
}

void Visitor::on_input_end(int error) {
    note_end(error != 0 ? ssh::Code("visitor_lost") : ssh::Code("visitor_ended"));
    if (error != 0) {
        hang_up();  // reset: there is nobody left to send to either
        return;
    }
    if (channel_ != nullptr) {
        channel_->send_eof();
    }
    check_done();
}

std::size_t Visitor::channel_room() const {
    return kSendBytesMax - std::min(kSendBytesMax, stream_.output_bytes());
}

std::size_t Visitor::on_channel_data(std::span<const std::byte> bytes) {
    if (stream_.output_failed() || stream_.closing()) {
        return bytes.size();
    }
    const std::size_t allowed = share_.to_visitor.allowance();
    const std::size_t taken = std::min({channel_room(), bytes.size(), allowed});
    if (allowed < bytes.size()) {
        share_.to_visitor.wait(resume_);
    }
    stream_.append(bytes.first(taken));
    share_.to_visitor.spend(taken);
    if (figures_.to_visitor_bytes == 0 && taken > 0 && share_.tunnel != nullptr) {
        share_.kind.first_byte_ms.observe(
            static_cast<std::uint64_t>(stream_.ring().now_ms() - opened_ms_));
    }
    figures_.to_visitor_bytes += taken;
    count([&](auto& traffic) { traffic.to_visitor(taken); });
    return taken;
}

void Visitor::resume() {
    send_first();
    pull();
    if (channel_ != nullptr) {
        channel_->take_more();
    }
}

void Visitor::on_output_sent() {
    if (channel_ != nullptr) {
        channel_->take_more();
    }
    if (linger_.running()) {
        linger_.start_at(stream_.ring().now_ms() + kLingerMs);
    }
    check_done();
    watch_abandoned();
}

void Visitor::on_output_failed(int) {
    note_end("visitor_lost");
    hang_up();
}

void Visitor::on_channel_eof() {
    note_end("client_ended");
    finish_output();
}

// Nothing more comes for the visitor. When nothing more comes from it either, closing tells it so.
void Visitor::finish_output() {
    if (stream_.output_bytes() == 0 && stream_.input_ended()) {
        hang_up();
        return;
    }
    stream_.end_output();
    check_done();
}

// The client is gone and the visitor is not. A plain close would be wrong while the visitor sends:
// with its window shut it would learn of it only when the kernel forgets the connection, a minute
// later.
void Visitor::watch_abandoned() {
    if (channel_ != nullptr || stream_.closing() || stream_.output_bytes() > 0) {
        return;
    }
    if (unheard_) {
        linger_.stop();
        stream_.close(true);
    } else {
        stream_.receive(kReceiveBytesMax);
    }
}

void Visitor::on_channel_refused(std::string_view reason) {
    channel_ = nullptr;
    note_end("target_refused");
    events_.on_visitor_refused(*this, reason);
    stream_.close();
}

// From here on the client's last bytes wait for the visitor alone, and that has a bound.
void Visitor::on_channel_closing() {
    note_end("client_ended");
    linger_.start_at(stream_.ring().now_ms() + kLingerMs);
}

void Visitor::on_channel_closed() {
    note_end("session");  // the client's own close has been told as closing
    channel_ = nullptr;
    if (!served_) {
        unserved();
        return;
    }
    linger_.start_at(stream_.ring().now_ms() + kLingerMs);
    finish_output();
    watch_abandoned();
}

void Visitor::check_done() {
    const bool output_done = stream_.output_ended() || stream_.output_failed();
    if (output_done && stream_.input_ended()) {
        hang_up();
    }
}

void Visitor::hang_up() {
    if (channel_ != nullptr) {
        channel_->close();
        channel_ = nullptr;
    }
    linger_.stop();
    stream_.close(!stream_.input_ended());
}

void Visitor::cut() {
    note_end("session");
    hang_up();
}

}  // namespace portreeve::daemon
