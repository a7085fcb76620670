// Everything that the daemon logs: the name of each event, the part of the daemon it is about, and
// its MESSAGE_ID in the journal (journalctl MESSAGE_ID=…). Names and ids stay the same for ever.
//
// All of them are here, and docs/LOG.md explains each; tests/tidy compares the two. An event that
// is not in the list does not compile. The id of a new one comes from `systemd-id128 new`.
//
// Called by: daemon/, wherever something is logged. Bounds: none needed.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace portreeve::daemon {

// What may have a level of its own, in [log.levels]; conf::LogLevels has the same, in this order.
enum class Subsystem { server, session, tunnel, visitor, reach };
inline constexpr std::size_t kSubsystems = 5;

struct EventEntry {
    std::string_view name;
    Subsystem subsystem;
    std::string_view message_id;
};

inline constexpr auto kEvents = std::to_array<EventEntry>({
    {"accept_paused", Subsystem::server, "4c1c6eb9dc214b649e038b7d4e932430"},
    {"certificate_not_served", Subsystem::server, "33007fa2297375520c77e2ece9cea702"},
    {"certificate_doubtful", Subsystem::server, "0fdc4709367cfe88a40529e5ac3d71ff"},
    {"certificates_not_watched", Subsystem::server, "0aa41be8b60ef1841e8fbeda30c9c5a8"},
    {"certificates_reload_failed", Subsystem::server, "c457ffee5cb7d93dc948ef2f2818987c"},
    {"certificates_reloaded", Subsystem::server, "ea7c6266335aed73d9c17e9d5eab8e8e"},
    {"event_command_failed", Subsystem::server, "12bc7413154345bbae8a88bb9f2d8305"},
    {"event_command_output", Subsystem::server, "4de0a80a5037476d9b3af42c4ef680c4"},
    {"events_lost", Subsystem::server, "41c4a92aa17c4ca082b350a9b008a234"},
    {"follower_cut", Subsystem::server, "87a5c4ccccb443fca9c76cd64960f3be"},
    {"held_back", Subsystem::server, "b4c85ac5c0f745999ac52c2e86f9bc8c"},
    {"key_refused", Subsystem::server, "e2c453399d074dd6bba000b0fafe8995"},
    {"keys_doubtful", Subsystem::server, "e0d3419011764c2999452e16921b15fc"},
    {"keys_not_watched", Subsystem::server, "4154ace2e2994193aa5493b2ede3c792"},
    {"keys_reload_failed", Subsystem::server, "31c37fafe6dc497b9fb5c21f079d7aac"},
    {"keys_reloaded", Subsystem::server, "f124c6a57e904f26a71bc2f3f93e9984"},
    {"keys_unchanged", Subsystem::server, "f81aced48b3649ac9f38adc7f69dd820"},
    {"listening", Subsystem::server, "de6d641da8b34d51bc658a574852c69d"},
    {"listening_ended", Subsystem::server, "b6cd56f2826f4cac99dd78203b779e27"},
    {"log_lost", Subsystem::server, "49bdeae09dd74cbb9b8d78e71183d64a"},
    {"no_keys", Subsystem::server, "c4ade778f82840dab6aef5a6fb3cbed9"},
    {"reload_failed", Subsystem::server, "d97e72b29ca94063a64412eed8d5948d"},
    {"reloaded", Subsystem::server, "cd631c6b45dc4c389b8e04e02e93d7ba"},
    {"control_not_served", Subsystem::server, "fd4dc1e377e94a71a82ff5bded5c3dab"},
    {"directory_not_written", Subsystem::server, "fb8ccd71a4244bc8bc6f823ab33ccd35"},
    {"socket_not_served", Subsystem::server, "5b0f8a3c1d1e4d4f9b7c0e2a6d8f3171"},
    {"restart_needed", Subsystem::server, "f977d46f818048c682b42bcc2b933aca"},
    {"ring_failed", Subsystem::server, "6a723a1682404b8384cc962cd4dc1a5c"},
    {"socket_not_used", Subsystem::server, "760c6d6965744e2e97b674888a71a255"},
    {"start_failed", Subsystem::server, "1edde9e125b94ed9a4c44a03d861e97e"},
    {"stop_forced", Subsystem::server, "712ba5aa5c0e4edbad9c2cee96719cef"},
    {"stopped", Subsystem::server, "9d8158192d7a42a888c75f12b5a71100"},
    {"stopping", Subsystem::server, "8a574b76ffbd489aafe6f0f6af318bb6"},
    {"worker_failed", Subsystem::server, "cd2204ddb3f84d16bdc18255e7d3dd39"},
    {"worker_silent", Subsystem::server, "2ac903fc636642e29c2b2d87e71f55e0"},
    {"worker_stopped", Subsystem::server, "8f108f303ae74285b8e050757cb74f79"},
    {"leases_damaged", Subsystem::server, "0e863b4d4e0a42e9b5f170583bece303"},
    {"leases_not_saved", Subsystem::server, "ce84659f00b043469be2428d33238e68"},
    {"leases_saved_again", Subsystem::server, "658cc3d0d504452f9f0beb369009ec9f"},
    {"login", Subsystem::session, "99b50fcb825043589ddeffe289cdc561"},
    {"login_refused", Subsystem::session, "43f0887f360942daac03a8d787c28655"},
    {"refused", Subsystem::session, "e8d28d459ccd48d1af0f00136734d2f2"},
    {"session_closed", Subsystem::session, "c29139dbb5be43388a47aa51313e55e3"},
    {"session_open", Subsystem::session, "43fd6e57dd264c188faa37d1e030982b"},
    {"tunnel_closed", Subsystem::tunnel, "7ea80b25043442bca5183a6a9f8382c3"},
    {"lease_ended", Subsystem::tunnel, "4141223cac6f4a458c6dd5c8a27459f5"},
    {"tunnel_held", Subsystem::tunnel, "64f7918fec044e65b0d424d69dc5e04f"},
    {"tunnel_taken", Subsystem::tunnel, "a36a175752264e58967023225b1a78b0"},
    {"tunnel_open", Subsystem::tunnel, "ef9d072758f644978abd9b38a2000aef"},
    {"request", Subsystem::visitor, "e197ef3a18a98a2fc6bb5b9de85c5252"},
    {"visitor_closed", Subsystem::visitor, "c79aef2060a34bcb877768df4dda2a0a"},
    {"visitor_open", Subsystem::visitor, "e19f060635e14cd599eb9b7ad9766cf3"},
    {"visitor_refused", Subsystem::visitor, "d01a162a3c994989bf44a57e537623cb"},
    {"reach_closed", Subsystem::reach, "fdfce5ab3e4f418291191827228fd308"},
    {"reach_open", Subsystem::reach, "f7f91abe1ac247b6968c65496c7487b2"},
});

// The journal takes ids of 32 hexadecimal digits in lower case; two events with one id would be one
// to whoever asks for it.
constexpr bool all_differ_and_are_well_formed() {
    for (const EventEntry& entry : kEvents) {
        const auto same = [&entry](const EventEntry& other) {
            return other.name == entry.name || other.message_id == entry.message_id;
        };
        if (std::count_if(kEvents.begin(), kEvents.end(), same) != 1 ||
            entry.message_id.size() != 32 ||
            entry.message_id.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
            return false;
        }
    }
    return true;
}
static_assert(all_differ_and_are_well_formed());

constexpr std::string_view name_of(Subsystem subsystem) {
    constexpr std::array<std::string_view, kSubsystems> kNames = {"server", "session", "tunnel",
                                                                  "visitor", "reach"};
    return kNames[static_cast<std::size_t>(subsystem)];
}

class Event {
  public:
    // Implicit, so that an event is written as what it is: log.info("listening", …).
    consteval Event(const char* name)  // NOLINT(google-explicit-constructor)
        : entry_(std::find_if(kEvents.begin(), kEvents.end(),
                              [name](const EventEntry& entry) { return entry.name == name; })) {
        if (entry_ == kEvents.end()) {
            throw "this event is not in kEvents";
        }
    }
    [[nodiscard]] constexpr std::string_view name() const { return entry_->name; }
    [[nodiscard]] constexpr Subsystem subsystem() const { return entry_->subsystem; }
    [[nodiscard]] constexpr std::string_view message_id() const { return entry_->message_id; }

  private:
    const EventEntry* entry_;
};

}  // namespace portreeve::daemon
