#include "conf/keys.h"

#include "conf/command.h"
#include "conf/reader.h"

namespace portreeve::conf {

namespace {

constexpr std::uint32_t kWorkersMax = 1024;
constexpr std::uint32_t kLimitMax = 1'000'000;

void read_server(const Section& table, Server& server) {
    table["workers"].integer(server.workers, 0, kWorkersMax);
    table["state_dir"].one(server.state_dir, kPath);
    table["runtime_dir"].one(server.runtime_dir, kPath);
    table["drain"].duration(server.drain, "0s", "24h");
}

void read_ssh(const Section& table, Ssh& ssh) {
    table["listen"].list(ssh.listen, kEndpoint, AtLeast{1});
    table["host_keys"].list(ssh.host_keys, kPath, AtLeast{0});
    table["keepalive"].duration(ssh.keepalive, "0s", "24h");
    table["login_grace"].duration(ssh.login_grace, "1ms", "24h");
    table["banner"].one(ssh.banner, kText);
    table["ciphers"].list(ssh.ciphers, kAlgorithm, AtLeast{0});
    table["kex"].list(ssh.kex, kAlgorithm, AtLeast{0});
    table["macs"].list(ssh.macs, kAlgorithm, AtLeast{0});
    table["host_key_algorithms"].list(ssh.host_key_algorithms, kAlgorithm, AtLeast{0});
}

void read_auth(const Section& table, Auth& auth) {
    table["authorized_keys"].list(auth.authorized_keys, kPath, AtLeast{1});
    table["command"].one(auth.command, kCommand);
    table["command_user"].one(auth.command_user, kUserName);
    table["command_timeout"].duration(auth.command_timeout, "1ms", "24h");
    table["trusted_user_ca"].list(auth.trusted_user_ca, kPath, AtLeast{0});
    table["revoked_keys"].one(auth.revoked_keys, kPathOrNone);
    table["removed_keys"].one(auth.removed_keys, kRemovedKeys);
    table["passwords"].one(auth.passwords, kPathOrNone);
}

void read_forward(const Section& table, Forward& forward) {
    table["bind"].one(forward.bind, kBind);
    table["ports"].list(forward.ports, kPortRange, AtLeast{0});
    table["pool"].one(forward.pool, kPortRange);
    table["lease"].duration(forward.lease, "0s", "8760h");
    table["hold"].duration(forward.hold, "0s", "24h");
    table["aliases"].boolean(forward.aliases);
    table["sockets"].boolean(forward.sockets);
    table["sockets_mode"].one(forward.sockets_mode, kMode);
    table["sockets_group"].one(forward.sockets_group, kGroupNameOrNone);
}

void read_http(const Section& table, Http& http) {
    table["domain"].one(http.domain, kDomain);
    table["reserved"].list(http.reserved, kLabel, AtLeast{0});
    table["listen"].list(http.listen, kEndpoint, AtLeast{0});
    table["hold"].duration(http.hold, "0s", "1h");
    table["head_timeout"].duration(http.head_timeout, "1ms", "24h");
    table["idle_timeout"].duration(http.idle_timeout, "1ms", "24h");
    table["trusted"].list(http.trusted, kNetwork, AtLeast{0});
    table["proxy_protocol"].list(http.proxy_protocol, kNetwork, AtLeast{0});
    table["allow"].list(http.allow, kNetwork, AtLeast{0});
    table["deny"].list(http.deny, kNetwork, AtLeast{0});
    table["redirect"].boolean(http.redirect);
    table["acme_webroot"].one(http.acme_webroot, kPathOrNone);
    table["pages"].one(http.pages, kPathOrNone);
    table["resolver"].one(http.resolver, kResolver);
}

void read_https(const Section& table, Https& https) {
    table["listen"].list(https.listen, kEndpoint, AtLeast{0});
    table["certificates"].one(https.certificates, kPath);
    table["ssh"].boolean(https.ssh);
}

void read_limits(const Section& table, Limits& limits) {
    table["sessions"].integer(limits.sessions, 1, kLimitMax);
    table["sessions_per_key"].integer(limits.sessions_per_key, 1, kLimitMax);
    table["sessions_per_ip"].integer(limits.sessions_per_ip, 1, kLimitMax);
    table["startups"].integer(limits.startups, 1, kLimitMax);
    table["startups_per_ip"].integer(limits.startups_per_ip, 1, kLimitMax);
    table["tunnels_per_session"].integer(limits.tunnels_per_session, 1, kLimitMax);
    table["visitors_per_tunnel"].integer(limits.visitors_per_tunnel, 1, kLimitMax);
    table["visitors_waiting"].integer(limits.visitors_waiting, 1, kLimitMax);
    table["leases_per_key"].integer(limits.leases_per_key, 1, kLimitMax);
    table["http_visitors"].integer(limits.http_visitors, 1, kLimitMax);
    table["http_visitors_per_ip"].integer(limits.http_visitors_per_ip, 1, kLimitMax);
}

void read_penalties(const Section& table, Penalties& penalties) {
    table["auth_failed"].duration(penalties.auth_failed, "0s", "24h");
    table["no_auth"].duration(penalties.no_auth, "0s", "24h");
    table["grace_exceeded"].duration(penalties.grace_exceeded, "0s", "24h");
    const Value min = table["min"];
    const Value max = table["max"];
    min.duration(penalties.min, "0s", "24h");
    max.duration(penalties.max, "0s", "24h");
    if (penalties.max.count() > 0 && penalties.max <= penalties.min) {
        if (max.given()) {
            max.refuse(
                " must be longer than penalties.min, or nobody is ever refused; \"0s\" turns "
                "penalties off");
        } else {
            min.refuse(" must be shorter than penalties.max, or nobody is ever refused");
        }
    }
    table["sources"].integer(penalties.sources, 1, kLimitMax);
    table["exempt"].list(penalties.exempt, kNetwork, AtLeast{0});
}

void read_groups(const Section& table, Groups& groups) {
    for (const std::string_view name : table.keys()) {
        const Value members = table[name];
        if (!is_group_name(name)) {
            members.refuse(
                " is no name for a group: write letters, digits, \"-\" and \"_\", and not \"any\"");
            continue;
        }
        members.list(groups[std::string(name)], kGroupMember, AtLeast{0});
    }
}

// `groups` are read already.
void read_metrics(const Section& table, const Groups& groups, Metrics& metrics) {
    table["listen"].one_or_none(metrics.listen, kEndpoint);
    const Value alias = table["alias"];
    const Value users = table["alias_users"];
    alias.one(metrics.alias, kNameOrNone);
    users.list(metrics.alias_users, kAudienceMember, AtLeast{0});
    if (!metrics.alias.empty() && metrics.alias_users.empty()) {
        alias.refuse(" needs metrics.alias_users, or nobody could reach it");
    }
    for (const std::string& member : metrics.alias_users) {
        if (is_group_name(member) && !groups.contains(member)) {
            users.refuse(" names the group " + in_quotes(member) + ", which [groups] has not");
        }
    }
}

void read_events(const Section& table, Events& events) {
    table["command"].one(events.command, kPlainCommand);
    table["command_user"].one(events.command_user, kUserName);
    table["command_timeout"].duration(events.command_timeout, "1ms", "24h");
    table["on"].list(events.on, kEventKind, AtLeast{1});
}

void read_log(const Section& table, Log& log) {
    table["level"].one(log.level, kLogLevel);
    table["format"].one(log.format, kLogFormat);
}

void read_log_levels(const Section& table, LogLevels& levels) {
    table["server"].one(levels.server, kLogLevelOrNone);
    table["session"].one(levels.session, kLogLevelOrNone);
    table["tunnel"].one(levels.tunnel, kLogLevelOrNone);
    table["visitor"].one(levels.visitor, kLogLevelOrNone);
    table["reach"].one(levels.reach, kLogLevelOrNone);
}

}  // namespace

void read_keys(Reader& reader, Config& config) {
    read_server(reader.section("server"), config.server);
    read_ssh(reader.section("ssh"), config.ssh);
    read_auth(reader.section("auth"), config.auth);
    read_forward(reader.section("forward"), config.forward);
    read_http(reader.section("http"), config.http);
    read_https(reader.section("https"), config.https);
    read_limits(reader.section("limits"), config.limits);
    read_penalties(reader.section("penalties"), config.penalties);
    read_groups(reader.section("groups"), config.groups);
    read_events(reader.section("events"), config.events);
    read_metrics(reader.section("metrics"), config.groups, config.metrics);
    read_log(reader.section("log"), config.log);
    read_log_levels(reader.section("log.levels"), config.log.levels);
}

}  // namespace portreeve::conf
