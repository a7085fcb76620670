#include "daemon/http/field.h"

#include <algorithm>

#include "daemon/http/text.h"

namespace portreeve::http {
namespace {

struct Known {
    std::string_view name;
    FieldId id;
};

// By length, so that most names are told apart by a glance.
constexpr std::array kKnown{
    Known{"te", FieldId::te},
    Known{"host", FieldId::host},
    Known{"proxy", FieldId::proxy},
    Known{"expect", FieldId::expect},
    Known{"trailer", FieldId::trailer},
    Known{"upgrade", FieldId::upgrade},
    Known{"forwarded", FieldId::forwarded},
    Known{"x-real-ip", FieldId::x_real_ip},
    Known{"connection", FieldId::connection},
    Known{"keep-alive", FieldId::keep_alive},
    Known{"authorization", FieldId::authorization},
    Known{"content-length", FieldId::content_length},
    Known{"http2-settings", FieldId::http2_settings},
    Known{"x-forwarded-for", FieldId::x_forwarded_for},
    Known{"proxy-connection", FieldId::proxy_connection},
    Known{"x-forwarded-host", FieldId::x_forwarded_host},
    Known{"x-forwarded-port", FieldId::x_forwarded_port},
    Known{"transfer-encoding", FieldId::transfer_encoding},
    Known{"x-forwarded-proto", FieldId::x_forwarded_proto},
    Known{"proxy-authorization", FieldId::proxy_authorization},
};
constexpr std::string_view kForwardedPrefix = "x-forwarded-";
constexpr std::size_t kLongest = kKnown.back().name.size();

// Where the names of each length begin in kKnown; the last one is its end.
constexpr std::array<std::uint8_t, kLongest + 2> kBegins = [] {
    std::array<std::uint8_t, kLongest + 2> begins{};
    for (std::size_t length = 0; length < begins.size(); ++length) {
        while (begins[length] < kKnown.size() && kKnown[begins[length]].name.size() < length) {
            ++begins[length];
        }
    }
    return begins;
}();

// As CGI programs see names: without case, and "_" is "-".
constexpr std::array<char, 256> kFolded = [] {
    std::array<char, 256> folded{};
    for (std::size_t c = 0; c < folded.size(); ++c) {
        folded[c] = c == '_' ? '-' : lower(static_cast<char>(c));
    }
    return folded;
}();

bool folds_to(std::string_view name, std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char written, char small) {
                          return kFolded[static_cast<unsigned char>(written)] == small;
                      });
}

FieldId undisguised(std::string_view name, FieldId id) {
    return name.find('_') == std::string_view::npos ? id : FieldId::disguised;
}

}  // namespace

FieldId identify(std::string_view name) {
    if (name.size() <= kLongest) {
        for (std::size_t at = kBegins[name.size()]; at < kBegins[name.size() + 1]; ++at) {
            if (folds_to(name, kKnown[at].name)) {
                return undisguised(name, kKnown[at].id);
            }
        }
    }
    const auto prefix = name.substr(0, kForwardedPrefix.size());
    return folds_to(prefix, kForwardedPrefix) ? undisguised(name, FieldId::x_forwarded)
                                              : FieldId::other;
}

void Fields::clear() {
    size_ = 0;
    counts_.fill(0);
}

bool Fields::add(std::string_view name, std::string_view value) {
    if (size_ == fields_.size()) {
        return false;
    }
    const FieldId id = identify(name);
    if (counts_[index(id)]++ == 0) {
        firsts_[index(id)] = static_cast<std::uint8_t>(size_);
    }
    fields_[size_++] = {name, value, id};
    return true;
}

std::string_view Fields::first(FieldId id) const {
    return has(id) ? fields_[firsts_[index(id)]].value : std::string_view();
}

}  // namespace portreeve::http
