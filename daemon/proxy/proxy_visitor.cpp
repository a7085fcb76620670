#include "daemon/proxy/proxy_visitor.h"

#include <algorithm>
#include <utility>

#include "daemon/http/persistence.h"
#include "daemon/http/request_writer.h"
#include "daemon/login.h"
#include "daemon/proxy/endpoints.h"

namespace portreeve::daemon {

ProxyVisitor::ProxyVisitor(uring::Ring& ring, uring::Stream::Pools pools, WebArrival arrival,
                           Events& events)
    : ring_(ring),
      events_(events),
      arrival_(std::move(arrival)),
      stream_(ring, pools, std::move(arrival_.socket), std::move(arrival_.tls), *this),
      pending_(std::move(arrival_.bytes)) {
}

void ProxyVisitor::open() {
    if (!arrival_.raw.empty()) {
        stream_.hand_in(std::exchange(arrival_.raw, {}));
    }
    process_pending();
    pull();
}

// --- what comes ---

void ProxyVisitor::on_web_input(std::string_view bytes) {
    if (state_ == State::moving) {
        ring_.post(move_);
    } else if (state_ == State::leaving && stream_.output_ended()) {
        clock_.start_at(leave_due_ms());
    }
    if (pending_.empty()) {
        bytes.remove_prefix(process(bytes));
        pending_.assign(bytes);
    } else {
        pending_.append(bytes);
        process_pending();
    }
    pull();
}

void ProxyVisitor::on_web_input_wanted() {
    if (state_ == State::moving) {
        ring_.post(move_);
    }
    pull();
}

void ProxyVisitor::process_pending() {
    const std::size_t used = process(pending_);
    if (used == pending_.size()) {
        pending_ = {};  // an idle visitor holds no memory for it
    } else {
        pending_.erase(0, used);
    }
    tell_end();
}

// Once what came before its end is used.
void ProxyVisitor::tell_end() {
    if (input_over_ && exchange_ && (pending_.empty() || exchange_->request_done())) {
        exchange_->end_input();
    }
}

// How much of it is used up; the rest is for later.
std::size_t ProxyVisitor::process(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size()) {
        const std::string_view rest = bytes.substr(used);
        std::size_t taken = 0;
        if (state_ == State::leaving) {
            taken = rest.size();
        } else if (state_ == State::busy && exchange_) {
            taken = exchange_->feed(rest);
        } else if (state_ == State::reading && visitor_room() > 0) {
            taken = take_head(rest);
        }
        if (taken == 0) {
            break;
        }
        used += taken;
    }
    return used;
}

// 0: it is not whole, or it has to wait.
std::size_t ProxyVisitor::take_head(std::string_view bytes) {
    http::RequestHead& head = events_.scratch().request;
    const auto whole = http::parse_request_head(bytes, progress_, head);
    asked_ = {};
    if (!whole) {
        answer_fault(whole.error());
        return bytes.size();
    }
    if (!*whole) {
        return 0;
    }
    if (clock_kind_ == Clock::head || clock_kind_ == Clock::idle) {
        clock_kind_ = Clock::none;  // the next one has a time of its own
        clock_.stop();
    }
    asked_ = {head.method == "HEAD", head.version == http::Version::v1_0, http::wants_html(head),
              false};
    const auto host = http::host_of(head);
    const auto framing = http::framing_of(head);
    if (!host || !framing) {
        answer_fault(host ? framing.error() : host.error());
        return bytes.size();
    }
    asked_.keeps = framing->kind == http::Framing::Kind::none && !draining_ && !input_over_ &&
                   http::wants_more(head.version, head.connection);
    return serve(head, bytes.data(), *host, *framing) ? head.size_bytes : 0;
}

// False: it is not decided yet, and the head is needed again.
bool ProxyVisitor::serve(const http::RequestHead& head, const char* head_begin,
                         const http::Host& host, const http::Framing& framing) {
    visitor_ = visitor_of(head);
    if (answer_at_once(head, host)) {
        return true;
    }
    place_ = find_place(host.name(), head.path);
    if (place_.kind != Place::Kind::none && answer_misdirected(head, host)) {
        return true;
    }
    if (place_.kind != Place::Kind::none && place_.lease.several_paths &&
        http::has_dot_segment(head.path)) {
        answer_fault(
            {400, "the path goes up or stays (\"..\", \".\"), where paths tell names apart"});
        return true;
    }
    if (refusing_ != nullptr && std::exchange(refusing_, nullptr) == place_.lease.lease) {
        answer(http::target_page());
        return true;
    }
    switch (place_.kind) {
        case Place::Kind::none:
            answer(http::not_found_page());
            return true;
        case Place::Kind::held:
            if (wait_for_owner()) {
                return false;
            }
            answer_held(place_.lease);
            return true;
        case Place::Kind::elsewhere:
            state_ = State::moving;
            ring_.post(move_);
            return false;
        case Place::Kind::here:
            break;
    }
    if (!answer_before(head, host, *place_.target)) {
        begin(head, framing, *place_.target);
        if (state_ == State::busy && framing.kind == http::Framing::Kind::none) {
            head_.assign(head_begin, head.size_bytes);
        }
    }
    return true;
}

ProxyVisitor::Place ProxyVisitor::find_place(std::string_view host, std::string_view path) {
    const std::uint64_t revision = events_.places_revision();
    const bool known = place_.kind == Place::Kind::here && place_.lease.alone && host == host_ &&
                       revision == place_revision_ &&
                       place_.lease.lease->held_since(place_.lease.turn);
    if (known) {
        return place_;
    }
    host_ = host;
    place_revision_ = revision;
    return events_.find_place(host, path, std::exchange(arrival_.chosen, nullptr));
}

void ProxyVisitor::begin(const http::RequestHead& head, const http::Framing& framing,
                         Target& target) {
    const ProxyRules& rules = events_.proxy_rules();
    const TunnelRules& wishes = target.rules();
    const std::string from = arrival_.from.host();
    const std::string real = visitor_.host();
    const http::RequestPlan plan{.visitor = from,
                                 .port = arrival_.at.port(),
                                 .is_tls = stream_.is_tls(),
                                 .is_trusted = is_trusted(arrival_.from),
                                 .real_ip = real,
                                 .by = rules.by,
                                 .host = wishes.host_header,
                                 .strip_path = wishes.strip_path,
                                 .drops_authorization = !wishes.credentials.empty()};
    Exchange::Request request{.head = {},
                              .method = std::string(head.method),
                              .asked_protocols = std::string(http::asked_protocols(head)),
                              .version = head.version,
                              .connection = head.connection,
                              .framing = framing,
                              .has_preface = false};
    request.head = proxy_header(wishes.proxy_header, visitor_, arrival_.at);
    request.has_preface = !request.head.empty();
    request.connection.close = request.connection.close || draining_;
    http::write_request(head, framing, plan, request.head);
    Exchange::Events& self = *this;
    exchange_ = std::make_unique<Exchange>(ring_, target, visitor_, std::move(request), self);
    waits_until_ms_ = 0;
    arrival_.moves = 0;
    state_ = State::busy;
    if (const auto opened = exchange_->open(); !opened) {
        exchange_.reset();
        state_ = State::reading;
        answer(http::busy_page());
    }
}

// --- the exchange ---

std::size_t ProxyVisitor::visitor_room() const {
    return Visitor::kSendBytesMax - std::min(Visitor::kSendBytesMax, stream_.output_bytes());
}

void ProxyVisitor::to_visitor(std::span<const std::byte> bytes) {
    stream_.append(bytes);
    if (visitor_room() == 0) {
        watch_clock();
    } else if (clock_kind_ == Clock::quiet) {
        clock_.start_at(ring_.now_ms() + kQuietMs);
    }
}

void ProxyVisitor::on_exchange_room() {
    if (!pending_.empty()) {
        process_pending();
    } else {
        tell_end();
    }
    pull();
}

void ProxyVisitor::on_exchange_over() {
    done_exchange_ = std::move(exchange_);
    ring_.post(next_);
}

void ProxyVisitor::next() {
    const std::unique_ptr<Exchange> exchange = std::move(done_exchange_);
    if (!exchange || stream_.closing()) {
        return;
    }
    events_.on_request_over(*this, *exchange);
    asked_.keeps = asked_.keeps && exchange->request_done();
    state_ = State::reading;
    const std::string head = std::exchange(head_, {});
    switch (exchange->outcome()) {
        case Exchange::Outcome::kept:
            break;
        case Exchange::Outcome::closed:
            leave();
            break;
        case Exchange::Outcome::faulty:
            answer_fault({400, "the body is not framed as the head says"});
            break;
        case Exchange::Outcome::refused:
            refusing_ = place_.lease.lease;
            if (exchange->why().code == "target_refused" && serve_again(head)) {
                return;  // nothing was sent, and another owner may have a target that answers
            }
            answer(http::target_page());
            break;
        case Exchange::Outcome::unserved:
            if (exchange->can_be_repeated() && serve_again(head)) {
                return;  // whoever has the name now, or will have it, serves it
            }
            answer_held(place_.lease);
            break;
        case Exchange::Outcome::broken:
            stream_.close(true);
            return;
    }
    refusing_ = nullptr;
    arrival_.repeats = 0;
    if (state_ == State::reading && (draining_ || input_over_)) {
        leave();
    }
    process_pending();
    pull();
}

// False: it was tried often enough, or has a body.
bool ProxyVisitor::serve_again(std::string_view head) {
    if (head.empty() || draining_ || arrival_.repeats >= kRepeatsMax) {
        return false;
    }
    ++arrival_.repeats;
    pending_.insert(0, head);
    process_pending();
    pull();
    return true;
}

// --- waiting and moving ---

// False: not any longer, or too many do.
bool ProxyVisitor::wait_for_owner() {
    const ProxyRules& rules = events_.proxy_rules();
    if (waits_until_ms_ == 0) {
        waits_until_ms_ =
            ring_.now_ms() + (input_over_ ? std::min(rules.hold_ms, kQuietMs) : rules.hold_ms);
    }
    if (ring_.now_ms() >= waits_until_ms_ || draining_ ||
        place_.lease.lease->waiting().load() >= rules.waiting_max) {
        return false;
    }
    state_ = State::waiting;
    place_.lease.lease->waiting().fetch_add(1);
    events_.on_visitor_waits(*this, true);
    if (events_.places_revision() != place_revision_) {
        ring_.post(look_);  // the owner came before anybody knew that we wait
    }
    return true;
}

void ProxyVisitor::wait_no_more() {
    place_.lease.lease->waiting().fetch_sub(1);
    events_.on_visitor_waits(*this, false);
}

void ProxyVisitor::look_again() {
    if (state_ == State::waiting) {
        wait_no_more();
        state_ = State::reading;
        process_pending();
        pull();
    }
}

// Not before what was answered already has gone out, and nothing is armed.
void ProxyVisitor::move() {
    if (state_ != State::moving || stream_.closing()) {
        return;
    }
    if (arrival_.moves >= WebArrival::kMovesMax || draining_) {
        asked_.keeps = false;
        answer(http::busy_page());
        pull();
        return;
    }
    stream_.stop_receiving();
    if (!stream_.can_move()) {
        return;  // on_web_output_sent() follows
    }
    clock_.stop();
    arrival_.socket = stream_.give_back(arrival_.tls);
    arrival_.bytes = std::move(pending_);
    ++arrival_.moves;
    arrival_.chosen = place_.lease.lease;
    events_.on_visitor_moves(std::move(arrival_), place_.lease.holder);
}

// --- the connection ---

// Asks for as much as can be used now. While an answer is under way, a little more is asked for
// than that: to hear of a visitor who leaves.
void ProxyVisitor::pull() {
    watch_clock();
    if (stream_.closing() || stream_.input_ended()) {
        return;
    }
    // What TLS itself answers to what comes would grow without a bound for who does not read it.
    if (stream_.is_tls() && visitor_room() == 0) {
        return;
    }
    switch (state_) {
        case State::reading:
            if (visitor_room() > 0) {
                stream_.receive(kReadBytes);
            }
            break;
        case State::busy:
            if (exchange_ == nullptr) {
                break;
            }
            if (exchange_->request_done()) {
                if (pending_.size() < kAheadBytesMax) {
                    stream_.receive(kAheadBytesMax);
                }
            } else if (pending_.empty()) {
                stream_.receive(std::min(exchange_->room(), kReceiveBytesMax));
            }
            break;
        case State::leaving:
            stream_.receive(kReadBytes);
            break;
        case State::waiting:
            if (pending_.size() < http::kHeadBytesMax) {
                stream_.receive(kReadBytes);  // to hear of a visitor who leaves
            }
            break;
        case State::moving:
            break;
    }
}

void ProxyVisitor::on_web_output_sent() {
    if (state_ == State::leaving) {
        clock_.start_at(leave_due_ms());
        if (stream_.output_ended() && input_over_) {
            gone();
        }
        return;
    }
    if (clock_kind_ == Clock::stalled) {
        clock_kind_ = Clock::none;  // it takes something
        clock_.stop();
    }
    if (state_ == State::moving) {
        ring_.post(move_);
    } else if (exchange_) {
        exchange_->take_more();
    } else if (state_ == State::reading && !pending_.empty()) {
        process_pending();
    }
    pull();
}

void ProxyVisitor::on_web_input_end(int error) {
    input_over_ = true;
    if (error != 0) {
        gone();
    } else if (state_ == State::waiting) {
        waits_until_ms_ = std::min(waits_until_ms_, ring_.now_ms() + kQuietMs);
        clock_kind_ = Clock::none;
        watch_clock();
    } else if (state_ == State::moving) {
        ring_.post(move_);  // it is told of the end again there
    } else if (state_ == State::busy && exchange_) {
        tell_end();
        watch_clock();
    } else if (state_ == State::leaving) {
        if (stream_.output_ended()) {
            gone();
        }
    } else if (!done_exchange_) {
        leave();
    }
}

// How long what is under way may take; started once for each.
void ProxyVisitor::watch_clock() {
    Clock wanted = Clock::none;
    std::int64_t due_ms = 0;
    const ProxyRules& rules = events_.proxy_rules();
    if (stream_.closing()) {
        clock_.stop();
        return;
    }
    switch (state_) {
        case State::reading:
            // Who does not take what was answered is not slow with a head.
            wanted = pending_.empty() || visitor_room() == 0 ? Clock::idle : Clock::head;
            due_ms = ring_.now_ms() + (wanted == Clock::idle ? rules.idle_ms : rules.head_ms);
            break;
        case State::waiting:
            wanted = Clock::wait;
            due_ms = waits_until_ms_;
            break;
        case State::leaving:
            wanted = Clock::leave;
            due_ms = leave_due_ms();
            break;
        case State::busy:
            if (visitor_room() == 0) {
                wanted = Clock::stalled;
                due_ms = ring_.now_ms() + kStalledMs;
            } else if (input_over_ && exchange_ && !exchange_->is_raw()) {
                wanted = Clock::quiet;
                due_ms = ring_.now_ms() + kQuietMs;
            }
            break;
        case State::moving:
            wanted = Clock::leave;
            due_ms = ring_.now_ms() + kStuckMs;
            break;
    }
    if (wanted == clock_kind_) {
        return;
    }
    clock_kind_ = wanted;
    if (wanted == Clock::none) {
        clock_.stop();
    } else {
        clock_.start_at(due_ms);
    }
}

void ProxyVisitor::clock_over() {
    switch (std::exchange(clock_kind_, Clock::none)) {
        case Clock::head:
            asked_ = {};
            answer_fault({408, "the head of the request did not come in time"});
            pull();
            break;
        case Clock::idle:
            leave();
            pull();
            break;
        case Clock::wait:
            look_again();
            break;
        case Clock::quiet:
        case Clock::stalled:
        case Clock::leave:
        case Clock::none:
            gone();
            break;
    }
}

// Nothing more is answered.
void ProxyVisitor::leave() {
    state_ = State::leaving;
    stream_.end_output();
    if (stream_.output_ended() && input_over_) {
        gone();
    }
}

std::int64_t ProxyVisitor::leave_due_ms() {
    if (!stream_.output_ended()) {
        return ring_.now_ms() + kStuckMs;
    }
    if (leaves_until_ms_ == 0) {
        leaves_until_ms_ = ring_.now_ms() + kLeaveMs;
    }
    return std::min(leaves_until_ms_, ring_.now_ms() + (draining_ ? kDrainQuietMs : kLeaveQuietMs));
}

void ProxyVisitor::gone() {
    if (state_ == State::waiting) {
        wait_no_more();
    }
    state_ = State::leaving;
    clock_kind_ = Clock::none;
    clock_.stop();
    exchange_.reset();
    stream_.close(!stream_.input_ended());
}

void ProxyVisitor::drain() {
    draining_ = true;
    if (state_ == State::reading && pending_.empty()) {
        leave();
        pull();
    } else if (state_ == State::waiting) {
        waits_until_ms_ = ring_.now_ms();
        look_again();
    } else if (state_ == State::leaving && stream_.output_ended()) {
        clock_.start_at(leave_due_ms());
    }
}

void ProxyVisitor::cut() {
    if (!stream_.closing()) {
        gone();
    }
}

}  // namespace portreeve::daemon
