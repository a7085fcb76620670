#include "ssh/certificate.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "ssh/key_blob.h"
#include "ssh/patterns.h"
#include "ssh/signature.h"
#include "ssh/text.h"
#include "ssh/wire_reader.h"

namespace portreeve::ssh {
namespace {

using Error = std::optional<std::string>;  // the end of a sentence about the certificate

constexpr std::uint32_t kUser = 1;
constexpr std::uint32_t kHost = 2;
constexpr std::string_view kVersion = "-cert-v01@openssh.com";

// "ssh-ed25519-cert-v01@openssh.com" certifies "ssh-ed25519", but a security key's plain type has
// the domain as well. Empty: not a certificate that is known here.
std::string plain_type_of(std::string_view type) {
    if (!type.ends_with(kVersion)) {
        return {};
    }
    std::string plain(type.substr(0, type.size() - kVersion.size()));
    if (plain.starts_with("sk-")) {
        plain += "@openssh.com";
    }
    return is_plain_key_type(plain) ? plain : std::string();
}

// Notes a critical option, if its name is known.
Error note_critical(const std::string& name, WireReader& data, Certificate& made) {
    if (name == "verify-required") {
        made.verify_required = true;
    } else if (name == "force-command") {
        if (made.force_command) {
            return "has the option " + name + " twice";
        }
        made.force_command = data.text("text");
    } else if (name == "source-address") {
        if (!made.source_address.empty()) {
            return "has the option " + name + " twice";
        }
        made.source_address = data.name("text");
        const Error bad = why_bad_address_list(made.source_address, true);
        if (data.ok() && bad) {
            return "has a " + name + " where " + *bad;
        }
    } else {
        return "has the critical option \"" + shown(name) + "\", which is not known here";
    }
    return std::nullopt;
}

// Whether an extension of that name is known. What it allows that this server never does, such as
// permit-agent-forwarding, is known too, and allows nothing.
bool note_extension(const std::string& name, Certificate& made) {
    constexpr std::array kAllowNothing = {"permit-X11-forwarding", "permit-agent-forwarding",
                                          "permit-user-rc"};
    if (name == "permit-port-forwarding") {
        made.permit_port_forwarding = true;
    } else if (name == "permit-pty") {
        made.permit_pty = true;
    } else if (name == "no-touch-required") {
        made.no_touch_required = true;
    } else {
        return std::find(kAllowNothing.begin(), kAllowNothing.end(), name) != kAllowNothing.end();
    }
    return true;
}

// Options are pairs of a name and a string that holds the value. Their order does not matter, as it
// does not to sshd.
Error read_options(Bytes bytes, bool critical, Certificate& made) {
    WireReader in(bytes);
    while (in.more()) {
        const std::string name = in.name("option's name");
        WireReader data(in.string("option's value"));
        if (!in.ok()) {
            break;
        }
        if (critical) {
            if (Error error = note_critical(name, data, made)) {
                return error;
            }
        } else if (!note_extension(name, made)) {
            continue;
        }
        data.end("value");
        if (!data.ok()) {
            return "has the option " + name + ", which " + data.error();
        }
    }
    return in.ok() ? std::nullopt : Error("has options of which one " + in.error());
}

Error read_principals(Bytes bytes, Certificate& made) {
    WireReader in(bytes);
    while (in.more()) {
        if (made.principals.size() == Certificate::kPrincipalsMax) {
            return "names more than " + std::to_string(Certificate::kPrincipalsMax) + " principals";
        }
        made.principals.push_back(in.name("principal"));
        if (in.ok() && made.principals.back().empty()) {
            return std::string("names an empty principal");
        }
    }
    return in.ok() ? std::nullopt : Error("has a list of principals that " + in.error());
}

Error read_authority(Bytes blob, Certificate& made) {
    WireReader in(blob);
    const std::string type = in.name("type");
    if (in.ok() && is_certificate_type(type)) {
        return std::string("is signed by a certificate; only a plain key can be an authority");
    }
    auto key = parse_key_blob(blob);
    if (!key) {
        return "has an authority's key that " + key.error();
    }
    made.authority = std::move(*key);
    if (const Error weak = why_weak(made.authority)) {
        return "has an authority's key that " + *weak;
    }
    return std::nullopt;
}

Error read_certified_key(WireReader& in, Certificate& made) {
    const std::string type = in.name("type");
    const std::string plain_type = plain_type_of(type);
    if (in.ok() && plain_type.empty()) {
        return is_certificate_type(type) ? "is of type " + shown(type) + ", which is not known here"
                                         : "is not a certificate, but of type " + shown(type);
    }
    in.string("nonce");
    if (!in.ok()) {
        return in.error();
    }
    auto key = read_key_fields(plain_type, in);
    if (!key) {
        return in.ok() ? "certifies a key that " + key.error() : in.error();
    }
    made.key = std::move(*key);
    if (const Error weak = why_weak(made.key)) {
        return "certifies a key that " + *weak;
    }
    return std::nullopt;
}

// PROTOCOL.certkeys has the order of the fields.
Error read_all(Bytes blob, Certificate& made) {
    if (blob.size() > Certificate::kBlobBytesMax) {
        return "has " + std::to_string(blob.size()) + " bytes; " +
               std::to_string(Certificate::kBlobBytesMax) + " are the most that is taken";
    }
    WireReader in(blob);
    if (Error error = read_certified_key(in, made)) {
        return error;
    }
    made.serial = in.u64("serial number");
    const std::uint32_t kind = in.u32("kind");
    made.key_id = in.text("key id");
    const Bytes principals = in.string("list of principals");
    made.valid_after_s = in.u64("start of validity");
    made.valid_before_s = in.u64("end of validity");
    const Bytes critical = in.string("critical options");
    const Bytes extensions = in.string("extensions");
    in.string("reserved field");
    const Bytes authority = in.string("authority's key");
    const Bytes signed_data = blob.first(blob.size() - in.left().size());
    const Bytes signature = in.string("signature");
    in.end("signature");
    if (!in.ok()) {
        return in.error();
    }
    if (kind != kUser && kind != kHost) {
        return "is neither for a user nor for a host, but of kind " + std::to_string(kind);
    }
    made.is_user = kind == kUser;
    Error error = read_principals(principals, made);
    error = error ? error : read_options(critical, true, made);
    error = error ? error : read_options(extensions, false, made);
    error = error ? error : read_authority(authority, made);
    if (error) {
        return error;
    }
    const auto verified = verify_signature(made.authority, signature, signed_data);
    return verified ? std::nullopt : Error(verified.error());
}

// In UTC, as RFC 3339 writes it; as seconds where the year would not fit.
std::string written(std::uint64_t time_s) {
    constexpr std::uint64_t kLastYear9999 = 253'402'300'799;
    if (time_s > kLastYear9999) {
        return "second " + std::to_string(time_s);
    }
    const auto time = static_cast<std::time_t>(time_s);
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

bool is_certificate_type(std::string_view type) {
    return type.find("-cert-v") != std::string_view::npos;
}

tl::expected<Certificate, std::string> Certificate::parse(std::span<const std::byte> blob) {
    Certificate made;
    if (const Error error = read_all(blob, made)) {
        return tl::unexpected("the certificate " + *error);
    }
    return made;
}

tl::expected<Certificate, std::string> Certificate::parse_base64(std::string_view base64) {
    if (base64.size() > kBlobBytesMax / 3 * 4 + 4) {
        return tl::unexpected("the certificate has more than " + std::to_string(kBlobBytesMax) +
                              " bytes, which are the most that is taken");
    }
    const auto blob = from_base64(base64);
    if (!blob) {
        return tl::unexpected(std::string("the certificate is not base64"));
    }
    return parse(*blob);
}

std::string Certificate::name() const {
    return "certificate " + std::to_string(serial) + " of " + authority.fingerprint;
}

std::optional<Denial> Certificate::why_denied(std::span<const std::string> names,
                                              std::uint64_t now_s) const {
    const std::string subject = "the " + name();
    if (!is_user) {
        return Denial{"certificate_not_user", subject + " is for a host, not for a user"};
    }
    if (now_s < valid_after_s) {
        return Denial{"certificate_not_yet_valid",
                      subject + " is not valid before " + written(valid_after_s)};
    }
    if (now_s >= valid_before_s && valid_before_s != kForEver) {
        return Denial{"certificate_expired", subject + " expired at " + written(valid_before_s)};
    }
    if (principals.empty()) {
        return Denial{"certificate_no_principals",
                      subject + " names no principals; sign it with ssh-keygen -n NAME"};
    }
    const bool named = std::find_first_of(names.begin(), names.end(), principals.begin(),
                                          principals.end()) != names.end();
    if (!named) {
        return Denial{"certificate_wrong_principal",
                      subject + " does not name the principal that is wanted here"};
    }
    return std::nullopt;
}

}  // namespace portreeve::ssh
