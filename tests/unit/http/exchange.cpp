#include "tests/unit/http/exchange.h"

#include <gtest/gtest.h>

#include "daemon/http/framing.h"
#include "daemon/http/host.h"

namespace portreeve::http::test {
namespace {

std::string text_of(const Framing& framing) {
    const std::string doubt = framing.is_doubtful ? " doubtful" : "";
    switch (framing.kind) {
        case Framing::Kind::none:
            return "none" + doubt;
        case Framing::Kind::length:
            return "length " + std::to_string(framing.length_bytes) + doubt;
        case Framing::Kind::chunked:
            return "chunked" + doubt;
        case Framing::Kind::until_close:
            return "until close" + doubt;
    }
    return "?";
}

std::string text_of(Version version) {
    return version == Version::v1_0 ? "1.0" : "1.1";
}

// What holds of every head that was taken.
template <class Head>
void check_fields(const Head& head) {
    EXPECT_LE(head.size_bytes, kHeadBytesMax);
    EXPECT_LE(head.fields.all().size(), kFieldsMax);
    for (const Field& field : head.fields.all()) {
        EXPECT_FALSE(field.name.empty());
        EXPECT_EQ(field.value.find_first_of(std::string_view("\r\n\0", 3)), std::string_view::npos);
    }
}

}  // namespace

void Exchange::feed(std::string_view bytes) {
    waiting_ += bytes;
    while (!is_over_) {
        const std::size_t used = step();
        waiting_.erase(0, used);
        if (used == 0 || waiting_.empty()) {
            break;
        }
    }
}

std::vector<std::string> Exchange::finish() {
    if (is_over_) {
        return seen_;
    }
    if (in_body_ && body_.ends_at_close()) {
        end_body();
    }
    if (is_raw_) {
        seen_.push_back("raw " + content_);
    }
    seen_.emplace_back(in_body_ || !waiting_.empty() ? "more" : "end");
    return seen_;
}

std::size_t Exchange::step() {
    if (is_raw_) {
        content_ += waiting_;
        return waiting_.size();
    }
    return in_body_ ? step_body() : step_head();
}

std::size_t Exchange::step_head() {
    const auto used = is_response_ ? read_response() : read_request();
    if (!used) {
        refuse(used.error());
        return 0;
    }
    return *used;
}

tl::expected<std::size_t, Fault> Exchange::read_request() {
    const auto whole = parse_request_head(waiting_, progress_, request_);
    if (!whole || !*whole) {
        return whole.map([](bool) { return std::size_t{0}; });
    }
    check_fields(request_);
    const auto host = host_of(request_);
    if (!host) {
        return tl::unexpected(host.error());
    }
    const auto framing = framing_of(request_);
    if (!framing) {
        return tl::unexpected(framing.error());
    }
    const std::string port = host->port() == 0 ? "" : ":" + std::to_string(host->port());
    begin_body(*framing, std::string(request_.method) + " " + std::string(request_.uri) + " " +
                             text_of(request_.version) + " " + std::string(host->name()) + port);
    return request_.size_bytes;
}

tl::expected<std::size_t, Fault> Exchange::read_response() {
    const auto whole = parse_response_head(waiting_, progress_, response_);
    if (!whole || !*whole) {
        return whole.map([](bool) { return std::size_t{0}; });
    }
    check_fields(response_);
    const auto framing = framing_of(response_, methods_[std::min(responses_, methods_.size() - 1)]);
    if (!framing) {
        return tl::unexpected(framing.error());
    }
    responses_ += response_.is_interim() ? 0U : 1U;
    begin_body(*framing, std::to_string(response_.status) + " " + text_of(response_.version));
    is_raw_ = response_.status == 101;
    return response_.size_bytes;
}

void Exchange::begin_body(const Framing& framing, const std::string& line) {
    seen_.push_back(line + " " + text_of(framing));
    body_ = BodyScanner(framing);
    in_body_ = !body_.is_done();
}

std::size_t Exchange::step_body() {
    const auto piece = body_.next(waiting_);
    if (!piece) {
        refuse(piece.error());
        return 0;
    }
    if (piece->is_content) {
        content_.append(waiting_, 0, piece->size_bytes);
    }
    if (body_.is_done()) {
        end_body();
    }
    return piece->size_bytes;
}

void Exchange::end_body() {
    if (!content_.empty()) {
        seen_.push_back("body " + content_);
    }
    content_.clear();
    in_body_ = false;
}

void Exchange::refuse(const Fault& fault) {
    EXPECT_FALSE(fault.why.empty());
    seen_.push_back(std::to_string(is_response_ ? 502 : fault.status));
    EXPECT_TRUE(!is_response_ || in_body_ || fault.status == 502);
    is_over_ = true;
}

}  // namespace portreeve::http::test
