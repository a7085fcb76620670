// What the address of a forward on port 80 or 443 means, and which there cannot be.

#include "daemon/http_names.h"

#include <gmock/gmock.h>

#include "daemon/http/basic_auth.h"
#include "daemon/http/label.h"

namespace portreeve::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

conf::Http rules() {
    conf::Http http;
    http.domain = "gate.example.com";
    http.reserved = {"intranet"};
    return http;
}

tl::expected<HttpName, Refusal> name_of(const std::string& address) {
    return http_name_of({address, 80}, "SHA256:owner", "ann", rules());
}

// "USER:PASSWORD HOST PATH", or the refusal's code.
std::string meaning(const std::string& address) {
    const auto name = name_of(address);
    if (!name) {
        return std::string(std::string_view(name.error().code));
    }
    return name->credentials + (name->credentials.empty() ? "" : " ") + name->host +
           (name->path.empty() ? "" : " ") + name->path;
}

struct Case {
    std::string address;
    std::string means;
};

class HttpNamesMean : public ::testing::TestWithParam<Case> {};

TEST_P(HttpNamesMean, WhatTheySay) {
    EXPECT_EQ(meaning(GetParam().address), GetParam().means);
}

const std::string kLongLabel(63, 'a');
const std::string kLongPath = "/" + std::string(127, 'p');

INSTANTIATE_TEST_SUITE_P(
    Fine, HttpNamesMean,
    ::testing::Values(Case{"blog", "blog.gate.example.com"}, Case{"BLOG", "blog.gate.example.com"},
                      Case{"blog.gate.example.com", "blog.gate.example.com"},
                      Case{"Blog.Gate.Example.COM", "blog.gate.example.com"},
                      Case{"xn--bcher-kva", "xn--bcher-kva.gate.example.com"},
                      Case{kLongLabel, kLongLabel + ".gate.example.com"},
                      Case{"4", "4.gate.example.com"}, Case{"blog/", "blog.gate.example.com"},
                      Case{"blog/api", "blog.gate.example.com /api"},
                      Case{"blog/api/", "blog.gate.example.com /api"},
                      Case{"blog/Api/v1.2", "blog.gate.example.com /Api/v1.2"},
                      Case{"blog/...", "blog.gate.example.com /..."},
                      Case{"blog" + kLongPath, "blog.gate.example.com " + kLongPath},
                      Case{"user:pass@blog", "user:pass blog.gate.example.com"},
                      Case{"user:p:a@s@blog", "user:p:a@s blog.gate.example.com"},
                      Case{"user:pass word@blog.gate.example.com/api",
                           "user:pass word blog.gate.example.com /api"},
                      Case{"admin", "admin.gate.example.com"}));

INSTANTIATE_TEST_SUITE_P(
    NotValid, HttpNamesMean,
    ::testing::Values(
        Case{"bl_og", "name_not_valid"}, Case{"-blog", "name_not_valid"},
        Case{"blog-", "name_not_valid"}, Case{"bl og", "name_not_valid"},
        Case{"ab--c", "name_not_valid"}, Case{kLongLabel + "a", "name_not_valid"},
        Case{"a.blog.gate.example.com", "name_not_valid"},
        Case{".gate.example.com", "name_not_valid"}, Case{"gate.example.com", "name_not_valid"},
        Case{"blog.gate.example.com.", "name_not_valid"}, Case{"blog.", "name_not_valid"},
        Case{"blog:8080", "name_not_valid"}, Case{"user:pass@127.0.0.1", "name_not_valid"},
        Case{"127.0.0.1/api", "name_not_valid"}, Case{"blog//api", "name_not_valid"},
        Case{"blog/api//", "name_not_valid"}, Case{"blog/a/../b", "name_not_valid"},
        Case{"blog/.", "name_not_valid"}, Case{"blog/..", "name_not_valid"},
        Case{"blog/a?b", "name_not_valid"}, Case{"blog/a#b", "name_not_valid"},
        Case{"blog/a b", "name_not_valid"}, Case{"blog/@me", "name_not_valid"},
        Case{"blog" + kLongPath + "p", "name_not_valid"}, Case{"user@blog", "name_not_valid"},
        Case{"@blog", "name_not_valid"}, Case{":pass@blog", "name_not_valid"},
        Case{"user:@blog", "name_not_valid"}, Case{"user:pa/ss@blog", "name_not_valid"},
        Case{"user:pa\nss@blog", "name_not_valid"},
        Case{"u:" + std::string(http::kCredentialsBytesMax - 1, 'p') + "@blog", "name_not_valid"}));

INSTANTIATE_TEST_SUITE_P(Domains, HttpNamesMean,
                         ::testing::Values(Case{"a..example.org", "name_not_valid"},
                                           Case{"a b.example.org", "name_not_valid"},
                                           Case{"127.1", "name_not_valid"},
                                           Case{"127.0.0.256", "name_not_valid"},
                                           Case{".example.org", "name_not_valid"},
                                           Case{"example.org.", "name_not_valid"}));

TEST(HttpNames, DomainsElsewhereAreNamedAsTheyAreAndNeedAProof) {
    const conf::Http http = rules();
    for (const char* address : {"App.example.org", "u:p@app.example.org/api"}) {
        const auto name = name_of(address);
        ASSERT_TRUE(name) << address;
        EXPECT_EQ(name->host, "app.example.org");
        EXPECT_TRUE(needs_proof(name->host, http));
    }
    for (const char* host : {"evilgate.example.com", "example.com", "gate.example.com.evil.org"}) {
        EXPECT_TRUE(needs_proof(host, http)) << host;
    }
    EXPECT_FALSE(needs_proof("blog.gate.example.com", http));
}

TEST(HttpNames, WhatIsAskedForWithoutANameIsMadeFromTheOwner) {
    for (const char* address : {"", "localhost", "LocalHost", "*", "/api", "u:p@", "u:p@*/api"}) {
        const auto name = name_of(address);
        ASSERT_TRUE(name) << address;
        EXPECT_TRUE(name->is_derived);
        EXPECT_EQ(name->host, http::derived_label("SHA256:owner", "ann") + ".gate.example.com");
        EXPECT_THAT(name->other_hosts, SizeIs(7));
        EXPECT_EQ(name->other_hosts.front(),
                  http::derived_label("SHA256:owner", "ann", 1) + ".gate.example.com");
    }
    EXPECT_EQ(name_of("u:p@/api")->credentials, "u:p");
    EXPECT_EQ(name_of("u:p@/api")->path, "/api");
    EXPECT_FALSE(name_of("blog")->is_derived);
}

TEST(HttpNames, AreAskedForOnTwoPortsOnceThereIsADomain) {
    EXPECT_TRUE(is_http_wish({"blog", 80}, rules()));
    EXPECT_TRUE(is_http_wish({"", 443}, rules()));
    EXPECT_FALSE(is_http_wish({"blog", 8080}, rules()));
    EXPECT_FALSE(is_http_wish({"blog", 80}, {}));
    EXPECT_FALSE(is_http_wish({"127.0.0.1", 80}, rules())) << "an address stays one";
    EXPECT_FALSE(is_http_wish({"::", 443}, rules()));
}

TEST(HttpNames, ARefusalSaysWhichRuleAndNoPassword) {
    const auto sentence = [](const std::string& address) {
        return name_of(address).error().sentence;
    };
    EXPECT_THAT(sentence("bl_og"), HasSubstr("letters, digits and \"-\""));
    EXPECT_THAT(sentence("gate.example.com"), HasSubstr("this server's own"));
    EXPECT_THAT(sentence("a.b.gate.example.com"), HasSubstr("only one label"));
    EXPECT_THAT(sentence("app..example.org"), HasSubstr("single dots"));
    EXPECT_THAT(sentence("blog/a/../b"), HasSubstr("\"..\""));
    EXPECT_THAT(sentence("blog" + kLongPath + "p"), HasSubstr("128 characters"));
    EXPECT_THAT(sentence("user@blog"), HasSubstr("USER:PASSWORD"));
    for (const char* address :
         {"user:secret@bl_og", "user:secret/secret@blog", "secret@blog", "user:secret@blog//",
          "user:secret@app..example.org", "user:secret@blog/@secret", "user:secret@127.0.0.1"}) {
        const auto name = name_of(address);
        ASSERT_FALSE(name) << address;
        EXPECT_THAT(name.error().sentence, Not(HasSubstr("user:"))) << address;
    }
    EXPECT_THAT(sentence("user:secret@bl_og"), Not(HasSubstr("secret")));
    EXPECT_THAT(sentence("user:secret/secret@blog"), Not(HasSubstr("secret")));
}

TEST(HttpNames, ThatVisitorsTakeForTheServersOwnAreReserved) {
    EXPECT_TRUE(is_reserved_host("admin.gate.example.com", rules()));
    EXPECT_TRUE(is_reserved_host("intranet.gate.example.com", rules()));
    EXPECT_FALSE(is_reserved_host("blog.gate.example.com", rules()));
}

TEST(HttpNames, AreWrittenAsUrls) {
    HttpUrls urls{"http", 80, "gate.example.com"};
    EXPECT_EQ(urls.text("blog.gate.example.com", "/api"), "http://blog.gate.example.com/api");
    urls.port = 8080;
    EXPECT_EQ(urls.text("blog.gate.example.com", ""), "http://blog.gate.example.com:8080");
    urls.port = 443;
    EXPECT_EQ(urls.text("blog.gate.example.com", ""), "http://blog.gate.example.com:443");
    urls.scheme = "https";
    EXPECT_EQ(urls.text("blog.gate.example.com", ""), "https://blog.gate.example.com");
    EXPECT_EQ(urls.name("blog.gate.example.com"), "blog");
    EXPECT_EQ(urls.name("app.example.org"), "app.example.org");
    conf::Http http = rules();
    http.listen = {{"127.0.0.1", 8080}, {"::", 80}};
    EXPECT_EQ(http_urls(http).text("a.gate.example.com", ""), "http://a.gate.example.com:8080");
    http.listen = {};
    EXPECT_EQ(http_urls(http).text("a.gate.example.com", ""), "http://a.gate.example.com");
}

// Of a permitlisten and an address on a port.
bool permitted(const std::string& pattern, const std::string& address, std::uint32_t port = 80) {
    const ssh::ForwardWish wish{address, port};
    const auto name = http_name_of(wish, "SHA256:owner", "ann", rules());
    return permits_http(*ssh::ListenPattern::parse(pattern), wish, *name, rules());
}

TEST(HttpNames, ArePermittedByLabelAndByHost) {
    EXPECT_TRUE(permitted("blog:80", "blog"));
    EXPECT_TRUE(permitted("blog:80", "user:pass@blog/api"));
    EXPECT_TRUE(permitted("blog:80", "blog.gate.example.com"));
    EXPECT_TRUE(permitted("blog.gate.example.com:80", "blog"));
    EXPECT_TRUE(permitted("*.gate.example.com:80", "blog"));
    EXPECT_TRUE(permitted("*:*", "blog"));
    EXPECT_TRUE(permitted("bl?g:80", "blog"));
    EXPECT_FALSE(permitted("blog:80", "blogs"));
    EXPECT_FALSE(permitted("*m:80", "blog")) << "without a dot it is about the label";
    EXPECT_FALSE(permitted("80", "blog")) << "a bare port is for no name";
}

TEST(HttpNames, ArePermittedByEitherPort) {
    for (const char* pattern : {"blog:80", "blog:443", "blog:*", "blog:80-90"}) {
        EXPECT_TRUE(permitted(pattern, "blog", 80)) << pattern;
        EXPECT_TRUE(permitted(pattern, "blog", 443)) << pattern;
    }
    EXPECT_FALSE(permitted("blog:8080", "blog"));
}

TEST(HttpNames, MadeFromTheOwnerArePermittedAsAPortWithoutAddress) {
    EXPECT_TRUE(permitted("80", ""));
    EXPECT_TRUE(permitted("443", "localhost"));
    EXPECT_TRUE(permitted("localhost:80", "localhost"));
    EXPECT_TRUE(permitted("localhost:80", "u:p@localhost/api"));
    EXPECT_FALSE(permitted("localhost:80", ""));
    EXPECT_TRUE(permitted("*:80", "localhost"));
    EXPECT_FALSE(permitted("blog:80", "localhost"));
    EXPECT_FALSE(permitted("8080", ""));
}

}  // namespace
}  // namespace portreeve::daemon
