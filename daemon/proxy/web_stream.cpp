#include "daemon/proxy/web_stream.h"

#include <cstddef>
#include <utility>

namespace portreeve::daemon {
namespace {

constexpr std::size_t kRecordBytes = std::size_t{16} * 1024;

}  // namespace

WebStream::WebStream(uring::Ring& ring, uring::Stream::Pools pools, uring::Fd socket,
                     std::unique_ptr<WebTls> tls, Events& events)
    : events_(events), stream_(ring, pools, std::move(socket), *this), tls_(std::move(tls)) {
    if (tls_) {
        tls_->set_stream(&stream_);
    }
}

void WebStream::on_input(std::span<const std::byte> bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (tls_) {
        decrypt(text);
    } else {
        events_.on_web_input(text);
    }
}

void WebStream::decrypt(std::string_view cipher) {
    tls::Session& session = tls_->session();
    const std::span<char> plain = events_.plain_scratch();
    bool said = false;
    for (std::size_t size = 0; !stream_.closing() && (size = session.read(cipher, plain)) > 0;) {
        said = true;
        events_.on_web_input({plain.data(), size});
    }
    if (stream_.closing()) {
        return;
    }
    // What is wrong is in the output already: it goes out as after an orderly end.
    if (session.got_close_notify() || !session.error().empty()) {
        end_input(0);
    } else if (!said) {
        events_.on_web_input_wanted();
    }
}

void WebStream::on_input_end(int error) {
    end_input(error);
}

void WebStream::end_input(int error) {
    if (!std::exchange(input_ended_, true)) {
        events_.on_web_input_end(error);
    }
}

void WebStream::append(std::span<const std::byte> bytes) {
    if (!tls_) {
        stream_.append(bytes);
        return;
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (unsealed_.size() + text.size() <= kRecordBytes) {
        unsealed_.append(text);
        stream_.ring().post(seal_);
        return;
    }
    seal();
    static_cast<void>(tls_->session().write(text));
}

void WebStream::seal() {
    if (tls_ && !unsealed_.empty() && !stream_.closing()) {
        static_cast<void>(tls_->session().write(unsealed_));
    }
    unsealed_ = {};
}

void WebStream::end_output() {
    if (tls_) {
        seal();
        tls_->session().close_notify();
    }
    stream_.end_output();
}

uring::Fd WebStream::give_back(std::unique_ptr<WebTls>& tls) {
    if (tls_) {
        tls_->set_stream(nullptr);
        tls = std::move(tls_);
    }
    return stream_.give_back();
}

}  // namespace portreeve::daemon
