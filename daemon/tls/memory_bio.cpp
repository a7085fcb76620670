#include "daemon/tls/memory_bio.h"

#include <algorithm>
#include <cstring>

namespace portreeve::tls {
namespace {

constexpr int kType = BIO_TYPE_SOURCE_SINK;  // a number of its own would never be given back

Wire& wire_of(BIO* bio) {
    return *static_cast<Wire*>(BIO_get_data(bio));
}

int read_some(BIO* bio, char* to, int size) noexcept {
    BIO_clear_retry_flags(bio);
    Wire& wire = wire_of(bio);
    const std::size_t count = std::min(static_cast<std::size_t>(size), wire.input.size());
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (!wire.hello.takes(wire.input.substr(0, count), SSL_version(wire.ssl) == TLS1_3_VERSION)) {
        return -1;
    }
    std::memcpy(to, wire.input.data(), count);
    wire.input.remove_prefix(count);
    return static_cast<int>(count);
}

int write_all(BIO* bio, const char* from, int size) noexcept {
    BIO_clear_retry_flags(bio);
    wire_of(bio).output.append({from, static_cast<std::size_t>(size)});
    return size;
}

long control(BIO* /*bio*/, int what, long /*number*/, void* /*more*/) noexcept {
    return what == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace

BioMethod memory_bio_method() {
    BioMethod method(BIO_meth_new(kType, "lent memory"));
    const bool made = method && BIO_meth_set_read(method.get(), read_some) == 1 &&
                      BIO_meth_set_write(method.get(), write_all) == 1 &&
                      BIO_meth_set_ctrl(method.get(), control) == 1;
    return made ? std::move(method) : nullptr;
}

Bio memory_bio(const BIO_METHOD* method, Wire& wire) {
    Bio bio(BIO_new(method));
    if (bio) {
        BIO_set_data(bio.get(), &wire);
        BIO_set_init(bio.get(), 1);
    }
    return bio;
}

}  // namespace portreeve::tls
