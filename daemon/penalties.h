// Who has to stay away for a while: sources whose connections end without a login.
//
// Each offence adds its penalty to what the source has left of earlier ones, up to a maximum; time
// takes it off again. Once the sum exceeds a minimum the source is refused until all of it is over,
// so that a mistyped key costs nobody anything. Connections already open are never touched.
//
// Owns: the penalties. Called by: Admission, under its lock; the clock is the caller's. Bounds:
// [penalties] sources entries of each family, of some 200 bytes; a further source takes the place
// of the one whose penalty ends first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "conf/config.h"
#include "daemon/source.h"

namespace portreeve::daemon {

enum class Offence { auth_failed, no_auth, grace_exceeded };

// The key in [penalties].
[[nodiscard]] std::string_view name_of(Offence offence);

class Penalties {
  public:
    struct Standing {
        std::int64_t left_ms;
        Offence last;
    };

    void set_rules(const conf::Penalties& rules);
    [[nodiscard]] bool exempts(const conf::AddressBytes& address) const;

    void blame(const Source& source, Offence offence, std::int64_t now_ms);
    // nullopt: the source may come in.
    [[nodiscard]] std::optional<Standing> refuses(const Source& source, std::int64_t now_ms) const;
    // How many sources of the family are kept in mind.
    [[nodiscard]] std::size_t size(bool v4) const { return table(v4).by_source.size(); }

  private:
    struct Penalty {
        std::int64_t ends_ms = 0;
        Offence last = Offence::no_auth;
        bool active = false;  // the minimum was exceeded
    };
    // Each family its own, so that who has many IPv6 networks cannot push out IPv4 addresses.
    struct Table {
        std::map<Source, Penalty> by_source;
        std::set<std::pair<std::int64_t, Source>> by_end;

        void erase_first();
    };
    [[nodiscard]] const Table& table(bool v4) const { return v4 ? v4_ : v6_; }
    [[nodiscard]] std::int64_t length_ms(Offence offence) const;
    void make_room(Table& table, std::size_t sources_max);

    conf::Penalties rules_;
    Table v4_;
    Table v6_;
};

}  // namespace portreeve::daemon
