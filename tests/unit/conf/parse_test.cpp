// What parse() says of wrong texts: each kind of mistake with its exact place and sentence.
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <string_view>

#include "conf/config.h"

namespace portreeve::conf {

namespace {

// Every error of `toml`, one to a line.
std::string errors_of(std::string_view toml) {
    const auto parsed = parse(toml, "f");
    if (parsed) {
        return "no error";
    }
    std::string lines;
    for (const auto& error : parsed.error()) {
        lines += error.text() + "\n";
    }
    return lines.substr(0, lines.size() - 1);
}

struct Mistake {
    std::string name;
    std::string toml;
    std::string error;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
    return out << mistake.name;
}

class OneMistake : public testing::TestWithParam<Mistake> {};

TEST_P(OneMistake, IsReportedInItsPlace) {
    EXPECT_EQ(errors_of(GetParam().toml), GetParam().error);
}

std::string name_of(const testing::TestParamInfo<Mistake>& info) {
    return info.param.name;
}

const auto kTypes = testing::Values(
    Mistake{"IntegerForDuration", "[ssh]\nkeepalive = 15",
            "f:2:13: ssh.keepalive must be a duration such as \"15s\", not an integer"},
    Mistake{"StringForInteger", "[server]\nworkers = \"four\"",
            "f:2:11: server.workers must be a whole number such as 0, not a string"},
    Mistake{"FloatForInteger", "limits.sessions = 1e3",
            "f:1:19: limits.sessions must be a whole number such as 10000, not a floating-point "
            "number"},
    Mistake{"StringForBoolean", "[forward]\n  aliases = \"yes\"",
            "f:2:13: forward.aliases must be true or false, not a string"},
    Mistake{"StringForList", "[ssh]\nlisten = \"[::]:22\"",
            "f:2:10: ssh.listen must be a list such as [\"[::]:2222\"], not a string"},
    Mistake{"BooleanForText", "ssh.banner = true",
            "f:1:14: ssh.banner must be a text such as \"Welcome\", not a boolean"},
    Mistake{"ListForText", "[metrics]\nlisten = [\"127.0.0.1:1\"]",
            "f:2:10: metrics.listen must be an endpoint such as \"[::]:2222\", not a list"},
    Mistake{"DateForWord", "[log]\nlevel = 2020-01-01",
            "f:2:9: log.level must be \"error\", \"warning\", \"info\" or \"debug\", not a date"},
    Mistake{
        "TimeForPath", "server.state_dir = 12:00:00",
        "f:1:20: server.state_dir must be an absolute path such as \"/etc/portreeve/NAME\", not "
        "a time of day"},
    Mistake{"DateTimeForRange", "forward.pool = 2020-01-01T12:00:00Z",
            "f:1:16: forward.pool must be a port range such as \"20000-29999\", not a date and "
            "time"},
    Mistake{"TableForDuration", "[ssh.keepalive]",
            "f:1:1: ssh.keepalive must be a duration such as \"15s\", not a table"},
    Mistake{
        "IntegerInList", "[forward]\nports = [\n  \"80\",\n  443,\n]",
        "f:4:3: an element of forward.ports must be a port range such as \"20000-29999\", not an "
        "integer"},
    Mistake{"ValueForTable", "ssh = 2222",
            "f:1:7: ssh must be one table, written [ssh] with its keys below, not an integer"},
    Mistake{"TablesForTable", "[[ssh]]\n[[ssh]]",
            "f:1:1: ssh must be one table, written [ssh] with its keys below, not a list"});
INSTANTIATE_TEST_SUITE_P(Type, OneMistake, kTypes, name_of);

const auto kNames = testing::Values(
    Mistake{"NameOfAGroup", "[groups]\nany = []",
            "f:2:7: groups.any is no name for a group: write letters, digits, \"-\" and \"_\", and "
            "not \"any\""},
    Mistake{"MemberOfAGroup", "[groups]\nops = [\"ann\"]",
            "f:2:8: groups.ops: \"ann\" is neither a key nor a principal: write SHA256:... as "
            "ssh-keygen -l shows the key, or \"principal:NAME\""},
    Mistake{"EventThatIsNone", "[events]\non = [\"up\", \"open\"]",
            "f:2:13: events.on: \"open\" is not one of \"up\", \"down\", \"held\", \"taken\", "
            "\"refused\""},
    Mistake{"MistypedKey", "[ssh]\n\tkeepalve = \"15s\"",
            "f:2:2: unknown key \"keepalve\" in [ssh]; did you mean \"keepalive\"?"},
    Mistake{"OtherKey", "[http]\nsecure = true",
            "f:2:1: unknown key \"secure\" in [http]; the keys there are domain, reserved, "
            "listen, hold, head_timeout, idle_timeout, trusted, proxy_protocol, allow, deny, "
            "redirect, acme_webroot, pages, resolver"},
    Mistake{"KeyOfAnotherTable", "[server]\nkeepalive = \"15s\"",
            "f:2:1: unknown key \"keepalive\" in [server]; there is such a key in [ssh]"},
    Mistake{"KeyOfSeveralTables", "[server]\nlisten = []",
            "f:2:1: unknown key \"listen\" in [server]; there is such a key in [ssh], [http], "
            "[https], [metrics]"},
    Mistake{"KeyOutsideOfTables", "bind = \"any\"",
            "f:1:1: unknown key \"bind\" outside of any table; there is such a key in [forward]"},
    Mistake{"MistypedTable", "\n[forwards]\nbind = 1",
            "f:2:2: unknown table [forwards]; did you mean [forward]?"},
    Mistake{"MistypedTables", "[[limit]]", "f:1:3: unknown table [limit]; did you mean [limits]?"},
    Mistake{"OtherTable", "[sockets]",
            "f:1:2: unknown table [sockets]; the tables are [server], [ssh], [auth], [forward], "
            "[http], [https], [limits], [penalties], [groups], [events], [metrics], [log], "
            "[log.levels]"},
    Mistake{"TableInTable", "[log.file]\npath = 1",
            "f:1:6: unknown key \"file\" in [log]; the keys there are level, format, levels"},
    Mistake{
        "KeyToBeEscaped", "[log]\n\"a\\u001b\\\"b\" = 1",
        "f:2:1: unknown key \"a\\u001B\\\"b\" in [log]; the keys there are level, format, levels"},
    Mistake{"EmptyKey", "[log]\n\"\" = 1",
            "f:2:1: unknown key \"\" in [log]; the keys there are level, format, levels"},
    Mistake{"MistypedInnerTable", "[log.level]\nvisitor = \"debug\"",
            "f:1:1: log.level must be \"error\", \"warning\", \"info\" or \"debug\", not a table"},
    Mistake{"OtherInnerTable", "[log.lovels]",
            "f:1:6: unknown key \"lovels\" in [log]; did you mean "
            "\"levels\"?"},
    Mistake{"MistypedKeyOfAnInnerTable", "[log.levels]\nvistor = \"debug\"",
            "f:2:1: unknown key \"vistor\" in [log.levels]; did you mean \"visitor\"?"},
    Mistake{"WordOfAnInnerTable", "[log.levels]\nvisitor = \"loud\"",
            "f:2:11: log.levels.visitor: \"loud\" is not one of \"error\", \"warning\", \"info\", "
            "\"debug\""},
    Mistake{"ValueForInnerTable", "[log]\nlevels = \"debug\"",
            "f:2:10: log.levels must be one table, written [log.levels] with its keys below, not a "
            "string"},
    Mistake{"DotInTheNameOfATable", "[\"log.levels\"]\nvisitor = \"debug\"",
            "f:1:2: unknown table \"log.levels\"; write it without the quotes"});
INSTANTIATE_TEST_SUITE_P(Name, OneMistake, kNames, name_of);

const auto kBounds = testing::Values(
    Mistake{"NegativeInteger", "server.workers = -1",
            "f:1:18: server.workers must be from 0 to 1024, not -1"},
    Mistake{"IntegerOverItsType", "server.workers = 4294967297",
            "f:1:18: server.workers must be from 0 to 1024, not 4294967297"},
    Mistake{"ZeroLimit", "limits.startups = 0",
            "f:1:19: limits.startups must be from 1 to 1000000, not 0"},
    Mistake{"LimitTooGreat", "limits.visitors_per_tunnel = 1000001",
            "f:1:30: limits.visitors_per_tunnel must be from 1 to 1000000, not 1000001"},
    Mistake{"NoGrace", "ssh.login_grace = \"0s\"",
            "f:1:19: ssh.login_grace must be from \"1ms\" to \"24h\", not \"0s\""},
    Mistake{"DurationTooLongForItsKey", "forward.hold = \"24h1ms\"",
            "f:1:16: forward.hold must be from \"0s\" to \"24h\", not \"24h1ms\""},
    Mistake{"EmptyListen", "ssh.listen = []",
            "f:1:14: ssh.listen must hold an endpoint, as in [\"[::]:2222\"]"},
    Mistake{"EmptyAuthorizedKeys", "auth.authorized_keys = []",
            "f:1:24: auth.authorized_keys must hold an absolute path, as in "
            "[\"/etc/portreeve/NAME\"]"},
    Mistake{"NoCommandTimeout", "auth.command_timeout = \"0s\"",
            "f:1:24: auth.command_timeout must be from \"1ms\" to \"24h\", not \"0s\""},
    Mistake{"PenaltyMaximumBelowTheMinimum", "[penalties]\nmax = \"10s\"\nmin = \"10s\"",
            "f:2:7: penalties.max must be longer than penalties.min, or nobody is ever refused; "
            "\"0s\" turns penalties off"},
    Mistake{"PenaltyMinimumAboveTheMaximum", "penalties.min = \"1h\"",
            "f:1:17: penalties.min must be shorter than penalties.max, or nobody is ever refused"},
    Mistake{"TwiceTheSameNetwork", "penalties.exempt = [\"192.0.2.1\", \"192.0.2.1/32\"]",
            "f:1:34: penalties.exempt holds \"192.0.2.1/32\" twice: remove one"},
    Mistake{"TwiceTheSameEndpoint", "[ssh]\nlisten = [\"[::]:22\", \"[0:0::]:22\"]",
            "f:2:22: ssh.listen holds \"[0:0::]:22\" twice: remove one"});
INSTANTIATE_TEST_SUITE_P(Bound, OneMistake, kBounds, name_of);

// The words of each value are values_test.cpp's; here, that they come with key and place.
const auto kValues = testing::Values(
    Mistake{"Command", "[auth]\ncommand = \"/bin/keys 'a\"",
            "f:2:11: auth.command: \"/bin/keys 'a\" has a quote that is not closed"},
    Mistake{
        "Endpoint", "[http]\nlisten = [\"[::]:80\", \"localhost:80\"]",
        "f:2:22: http.listen: \"localhost:80\" is not an endpoint: \"localhost\" is not a literal "
        "address, and names are not resolved; write an address such as \"127.0.0.1:2222\" or "
        "\"[::1]:2222\""},
    Mistake{
        "MetricsEndpoint", "metrics.listen = \"9464\"",
        "f:1:18: metrics.listen: \"9464\" is not an endpoint: write an address and a port, such "
        "as \"127.0.0.1:2222\" or \"[::]:2222\""},
    Mistake{"MetricsAlias", "metrics.alias = \"LOCALHOST\"",
            "f:1:17: metrics.alias: \"LOCALHOST\" is no private name: write up to 64 letters, "
            "digits, \"-\", \"_\" and \".\", a letter or digit first, and neither localhost nor an "
            "address"},
    Mistake{"MetricsAliasOfNobody", "[metrics]\nalias = \"metrics\"",
            "f:2:9: metrics.alias needs metrics.alias_users, or nobody could reach it"},
    Mistake{"MetricsUser", "metrics.alias_users = [\"any\", \"x y\"]",
            "f:1:31: metrics.alias_users: \"x y\" is neither a key nor a principal nor a group: "
            "write SHA256:... as ssh-keygen -l shows the key, \"principal:NAME\", the name of a "
            "group, or \"any\""},
    Mistake{"MetricsGroup", "[metrics]\nalias_users = [\"opa\"]\n[groups]\nops = []",
            "f:2:15: metrics.alias_users names the group \"opa\", which [groups] has not"},
    Mistake{"Range", "forward.pool = \"9-3\"",
            "f:1:16: forward.pool: \"9-3\" runs backwards: write \"3-9\""},
    Mistake{"Word", "forward.bind = \"all\"",
            "f:1:16: forward.bind: \"all\" is not one of \"loopback\", \"client\", \"any\""},
    Mistake{
        "ColumnsAreCharacters", "server = { \"workers\" = 1, drain = \"é\", state_dir = \"s\" }",
        "f:1:35: server.drain: \"é\" is not a duration: there should be a number at \"é\"; write "
        "whole numbers with the units h, m, s or ms, such as \"15s\" or \"1m30s\"\n"
        "f:1:52: server.state_dir: \"s\" is not an absolute path: write one that starts with "
        "\"/\""});
INSTANTIATE_TEST_SUITE_P(Value, OneMistake, kValues, name_of);

constexpr std::string_view kQuotes = "; is this a text without its quotes?";
const auto kSyntax = testing::Values(
    Mistake{"UnquotedDuration", "[ssh]\nkeepalive = 15s",
            "f:2:15: not TOML: in this decimal integer: expected digit, saw 's'" +
                std::string(kQuotes)},
    Mistake{
        "UnquotedWord", "[log]\nlevel = debug",
        "f:2:9: not TOML: in this value: could not determine value type" + std::string(kQuotes)},
    Mistake{"UnclosedString", "[log]\nlevel = \"debug",
            "f:2:15: not TOML: in this string: encountered end-of-file"},
    Mistake{"UnclosedList", "[ssh]\nlisten = [\n",
            "f:2:12: not TOML: in this array: encountered end-of-file"},
    Mistake{"KeyTwice", "[log]\nlevel = \"info\"\nlevel = \"info\"",
            "f:3:9: not TOML: in this key-value pair: cannot redefine existing string 'level'"},
    Mistake{"TableTwice", "[log]\n[log]",
            "f:2:1: not TOML: in this table header: cannot redefine existing table 'log'"},
    Mistake{
        "Nul", std::string("[log]\n\0", 7),
        "f:2:1: not TOML: in this root table: expected keys, tables, whitespace or comments, saw "
        "'\\u0000'"},
    Mistake{"InvalidUtf8", "[log]\nlevel = \"\xFF\"",
            "f:2:9: not TOML: Encountered invalid utf-8 sequence"});
INSTANTIATE_TEST_SUITE_P(Syntax, OneMistake, kSyntax, name_of);

// ---- what is just right ----

class Allowed : public testing::TestWithParam<const char*> {};

TEST_P(Allowed, IsTaken) {
    EXPECT_EQ(errors_of(GetParam()), "no error");
}

INSTANTIATE_TEST_SUITE_P(
    Edge, Allowed,
    testing::Values("server.workers = 0", "server.workers = 1024", "server.drain = '0s'",
                    "server.drain = '24h'", "ssh.host_keys = []", "ssh.keepalive = '0s'",
                    "ssh.keepalive = '24h'", "ssh.login_grace = '1ms'", "ssh.login_grace = '24h'",
                    "ssh.banner = ''", "forward.ports = []", "forward.lease = '0s'",
                    "forward.lease = '8760h'", "forward.hold = '0s'", "forward.hold = '24h'",
                    "forward.pool = '1-65535'", "http.domain = ''", "http.listen = []",
                    "http.resolver = ''", "https.listen = []", "limits.sessions = 1",
                    "limits.sessions = 1000000", "metrics.listen = ''", "metrics.alias = ''",
                    "metrics.alias_users = ['any']", "penalties.max = '0s'", "penalties.min = '0s'",
                    "ssh.kex = []", "penalties.exempt = []"));

// ---- many mistakes ----

TEST(ManyMistakes, AreAllReportedInTheOrderOfTheFile) {
    EXPECT_EQ(
        errors_of("[log]\nlevel = \"loud\"\ncolour = true\n"
                  "[server]\nworkers = 9999\n"
                  "[ssh]\nlisten = [\"a:1\", \"[::]:x\"]\nkeepalive = 1\n"),
        "f:2:9: log.level: \"loud\" is not one of \"error\", \"warning\", \"info\", \"debug\"\n"
        "f:3:1: unknown key \"colour\" in [log]; the keys there are level, format, levels\n"
        "f:5:11: server.workers must be from 0 to 1024, not 9999\n"
        "f:7:11: ssh.listen: \"a:1\" is not an endpoint: \"a\" is not a literal address, and "
        "names are not resolved; write an address such as \"127.0.0.1:2222\" or "
        "\"[::1]:2222\"\n"
        "f:7:18: ssh.listen: \"[::]:x\" is not an endpoint: the port \"x\" is not a number from "
        "0 to 65535\n"
        "f:8:13: ssh.keepalive must be a duration such as \"15s\", not an integer");
}

// Unknown keys and wrong values, alternating: the bound must keep the first of both kinds.
TEST(ManyMistakes, AreReportedUpToTheBoundFromTheStart) {
    std::string toml = "[forward]\nports = [\n";
    for (int i = 0; i < 30; ++i) {
        toml += "\"0\",\n";
    }
    toml += "]\n";
    for (int i = 0; i < 60; ++i) {
        toml += "unknown" + std::to_string(i) + " = 1\n";
    }
    const auto parsed = parse(toml, "f");
    ASSERT_FALSE(parsed);
    ASSERT_EQ(parsed.error().size(), kConfigErrorsMax);
    EXPECT_EQ(parsed.error().front().line, 3U);
    EXPECT_EQ(parsed.error()[29].line, 32U);
    EXPECT_EQ(parsed.error()[30].line, 34U);
    EXPECT_EQ(parsed.error().back().line, 53U);
}

// ---- bounds of the whole ----

TEST(Bounds, AListHoldsAThousandElements) {
    std::string ports;
    for (int port = 1; port <= 1000; ++port) {
        ports += '"' + std::to_string(port) + "\",";
    }
    EXPECT_EQ(errors_of("forward.ports = [" + ports + "]"), "no error");
    EXPECT_EQ(errors_of("forward.ports = [" + ports + "\"1001\"]"),
              "f:1:17: forward.ports must hold at most 1000 elements, not 1001");
}

std::string nested_tables(int dots) {
    std::string key;
    for (int i = 0; i < dots; ++i) {
        key += "a.";
    }
    return key + "a = 1";
}

TEST(Bounds, TablesNestNoDeeperThanTheStackAllows) {
    EXPECT_TRUE(errors_of(nested_tables(5000)).starts_with("f:1:1: unknown table [a]"));
    EXPECT_EQ(errors_of(nested_tables(5001)),
              "f: holds more than 5000 dots, each of which may nest a table: that is too "
              "deep");
    EXPECT_EQ(errors_of("# " + std::string(100'000, '.')), "no error");
}

TEST(Bounds, TheTextIsNoLongerThanItsMaximum) {
    EXPECT_EQ(errors_of(std::string(kConfigBytesMax, '\n')), "no error");
    EXPECT_EQ(errors_of(std::string(kConfigBytesMax + 1, '\n')),
              "f: is longer than 1048576 bytes, the most that a configuration may be");
}

}  // namespace

}  // namespace portreeve::conf
