// The two options of a key that name addresses: permitlisten, what -R may ask for, and permitopen,
// what -L and -W may reach. Each holds one; a line may carry many of each, and one match suffices.
//
// Owns: values only. Called by: key_options to read them, daemon/ to ask them. Bounds: a host is at
// most kPatternBytesMax; KeyOptions bounds their number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace portreeve::ssh {

// One permitlisten: "[HOST:]PORT". HOST is a glob; PORT is a number, `*`, or, beyond what sshd
// knows, a range (20000-20999) or 0, which is a port of the server's choice.
struct ListenPattern {
    std::string host;          // lower-case glob on the address as the client wrote it
    bool any_address = false;  // a bare port, without host: any address, but no name
    std::uint32_t port_first = 0;
    std::uint32_t port_last = 0;
    bool any_port = false;

    // The error says what is wrong with `text`, and how it is written.
    static tl::expected<ListenPattern, std::string> parse(std::string_view text);

    // `address` is what the client asked for, as it wrote it; `is_name`: it is a name, not an
    // address. A host that is written out, if only as `*`, may match either.
    [[nodiscard]] bool matches(std::string_view address, std::uint32_t port, bool is_name) const;
    // Whether it has a host that is no glob: that very one is meant.
    [[nodiscard]] bool is_written_out() const;
    // Whether the port is in the number or range that was written, which `*` is not.
    [[nodiscard]] bool names_port(std::uint32_t port) const;
    bool operator==(const ListenPattern&) const = default;
};

// One permitopen: "HOST:PORT". HOST is a name or an address as the client must write it, or `*`,
// which is any; as in sshd there are no other globs. PORT is a number or `*`.
struct OpenPattern {
    std::string host;  // lower-case
    std::uint16_t port = 0;
    bool any_port = false;

    static tl::expected<OpenPattern, std::string> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view asked_host, std::uint32_t asked_port) const;
    bool operator==(const OpenPattern&) const = default;
};

}  // namespace portreeve::ssh
