// The words of single values, each parser with what it takes, what it refuses, and why.
#include "conf/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace portreeve::conf {

namespace {

template <class T>
std::string refusal(const Parsed<T>& parsed) {
    return parsed ? "taken" : parsed.error();
}

// ---- durations ----

std::string bad_duration(std::string_view quoted_text, std::string_view reason) {
    return std::string(quoted_text) + " is not a duration: " + std::string(reason) +
           "; write whole numbers with the units h, m, s or ms, such as \"15s\" or \"1m30s\"";
}

TEST(Duration, TakesEveryUnit) {
    using namespace std::chrono_literals;
    EXPECT_EQ(parse_duration("0s"), 0ms);
    EXPECT_EQ(parse_duration("1ms"), 1ms);
    EXPECT_EQ(parse_duration("15s"), 15s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("24h"), 24h);
    EXPECT_EQ(parse_duration("1m30s"), 90s);
    EXPECT_EQ(parse_duration("1h2m3s4ms"), 1h + 2min + 3s + 4ms);
    EXPECT_EQ(parse_duration("007s"), 7s);
}

// Whatever the parts are, the sum is theirs; the seed is shown so that a failure can be repeated.
TEST(Duration, IsTheSumOfItsParts) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> number(0, 100'000);
    std::uniform_int_distribution<int> mask(1, 15);
    for (int round = 0; round < 2000; ++round) {
        const int parts = mask(random);
        const std::int64_t h = number(random) % 8000;
        const std::int64_t m = number(random) % 10'000;
        const std::int64_t s = number(random);
        const std::int64_t ms = number(random);
        std::string text;
        std::int64_t sum_ms = 0;
        const auto add = [&](int bit, std::int64_t count, std::string_view unit,
                             std::int64_t unit_ms) {
            if ((parts & bit) != 0) {
                text += std::to_string(count) + std::string(unit);
                sum_ms += count * unit_ms;
            }
        };
        add(1, h, "h", 3'600'000);
        add(2, m, "m", 60'000);
        add(4, s, "s", 1000);
        add(8, ms, "ms", 1);
        ASSERT_EQ(parse_duration(text), Milliseconds{sum_ms}) << text;
    }
}

TEST(Duration, SaysWhatIsWrongWithIt) {
    EXPECT_EQ(refusal(parse_duration("")), bad_duration("\"\"", "it is empty"));
    EXPECT_EQ(refusal(parse_duration("-5s")), bad_duration("\"-5s\"", "it cannot be negative"));
    EXPECT_EQ(refusal(parse_duration("15")), bad_duration("\"15\"", "there is no unit after 15"));
    EXPECT_EQ(refusal(parse_duration("1m30")),
              bad_duration("\"1m30\"", "there is no unit after 30"));
    EXPECT_EQ(refusal(parse_duration("15sec")), bad_duration("\"15sec\"", "\"sec\" is no unit"));
    EXPECT_EQ(refusal(parse_duration("2d")), bad_duration("\"2d\"", "\"d\" is no unit"));
    EXPECT_EQ(refusal(parse_duration("5S")), bad_duration("\"5S\"", "\"S\" is no unit"));
    EXPECT_EQ(refusal(parse_duration("s")),
              bad_duration("\"s\"", "there should be a number at \"s\""));
    EXPECT_EQ(refusal(parse_duration("1.5s")),
              bad_duration("\"1.5s\"", "there is no unit after 1"));
    EXPECT_EQ(refusal(parse_duration("1m 30s")),
              bad_duration("\"1m 30s\"", "there should be a number at \" 30s\""));
    for (const std::string text : {"30s1m", "1m1m", "1ms1s", "1s2ms3h"}) {
        EXPECT_EQ(refusal(parse_duration(text)),
                  bad_duration(in_quotes(text),
                               "each unit may stand once, the larger before the smaller"));
    }
}

TEST(Duration, EndsAtAYear) {
    EXPECT_EQ(parse_duration("8760h"), Milliseconds{31'536'000'000});
    EXPECT_EQ(parse_duration("31536000000ms"), Milliseconds{31'536'000'000});
    for (const std::string text :
         {"8761h", "8760h1ms", "31536000001ms", "8759h60m1s", "9223372036854775807ms",
          "9223372036854775808ms", "99999999999999999999999999h"}) {
        EXPECT_EQ(refusal(parse_duration(text)),
                  in_quotes(text) + " is too long: the longest duration is \"8760h\"");
    }
}

// ---- endpoints ----

TEST(Endpoints, AreLiteralAddressesWithAPort) {
    EXPECT_EQ(parse_endpoint("[::]:2222"), (Endpoint{"::", 2222}));
    EXPECT_EQ(parse_endpoint("0.0.0.0:80"), (Endpoint{"0.0.0.0", 80}));
    EXPECT_EQ(parse_endpoint("127.0.0.1:0"), (Endpoint{"127.0.0.1", 0}));
    EXPECT_EQ(parse_endpoint("127.0.0.1:65535"), (Endpoint{"127.0.0.1", 65535}));
}

TEST(Endpoints, ComeBackInCanonicalForm) {
    EXPECT_EQ(parse_endpoint("[0:0:0::1]:1"), (Endpoint{"::1", 1}));
    EXPECT_EQ(parse_endpoint("[2001:DB8::A]:1"), (Endpoint{"2001:db8::a", 1}));
    EXPECT_EQ(parse_endpoint("[::ffff:192.0.2.1]:1"), (Endpoint{"::ffff:192.0.2.1", 1}));
}

TEST(Endpoints, SayWhatIsWrongWithThem) {
    const std::string literal =
        " is not a literal address, and names are not resolved; write an address such as "
        "\"127.0.0.1:2222\" or \"[::1]:2222\"";
    EXPECT_EQ(refusal(parse_endpoint("gate.example.com:22")),
              "\"gate.example.com:22\" is not an endpoint: \"gate.example.com\"" + literal);
    EXPECT_EQ(refusal(parse_endpoint("*:22")), "\"*:22\" is not an endpoint: \"*\"" + literal);
    EXPECT_EQ(refusal(parse_endpoint("1.2.3:22")),
              "\"1.2.3:22\" is not an endpoint: \"1.2.3\"" + literal);
    EXPECT_EQ(refusal(parse_endpoint("127.0.0.01:22")),
              "\"127.0.0.01:22\" is not an endpoint: \"127.0.0.01\"" + literal);
    EXPECT_EQ(refusal(parse_endpoint(std::string_view("127.0.0.1\0:22", 13))),
              "\"127.0.0.1\\u0000:22\" is not an endpoint: \"127.0.0.1\\u0000\"" + literal);
    EXPECT_EQ(refusal(parse_endpoint(":22")),
              "\":22\" has no address: write \"[::]:22\" for all addresses");
    EXPECT_EQ(refusal(parse_endpoint("fe80::g:22")),
              "\"fe80::g:22\" is not an endpoint: an IPv6 address needs brackets, as in "
              "\"[::1]:2222\"");
    EXPECT_EQ(refusal(parse_endpoint("::1:22")),
              "\"::1:22\" is a bare IPv6 address: write brackets and a port, as in \"[::1]:2222\"");
    EXPECT_EQ(refusal(parse_endpoint("[::1:22")),
              "\"[::1:22\" is not an endpoint: a \"[\" needs a \"]\" before the port, as in "
              "\"[::]:2222\"");
    EXPECT_EQ(refusal(parse_endpoint("[127.0.0.1]:22")),
              "\"[127.0.0.1]:22\" is not an endpoint: \"127.0.0.1\" is not an IPv6 address such as "
              "\"::1\"");
    EXPECT_EQ(refusal(parse_endpoint("[fe80::1%eth0]:22")),
              "\"[fe80::1%eth0]:22\" has a zone (\"%\"), which is not supported: write an address "
              "without one");
}

TEST(Endpoints, NeedAPort) {
    for (const std::string text : {"", "22", "127.0.0.1", "[::1]", "localhost"}) {
        EXPECT_EQ(refusal(parse_endpoint(text)),
                  in_quotes(text) +
                      " is not an endpoint: write an address and a port, such as "
                      "\"127.0.0.1:2222\" or \"[::]:2222\"");
    }
    for (const std::string port :
         {"", "65536", "-1", "+1", " 1", "1 ", "0x1", "http", "99999999999999999999"}) {
        EXPECT_EQ(refusal(parse_endpoint("[::]:" + port)),
                  in_quotes("[::]:" + port) + " is not an endpoint: the port " + in_quotes(port) +
                      " is not a number from 0 to 65535");
    }
}

TEST(Endpoints, ReadBackTheirOwnText) {
    for (const Endpoint& endpoint : {Endpoint{"::", 1}, Endpoint{"192.0.2.7", 65535}}) {
        EXPECT_EQ(parse_endpoint(endpoint.text()), endpoint);
    }
}

// ---- port ranges ----

TEST(PortRanges, AreOnePortOrTwo) {
    EXPECT_EQ(parse_port_range("8080"), (PortRange{8080, 8080}));
    EXPECT_EQ(parse_port_range("1-65535"), (PortRange{1, 65535}));
    EXPECT_EQ(parse_port_range("7-7"), (PortRange{7, 7}));
}

TEST(PortRanges, SayWhatIsWrongWithThem) {
    for (const std::string text : {"", "-", "0", "0-5", "5-0", "1-", "-1", "1-2-3", "1 - 2",
                                   "65536", "1-65536", "4294967297", "http", "1,2"}) {
        EXPECT_EQ(refusal(parse_port_range(text)),
                  in_quotes(text) +
                      " is not a port range: write ports from 1 to 65535, such as \"8080\" or "
                      "\"20000-29999\"");
    }
    EXPECT_EQ(refusal(parse_port_range("300-200")),
              "\"300-200\" runs backwards: write \"200-300\"");
}

// ---- algorithms ----

TEST(Algorithms, AreNames) {
    for (const std::string name : {"aes256-ctr", "x", "aes256-gcm@openssh.com"}) {
        EXPECT_EQ(parse_algorithm(name), name);
    }
    EXPECT_TRUE(parse_algorithm(std::string(64, 'x')));
}

TEST(Algorithms, SayWhatIsWrongWithThem) {
    for (const std::string& text :
         {std::string(), std::string("a,b"), std::string("a b"), std::string("a\n"),
          std::string("\xC3\xA4"), std::string("a\0", 2), std::string(65, 'x')}) {
        EXPECT_EQ(refusal(parse_algorithm(text)),
                  in_quotes(text) +
                      " is not an algorithm's name: write one of up to 64 characters without "
                      "spaces and commas, such as \"aes256-ctr\"");
    }
}

// ---- names ----

TEST(Resolver, IsAnAddressWithOrWithoutAPort) {
    EXPECT_EQ(parse_resolver(""), std::nullopt);
    EXPECT_EQ(parse_resolver("192.0.2.53"), (Endpoint{"192.0.2.53", 53}));
    EXPECT_EQ(parse_resolver("0:0::1"), (Endpoint{"::1", 53}));
    EXPECT_EQ(parse_resolver("127.0.0.1:5353"), (Endpoint{"127.0.0.1", 5353}));
    EXPECT_EQ(parse_resolver("[::1]:5353"), (Endpoint{"::1", 5353}));
}

TEST(Resolver, IsNoNameAndNoHalfAnAddress) {
    for (const char* text : {"dns.example.com", "dns:53", "192.0.2", "[::1]", "127.0.0.1:0",
                             "127.0.0.1:", "127.0.0.1:65536", ":53", " 192.0.2.53"}) {
        EXPECT_THAT(refusal(parse_resolver(text)),
                    testing::HasSubstr(" is not the address of a DNS server: write one such as"))
            << text;
    }
}

TEST(Domain, IsADnsNameOrNothing) {
    EXPECT_EQ(parse_domain(""), "");
    EXPECT_EQ(parse_domain("localhost"), "localhost");
    EXPECT_EQ(parse_domain("Gate.EXAMPLE.com"), "gate.example.com");
    EXPECT_EQ(parse_domain("xn--bcher-kva.1e"), "xn--bcher-kva.1e");
    const std::string label(63, 'a');
    EXPECT_EQ(parse_domain(label + ".b"), label + ".b");
}

TEST(Domain, SaysWhatIsWrongWithIt) {
    const auto fault = [](const std::string& domain) {
        const auto text = refusal(parse_domain(domain));
        const auto begin = text.find(" is not a DNS name: ") + 20;
        const auto end = text.find("; write one such as \"gate.example.com\"");
        return end == std::string::npos ? text : text.substr(begin, end - begin);
    };
    EXPECT_EQ(fault("a..b"), "it has an empty part between its dots");
    EXPECT_EQ(fault("."), "it has an empty part between its dots");
    EXPECT_EQ(fault("-a.b"), "the part \"-a\" begins or ends with \"-\"");
    EXPECT_EQ(fault("a-.b"), "the part \"a-\" begins or ends with \"-\"");
    EXPECT_EQ(fault("*.b"), "the part \"*\" holds more than letters, digits and \"-\"");
    EXPECT_EQ(fault("a_b.c"), "the part \"a_b\" holds more than letters, digits and \"-\"");
    EXPECT_EQ(fault("bü.de"), "the part \"bü\" holds more than letters, digits and \"-\"");
    EXPECT_EQ(fault("a b"), "the part \"a b\" holds more than letters, digits and \"-\"");
    EXPECT_EQ(fault("192.0.2.1"), "its last part is a number, as in an address");
    const std::string label(64, 'a');
    EXPECT_EQ(fault(label), "the part \"" + label + "\" is longer than 63 characters");
    std::string longest;
    for (int i = 0; i < 126; ++i) {
        longest += "a.";
    }
    EXPECT_TRUE(parse_domain(longest + "a"));  // 253 characters
    EXPECT_EQ(fault(longest + "ab"), "it is longer than 253 characters");
}

TEST(PrivateName, IsAWordOrNothing) {
    EXPECT_EQ(parse_name_or_none(""), "");
    EXPECT_EQ(parse_name_or_none("Metrics_1.a-b"), "metrics_1.a-b");
    EXPECT_EQ(parse_name_or_none(std::string(64, 'x')), std::string(64, 'x'));
    for (const std::string& text :
         {std::string(65, 'x'), std::string("-x"), std::string(".x"), std::string("a b"),
          std::string("a:b"), std::string("localhost"), std::string("127.0.0.1"),
          std::string("::1"), std::string("b\xC3\xBC")}) {
        EXPECT_THAT(refusal(parse_name_or_none(text)),
                    testing::StartsWith(in_quotes(text) + " is no private name: write up to 64 "));
    }
}

TEST(Audience, IsOfMembersOfGroupsAndOfGroups) {
    const std::string key = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM";
    for (const std::string& text :
         {key, std::string("principal:ops"), std::string("ops"), std::string("any")}) {
        EXPECT_EQ(parse_audience_member(text), text);
    }
    for (const std::string text : {"", "a b", "principal:", "SHA256:short", "user:ann"}) {
        EXPECT_THAT(refusal(parse_audience_member(text)),
                    testing::StartsWith(in_quotes(text) + " is neither a key nor a principal"));
    }
}

TEST(Path, IsAbsolute) {
    EXPECT_EQ(parse_path("/"), "/");
    EXPECT_EQ(parse_path("/a b/ü"), "/a b/ü");
    for (const std::string text : {"", "a", "./a", "~/a"}) {
        EXPECT_EQ(refusal(parse_path(text)),
                  in_quotes(text) + " is not an absolute path: write one that starts with \"/\"");
    }
    EXPECT_EQ(refusal(parse_path(std::string_view("/a\0b", 4))),
              "\"/a\\u0000b\" holds a NUL character, which no path may");
    EXPECT_TRUE(parse_path("/" + std::string(4094, 'a')));
    EXPECT_TRUE(refusal(parse_path("/" + std::string(4095, 'a')))
                    .ends_with(" is too long: the longest path is 4095 bytes"));
}

TEST(Path, MayBeNoneWhereAKeySaysSo) {
    EXPECT_EQ(parse_path_or_none(""), "");
    EXPECT_EQ(parse_path_or_none("/a"), "/a");
    EXPECT_EQ(refusal(parse_path_or_none("a")), refusal(parse_path("a")));
}

TEST(UserName, IsOneThatAnAccountCanHave) {
    EXPECT_EQ(parse_user_name("nobody"), "nobody");
    EXPECT_EQ(parse_user_name("_keys-7.müller"), "_keys-7.müller");
    EXPECT_TRUE(parse_user_name(std::string(256, 'a')));
    for (const std::string text : {"", "a b", "a:b", "a/b", "a\n", "\x7f"}) {
        EXPECT_EQ(refusal(parse_user_name(text)),
                  in_quotes(text) + " is not the name of an account: write one such as \"nobody\"");
    }
    EXPECT_FALSE(parse_user_name(std::string_view("a\0", 2)));
    EXPECT_FALSE(parse_user_name(std::string(257, 'a')));
}

TEST(Values, ModesAreOctal) {
    EXPECT_EQ(parse_mode("0660"), 0660U);
    EXPECT_EQ(parse_mode("600"), 0600U);
    EXPECT_EQ(parse_mode("0"), 0U);
    for (const char* text : {"", "0680", "1777", "00660", "u+rw", "-1", "660 "}) {
        EXPECT_EQ(refusal(parse_mode(text)), in_quotes(text) +
                                                 " is not a file's mode: write one such as "
                                                 "\"0660\"");
    }
}

TEST(Values, AGroupOfAccountsOrNone) {
    EXPECT_EQ(parse_group_name_or_none("www-data"), "www-data");
    EXPECT_EQ(parse_group_name_or_none(""), "");
    EXPECT_EQ(refusal(parse_group_name_or_none("a:b")),
              "\"a:b\" is not the name of a group: write one such as \"www-data\"");
}

TEST(Text, MayBeAnythingShortWithoutNul) {
    EXPECT_EQ(parse_text(""), "");
    EXPECT_EQ(parse_text("a\n\"ü\""), "a\n\"ü\"");
    EXPECT_TRUE(parse_text(std::string(4096, 'a')));
    EXPECT_TRUE(refusal(parse_text(std::string(4097, 'a')))
                    .ends_with(" is too long: the longest text is 4096 bytes"));
    EXPECT_EQ(refusal(parse_text(std::string_view("\0", 1))),
              "\"\\u0000\" holds a NUL character, which no text may");
}

TEST(Words, AreOneOfAList) {
    EXPECT_EQ(parse_bind("loopback"), Bind::loopback);
    EXPECT_EQ(parse_bind("client"), Bind::client);
    EXPECT_EQ(parse_bind("any"), Bind::any);
    EXPECT_EQ(refusal(parse_bind("Any")),
              "\"Any\" is not one of \"loopback\", \"client\", \"any\"");
    EXPECT_EQ(parse_removed_keys("end"), RemovedKeys::end);
    EXPECT_EQ(parse_removed_keys("keep"), RemovedKeys::keep);
    EXPECT_EQ(refusal(parse_removed_keys("")), "\"\" is not one of \"end\", \"keep\"");
    EXPECT_EQ(parse_log_format("auto"), LogFormat::automatic);
    EXPECT_EQ(parse_log_format("journal"), LogFormat::journal);
    EXPECT_EQ(parse_log_format("text"), LogFormat::text);
    EXPECT_EQ(parse_log_format("json"), LogFormat::json);
    EXPECT_EQ(parse_log_level_or_none("").value(), std::nullopt);
    EXPECT_EQ(parse_log_level_or_none("debug").value(), LogLevel::debug);
    EXPECT_EQ(parse_log_level("error"), LogLevel::error);
    EXPECT_EQ(parse_log_level("warning"), LogLevel::warning);
    EXPECT_EQ(parse_log_level("info"), LogLevel::info);
    EXPECT_EQ(parse_log_level("debug"), LogLevel::debug);
    EXPECT_EQ(refusal(parse_log_level("")),
              "\"\" is not one of \"error\", \"warning\", \"info\", \"debug\"");
}

// ---- text in errors ----

TEST(InQuotes, FitsOnOneLineOfALog) {
    EXPECT_EQ(in_quotes("a\"b\\c"), "\"a\\\"b\\\\c\"");
    EXPECT_EQ(in_quotes("a\n\x1b[1m\x7f"), "\"a\\u000A\\u001B[1m\\u007F\"");
    EXPECT_EQ(in_quotes("grüß"), "\"grüß\"");
    EXPECT_EQ(in_quotes(std::string(200, 'a')), '"' + std::string(200, 'a') + '"');
    EXPECT_EQ(in_quotes(std::string(201, 'a')), '"' + std::string(200, 'a') + "...\"");
    // A character is never cut in two: "ü" is two bytes, and the first one begins at byte 199.
    EXPECT_EQ(in_quotes(std::string(199, 'a') + "üb"), '"' + std::string(199, 'a') + "ü...\"");
    EXPECT_EQ(printable("a\"\tb"), "a\"\\u0009b");
}

}  // namespace

}  // namespace portreeve::conf
