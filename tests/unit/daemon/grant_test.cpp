#include "daemon/grant.h"

#include <gmock/gmock.h>

#include "daemon/http/label.h"
#include "tests/unit/ssh/conversation.h"

namespace portreeve::daemon {
namespace {

using ::testing::HasSubstr;

Grant grant_of(const std::string& options) {
    return {"SHA256:owner", "reeve", ssh::parse_key_options(options).value(), "keys:3", {}, {}};
}

// "" for granted, else the refusal's code.
std::string forward(const std::string& options, const std::string& address, std::uint32_t port,
                    const conf::Forward& rules = {}) {
    conf::Config config;
    config.forward = rules;
    const auto may = may_forward(grant_of(options), config, {}, {address, port});
    return may ? "" : std::string(may.error().code);
}

TEST(MayForward, WithoutOptionsIsWhatTheConfigurationAllows) {
    EXPECT_EQ(forward("", "", 8080), "");
    EXPECT_EQ(forward("", "localhost", 0), "");
    EXPECT_EQ(forward("", "pc42", 22), "") << "the port of a name is a label";
    EXPECT_EQ(forward("", "127.0.0.1", 65535), "");
    conf::Forward rules;
    rules.ports = {{5000, 5999}};
    EXPECT_EQ(forward("", "", 5000, rules), "");
    EXPECT_EQ(forward("", "", 8080, rules), "port_not_allowed");
    EXPECT_EQ(forward("", "pc42", 22, rules), "");
    EXPECT_EQ(forward("", "", 0, rules), "") << "port 0 is the pool's";
}

TEST(MayForward, RestrictAndNoPortForwardingForbidIt) {
    EXPECT_EQ(forward("restrict", "", 8080), "forwarding_not_allowed");
    EXPECT_EQ(forward("no-port-forwarding", "pc42", 22), "forwarding_not_allowed");
    EXPECT_EQ(forward("restrict,port-forwarding", "", 8080), "");
    EXPECT_EQ(forward("restrict,permitlisten=\"8080\"", "", 8080), "forwarding_not_allowed");
}

TEST(MayForward, PermitlistenNamesAllThatMayBeAskedFor) {
    const std::string options =
        R"(permitlisten="localhost:8080",permitlisten="20000-20999",permitlisten="*.dev:80")";
    EXPECT_EQ(forward(options, "localhost", 8080), "");
    EXPECT_EQ(forward(options, "", 8080), "listen_not_permitted");
    EXPECT_EQ(forward(options, "0.0.0.0", 20500), "");
    EXPECT_EQ(forward(options, "pc42", 20500), "listen_not_permitted");
    EXPECT_EQ(forward(options, "blog.dev", 80), "");
    EXPECT_EQ(forward(options, "localhost", 0), "listen_not_permitted");
    EXPECT_EQ(forward(R"(permitlisten="0")", "localhost", 0), "");
    EXPECT_EQ(forward(R"(permitlisten="*:*")", "localhost", 0), "");
}

TEST(MayForward, ThePortsOfTheConfigurationAreACeiling) {
    conf::Forward rules;
    rules.ports = {{5000, 5999}};
    EXPECT_EQ(forward(R"(permitlisten="8080")", "", 8080, rules), "port_not_allowed");
}

TEST(MayForward, APrivilegedPortMustBeNamed) {
    EXPECT_EQ(forward("", "", 80), "port_privileged");
    EXPECT_EQ(forward(R"(permitlisten="*:*")", "", 80), "port_privileged");
    EXPECT_EQ(forward(R"(permitlisten="80")", "", 80), "");
    EXPECT_EQ(forward(R"(permitlisten="1-100")", "", 80), "");
    conf::Forward rules;
    rules.ports = {{80, 80}};
    EXPECT_EQ(forward("", "", 80, rules), "");
}

TEST(MayForward, TheRefusalNamesTheLineAndTheWish) {
    const auto may = may_forward(grant_of(R"(permitlisten="8080")"), {}, {}, {"localhost", 9090});
    ASSERT_FALSE(may);
    EXPECT_THAT(may.error().sentence, HasSubstr("keys:3"));
    EXPECT_THAT(may.error().sentence, HasSubstr("\"localhost\" port 9090"));
}

TEST(MayReach, OnlyWhatPermitopenNames) {
    EXPECT_FALSE(may_reach(grant_of(""), "localhost", 5432));
    const Grant grant = grant_of(R"(permitopen="localhost:5432",permitopen="[::1]:*")");
    EXPECT_TRUE(may_reach(grant, "localhost", 5432));
    EXPECT_TRUE(may_reach(grant, "LOCALHOST", 5432));
    EXPECT_FALSE(may_reach(grant, "localhost", 5433));
    EXPECT_TRUE(may_reach(grant, "::1", 22));
    EXPECT_FALSE(may_reach(grant_of(R"(restrict,permitopen="localhost:5432")"), "localhost", 5432));
}

TEST(MayReach, PrivateNamesNeedNoPermitopenButMustBeInOneThatIsThere) {
    EXPECT_TRUE(may_reach(grant_of(""), "pc42", 22));
    EXPECT_FALSE(may_reach(grant_of(""), "LOCALHOST", 22)) << "that is no name";
    EXPECT_FALSE(may_reach(grant_of(R"(permitopen="localhost:80")"), "pc42", 22));
    EXPECT_TRUE(may_reach(grant_of(R"(permitopen="pc42:22")"), "PC42", 22));
    EXPECT_FALSE(may_reach(grant_of("restrict"), "pc42", 22));
}

TEST(MayForward, ANameMustBeOneThatCanBeServed) {
    for (const char* name : {"pc42", "PC42", "4x", "a.b-c_d", "blog.example.com", "0x", "1.2.x"}) {
        EXPECT_EQ(forward("", name, 22), "") << name;
    }
    for (const char* name : {"-x", ".x", "a/b", "a b", "a:b", "a\nb", "LocalHost", "LocalHost."}) {
        EXPECT_EQ(forward("", name, 22), "name_not_valid") << name;
    }
    for (const char* mistyped : {"127.1", "0", "4", "0x7f000001", "0X7F.1", "127.0.0.256",
                                 "127.0.0.1.", "1.2.3.4.5", "99999999999"}) {
        EXPECT_EQ(forward("", mistyped, 22), "name_not_valid") << mistyped;
    }
    EXPECT_EQ(forward("", std::string(64, 'x'), 22), "");
    EXPECT_EQ(forward("", std::string(65, 'x'), 22), "name_not_valid");
    EXPECT_EQ(forward("", "pc42", 0), "name_not_valid");
    conf::Forward rules;
    rules.aliases = false;
    EXPECT_EQ(forward("", "pc42", 22, rules), "name_not_served");
}

TEST(MayForward, APortOfHttpIsNoPrivateNameOnceThereIsADomain) {
    EXPECT_EQ(forward("", "blog", 80), "");
    conf::Config config;
    config.http.domain = "gate.example.com";
    const auto kind = [&config](const std::string& address, std::uint32_t port) {
        const auto may = may_forward(grant_of(""), config, {}, {address, port});
        return !may ? std::string(may.error().code) : *may ? (*may)->host : "";
    };
    EXPECT_EQ(kind("blog", 80), "blog.gate.example.com");
    EXPECT_EQ(kind("blog", 443), "blog.gate.example.com");
    EXPECT_EQ(kind("blog", 22), "");
    EXPECT_EQ(kind("127.0.0.1", 80), "port_privileged");
}

// What a key with these options gets for an http name: its label, or the refusal's code. `lines`
// are those of other keys.
std::string http_name(const std::string& options, const std::string& address,
                      const std::string& lines = {}) {
    conf::Config config;
    config.http.domain = "gate.example.com";
    config.http.reserved = {"intranet"};
    ssh::AuthorizedKeys keys;
    const auto key = ssh::PublicKey::from(ssh::testing::client_key());
    keys.add_text(lines + " " + key->type + " " + key->base64 + "\n", "keys");
    EXPECT_THAT(keys.complaints(), ::testing::IsEmpty());
    const auto may = may_forward(grant_of(options), config, keys, {address, 80});
    return may ? http_urls(config.http).name((*may)->host)
               : std::string(std::string_view(may.error().code));
}

TEST(MayForward, AnHttpNameThatALineWritesOutIsThatKeys) {
    const std::string lines = R"(permitlisten="blog:80",permitlisten="wiki.gate.example.com:*")";
    EXPECT_EQ(http_name("", "blog", lines), "name_reserved");
    EXPECT_EQ(http_name("", "u:p@BLOG.gate.example.com/api", lines), "name_reserved");
    EXPECT_EQ(http_name("", "wiki", lines), "name_reserved");
    EXPECT_EQ(http_name(R"(permitlisten="*:80")", "blog", lines), "name_reserved")
        << "a glob is no promise";
    EXPECT_EQ(http_name(R"(permitlisten="blog:443")", "blog", lines), "blog");
    EXPECT_EQ(http_name(R"(permitlisten="blog.gate.example.com:80")", "blog", lines), "blog");
    EXPECT_EQ(http_name("", "blogs", lines), "blogs");
    EXPECT_EQ(http_name("", "blog", R"(permitlisten="blog:8080")"), "blog");
    EXPECT_EQ(http_name("", "blog", R"(permitlisten="b*:80")"), "blog");
}

TEST(MayForward, AReservedWordIsHadOnlyByWhoseLineWritesItOut) {
    EXPECT_EQ(http_name("", "admin"), "name_reserved");
    EXPECT_EQ(http_name("", "Intranet.gate.example.com"), "name_reserved");
    EXPECT_EQ(http_name(R"(permitlisten="*:*")", "intranet"), "name_reserved");
    EXPECT_EQ(http_name(R"(permitlisten="intranet:80")", "intranet"), "intranet");
}

TEST(MayForward, ADerivedNameIsNoneThatOthersWerePromised) {
    const std::string first = http::derived_label("SHA256:owner", "reeve");
    EXPECT_EQ(http_name("", ""), first);
    EXPECT_EQ(http_name("", "", "permitlisten=\"" + first + ":80\""),
              http::derived_label("SHA256:owner", "reeve", 1));
    EXPECT_EQ(http_name(R"(permitlisten="blog:80")", ""), "listen_not_permitted");
    EXPECT_EQ(http_name(R"(permitlisten="80")", ""), first);
}

TEST(MayForward, AnHttpNameNeedsForwardingAndNoPort) {
    EXPECT_EQ(http_name("restrict", "blog"), "forwarding_not_allowed");
    EXPECT_EQ(http_name(R"(permitlisten="blog:80")", "u:p@blog/api"), "blog");
    EXPECT_EQ(http_name(R"(permitlisten="blog:80")", "shop"), "listen_not_permitted");
    EXPECT_EQ(http_name("", "u:" + std::string(510, 'p') + "@blog/" + std::string(127, 'p')),
              "blog");
    EXPECT_EQ(http_name("", "u:" + std::string(1000, 'p') + "@blog"), "address_too_long");
}

class InAudience : public ::testing::Test {
  protected:
    [[nodiscard]] bool in(const std::string& words) const {
        return is_in_audience(caller_, "SHA256:owner", *ssh::Audience::parse(words), groups_);
    }
    Grant caller_{"SHA256:" + std::string(43, 'c'), "bob", {}, "keys:4", {}, {"ops", "bob"}};
    const conf::Groups groups_{{"by-key", {caller_.owner}},
                               {"by-principal", {"principal:ops"}},
                               {"others", {"SHA256:" + std::string(43, 'd'), "principal:dev"}}};
};

TEST_F(InAudience, AreThoseWhomItNames) {
    EXPECT_TRUE(in("any"));
    EXPECT_TRUE(in(caller_.owner));
    EXPECT_TRUE(in("others,by-key"));
    EXPECT_TRUE(in("by-principal"));
    EXPECT_FALSE(in("others"));
    EXPECT_FALSE(in("ops")) << "a principal is not a group";
    EXPECT_FALSE(in("no-such-group"));
    EXPECT_FALSE(is_in_audience(caller_, "SHA256:owner", {}, groups_));
}

TEST_F(InAudience, IsTheOwnerAlways) {
    EXPECT_TRUE(is_in_audience(caller_, caller_.owner, {}, {}));
}

}  // namespace
}  // namespace portreeve::daemon
