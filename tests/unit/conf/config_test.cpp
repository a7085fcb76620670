// The Config as its users see it: how endpoints and errors print, what load() says of files, and
// that the defaults, the example file and the reference agree with the keys that are read.
#include "conf/config.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "conf/keys.h"
#include "conf/reader.h"

namespace portreeve::conf {

namespace {

using testing::ElementsAre;

TEST(ConfigError, NamesFileLineAndColumn) {
    EXPECT_EQ((ConfigError{"a.toml", 3, 7, "what is wrong"}.text()), "a.toml:3:7: what is wrong");
}

TEST(ConfigError, OfAWholeFileHasNoLine) {
    EXPECT_EQ((ConfigError{"a.toml", 0, 0, "cannot be read"}.text()), "a.toml: cannot be read");
}

TEST(Endpoint, PutsBracketsAroundIpv6Only) {
    EXPECT_EQ((Endpoint{"::", 2222}.text()), "[::]:2222");
    EXPECT_EQ((Endpoint{"127.0.0.1", 0}.text()), "127.0.0.1:0");
}

// ---- load ----

class Load : public testing::Test {
  public:
    Load() {
        std::string name = testing::TempDir() + "portreeve-load-XXXXXX";
        folder_ = mkdtemp(name.data());
        path_ = folder_ / "portreeve.toml";
    }
    ~Load() override { std::filesystem::remove_all(folder_); }

  protected:
    void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

    // The text of the only error that loading gives.
    std::string only_error() {
        const auto loaded = load(path_);
        if (loaded || loaded.error().size() != 1) {
            return "not exactly one error";
        }
        return loaded.error().front().text();
    }

    std::filesystem::path folder_;
    std::filesystem::path path_;
};

TEST_F(Load, ReadsAFile) {
    write("[server]\nworkers = 3\n");
    const auto loaded = load(path_);
    ASSERT_TRUE(loaded);
    Config expected;
    expected.server.workers = 3;
    EXPECT_EQ(*loaded, expected);
}

TEST_F(Load, ErrorsCarryThePath) {
    write("[server]\nworkers = -1\n");
    EXPECT_EQ(only_error(),
              path_.string() + ":2:11: server.workers must be from 0 to 1024, not -1");
}

TEST_F(Load, SaysWhyAFileCannotBeRead) {
    EXPECT_EQ(only_error(), path_.string() + ": cannot be read: No such file or directory");
    path_ = folder_;
    EXPECT_EQ(only_error(), path_.string() + ": cannot be read: Is a directory");
}

TEST_F(Load, TakesAFileOfTheGreatestSizeAndNoMore) {
    write("#" + std::string(kConfigBytesMax - 1, 'x'));
    EXPECT_TRUE(load(path_));
    write("#" + std::string(kConfigBytesMax, 'x'));
    EXPECT_EQ(only_error(), path_.string() +
                                ": is longer than 1048576 bytes, the most that a configuration "
                                "may be");
}

TEST_F(Load, LeavesNoDescriptorOpen) {
    write("");
    const int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(before);
    ASSERT_TRUE(load(path_));
    path_ = folder_;
    ASSERT_FALSE(load(path_));
    const int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(after);
    EXPECT_EQ(after, before);  // the lowest free number has not moved
}

// ---- the defaults, the example and the reference ----

std::set<std::string> keys_read() {
    const toml::table nothing;
    Reader reader(nothing, "");
    Config config;
    read_keys(reader, config);
    std::set<std::string> names;
    for (const auto& known : reader.known()) {
        names.insert(std::string(known.section) + "." + std::string(known.key));
    }
    return names;
}

TEST(DefaultToml, ParsesToTheDefaults) {
    const auto config = parse(default_toml(), "defaults");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(*config, Config{});
}

TEST(DefaultToml, GivesEveryKeyThatIsRead) {
    std::set<std::string> given;
    const toml::table root = toml::parse(default_toml());
    for (const auto& [section, keys] : root) {
        ASSERT_TRUE(keys.is_table()) << section.str();
        for (const auto& [key, value] : *keys.as_table()) {
            const std::string name = std::string(section.str()) + "." + std::string(key.str());
            if (const auto* const inner = value.as_table()) {
                for (const auto& [inner_key, inner_value] : *inner) {
                    given.insert(name + "." + std::string(inner_key.str()));
                }
            } else {
                given.insert(name);
            }
        }
    }
    EXPECT_EQ(given, keys_read());
}

TEST(DefaultToml, IsTheExampleThatUsersRead) {
    std::ifstream file(PORTREEVE_SOURCE_DIR "/contrib/portreeve.toml", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(text.empty());
    EXPECT_EQ(default_toml(), text);
}

// Its tables begin with "## [section]" and their rows with "| `key` |".
TEST(Reference, HasARowForEveryKeyThatIsRead) {
    std::ifstream file(PORTREEVE_SOURCE_DIR "/docs/CONFIG.md");
    std::set<std::string> described;
    std::string section;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## [")) {
            section = line.substr(4, line.find(']') - 4);
        } else if (line.starts_with("| `")) {
            described.insert(section + "." + line.substr(3, line.find('`', 3) - 3));
        }
    }
    EXPECT_EQ(described, keys_read());
}

// ---- a file that sets everything ----

constexpr std::string_view kEverything = R"(
[server]
workers = 8
state_dir = "/s"
runtime_dir = "/r"
drain = "1s"
[ssh]
listen = ["127.0.0.1:0", "[0::1]:22"]
host_keys = ["/k1", "/k2"]
keepalive = "0s"
login_grace = "1m30s"
banner = "hello\nthere"
ciphers = ["c1", "c2@example.com"]
kex = ["k"]
macs = ["m"]
host_key_algorithms = ["h"]
[auth]
authorized_keys = ["/a", "/b"]
command = "/bin/keys %u '%f %t'"
command_user = "keys"
command_timeout = "2s"
trusted_user_ca = ["/ca"]
revoked_keys = "/revoked"
removed_keys = "keep"
passwords = "/passwords"
[forward]
bind = "any"
ports = ["80", "1000-2000"]
pool = "5-6"
lease = "1h"
hold = "500ms"
aliases = false
sockets = true
sockets_mode = "0600"
sockets_group = "www-data"
[http]
domain = "Gate.Example.com"
reserved = ["Intranet", "shop"]
listen = ["0.0.0.0:8080"]
hold = "1s"
head_timeout = "2s"
idle_timeout = "3s"
redirect = true
acme_webroot = "/w"
pages = "/p"
allow = ["192.0.2.0/24"]
deny = ["192.0.2.1"]
trusted = ["192.0.2.2"]
proxy_protocol = ["192.0.2.3"]
resolver = "[::1]:5353"
[https]
listen = []
certificates = "/c"
ssh = true
[limits]
sessions = 1
sessions_per_key = 2
sessions_per_ip = 3
startups = 4
startups_per_ip = 5
tunnels_per_session = 6
visitors_per_tunnel = 7
visitors_waiting = 8
leases_per_key = 9
http_visitors = 10
http_visitors_per_ip = 11
[penalties]
auth_failed = "1s"
no_auth = "2s"
grace_exceeded = "3s"
min = "4s"
max = "5s"
sources = 6
exempt = ["192.0.2.0/24", "2001:db8::1"]
[groups]
ops = ["SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM", "principal:ops team"]
nobody = []
[events]
command = "/bin/tell 100%"
command_user = "teller"
command_timeout = "7s"
on = ["held", "refused"]
[metrics]
listen = "127.0.0.1:9464"
alias = "Metrics"
alias_users = ["ops", "principal:prometheus"]
[log]
level = "debug"
format = "json"
[log.levels]
server = "error"
session = "warning"
tunnel = "info"
visitor = "debug"
reach = ""
)";

TEST(Parse, ReadsEveryKeyIntoItsPlace) {
    using namespace std::chrono_literals;
    const Config expected{
        .server = {.workers = 8, .state_dir = "/s", .runtime_dir = "/r", .drain = 1s},
        .ssh = {.listen = {{"127.0.0.1", 0}, {"::1", 22}},
                .host_keys = {"/k1", "/k2"},
                .keepalive = 0s,
                .login_grace = 90s,
                .banner = "hello\nthere",
                .ciphers = {"c1", "c2@example.com"},
                .kex = {"k"},
                .macs = {"m"},
                .host_key_algorithms = {"h"}},
        .auth = {.authorized_keys = {"/a", "/b"},
                 .command = {"/bin/keys", "%u", "%f %t"},
                 .command_user = "keys",
                 .command_timeout = 2s,
                 .trusted_user_ca = {"/ca"},
                 .revoked_keys = "/revoked",
                 .removed_keys = RemovedKeys::keep,
                 .passwords = "/passwords"},
        .forward = {.bind = Bind::any,
                    .ports = {{80, 80}, {1000, 2000}},
                    .pool = {5, 6},
                    .lease = 1h,
                    .hold = 500ms,
                    .aliases = false,
                    .sockets = true,
                    .sockets_mode = 0600,
                    .sockets_group = "www-data"},
        .http = {.domain = "gate.example.com",
                 .reserved = {"intranet", "shop"},
                 .listen = {{"0.0.0.0", 8080}},
                 .hold = 1s,
                 .head_timeout = 2s,
                 .idle_timeout = 3s,
                 .trusted = {*parse_network("192.0.2.2")},
                 .proxy_protocol = {*parse_network("192.0.2.3")},
                 .allow = {*parse_network("192.0.2.0/24")},
                 .deny = {*parse_network("192.0.2.1")},
                 .redirect = true,
                 .acme_webroot = "/w",
                 .pages = "/p",
                 .resolver = Endpoint{"::1", 5353}},
        .https = {.listen = {}, .certificates = "/c", .ssh = true},
        .limits = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
        .penalties = {.auth_failed = 1s,
                      .no_auth = 2s,
                      .grace_exceeded = 3s,
                      .min = 4s,
                      .max = 5s,
                      .sources = 6,
                      .exempt = {*parse_network("192.0.2.0/24"), *parse_network("2001:db8::1")}},
        .groups = {{"ops",
                    {"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM", "principal:ops team"}},
                   {"nobody", {}}},
        .events = {.command = {"/bin/tell", "100%"},
                   .command_user = "teller",
                   .command_timeout = 7s,
                   .on = {EventKind::held, EventKind::refused}},
        .metrics = {.listen = {{"127.0.0.1", 9464}},
                    .alias = "metrics",
                    .alias_users = {"ops", "principal:prometheus"}},
        .log = {.level = LogLevel::debug,
                .format = LogFormat::json,
                .levels = {.server = LogLevel::error,
                           .session = LogLevel::warning,
                           .tunnel = LogLevel::info,
                           .visitor = LogLevel::debug,
                           .reach = {}}},
    };
    const auto config = parse(kEverything, "f");
    ASSERT_TRUE(config) << config.error().front().text();
    EXPECT_EQ(*config, expected);
    EXPECT_EQ(toml::parse(kEverything).size(), 12U);  // that is every table
    for (const auto& name : keys_read()) {
        EXPECT_TRUE(toml::parse(kEverything).at_path(name)) << name << " is not in this test";
    }
}

TEST(Parse, KeepsTheDefaultsOfAnEmptyText) {
    EXPECT_EQ(parse("", "f"), Config{});
    EXPECT_EQ(parse("# nothing\n[ssh]\n", "f"), Config{});
}

TEST(Parse, TakesDottedKeysInlineTablesAndAByteOrderMark) {
    Config expected;
    expected.server.workers = 2;
    EXPECT_EQ(parse("server.workers = 2", "f"), expected);
    EXPECT_EQ(parse("server = { workers = 2 }", "f"), expected);
    EXPECT_EQ(parse("\xEF\xBB\xBF[server]\r\nworkers = 2\r\n", "f"), expected);
}

TEST(Parse, AnEmptyMetricsListenIsNone) {
    const auto config = parse("metrics.listen = \"\"", "f");
    ASSERT_TRUE(config);
    EXPECT_THAT(config->metrics.listen, ElementsAre());
}

}  // namespace

}  // namespace portreeve::conf
