// The fields of a head, as views of the bytes that were received, and which of them this proxy has
// to know: every other one is passed on as it is.
//
// Owns: nothing but its table. Called by: head to fill it, the rest of http/ to ask it. Bounds:
// kFieldsMax.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace portreeve::http {

inline constexpr std::size_t kFieldsMax = 100;

enum class FieldId : std::uint8_t {
    other,
    authorization,
    connection,
    content_length,
    expect,
    forwarded,
    host,
    http2_settings,
    keep_alive,
    proxy,  // no field at all: CGI programs would take it for the environment's HTTP_PROXY
    proxy_authorization,
    proxy_connection,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    x_forwarded,  // X-Forwarded-ANYTHING but what follows
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_port,
    x_forwarded_proto,
    x_real_ip,
    disguised,  // one of these, but with "_" for "-": to CGI programs that is the same name
    count,      // no field: how many kinds there are
};

// Which of them a name is, whatever its case.
[[nodiscard]] FieldId identify(std::string_view name);

struct Field {
    std::string_view name;
    std::string_view value;  // without the blanks around it
    FieldId id = FieldId::other;
};

class Fields {
  public:
    void clear();
    // False: there are kFieldsMax already.
    [[nodiscard]] bool add(std::string_view name, std::string_view value);

    [[nodiscard]] std::span<const Field> all() const { return std::span(fields_).first(size_); }
    [[nodiscard]] std::size_t count(FieldId id) const { return counts_[index(id)]; }
    [[nodiscard]] bool has(FieldId id) const { return count(id) != 0; }
    // The value of the first one; nothing, if there is none.
    [[nodiscard]] std::string_view first(FieldId id) const;

  private:
    static constexpr std::size_t kKinds = static_cast<std::size_t>(FieldId::count);
    static std::size_t index(FieldId id) { return static_cast<std::size_t>(id); }

    std::array<Field, kFieldsMax> fields_;
    std::array<std::uint8_t, kKinds> counts_{};
    std::array<std::uint8_t, kKinds> firsts_{};
    std::size_t size_ = 0;
};

}  // namespace portreeve::http
