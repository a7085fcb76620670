#include "daemon/http/basic_auth.h"

#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

bool lets_in(std::string_view authorization, std::string_view credentials = "user:secret") {
    const auto request = get("Authorization: " + std::string(authorization) + "\r\n");
    return has_credentials(request.head(), credentials);
}

TEST(BasicAuth, LetsInWhoHasBoth) {
    EXPECT_TRUE(lets_in("Basic dXNlcjpzZWNyZXQ="));
    EXPECT_TRUE(lets_in("bASIC   dXNlcjpzZWNyZXQ="));
    EXPECT_TRUE(lets_in("Basic dXNlcjpzZWNyZXQ"));
    EXPECT_TRUE(lets_in("Basic w7w6w7w=", "\xc3\xbc:\xc3\xbc"));
    EXPECT_TRUE(lets_in("Basic //79", "\xff\xfe\xfd"));
    EXPECT_TRUE(lets_in("Basic YTpiOmM=", "a:b:c"));
}

TEST(BasicAuth, LetsNobodyElseIn) {
    for (const std::string_view value : {
             "Basic dXNlcjpzZWNyZXI=",     // user:secrer
             "Basic dXNlcjpzZWNyZQ==",     // user:secre
             "Basic dXNlcjpzZWNyZXQA",     // with a NUL behind it
             "Basic dXNlcjpzZWNyZXRz",     // with a letter behind it
             "Basic dXNlcjo=",             // no password
             "Basic ",                     // nothing
             "Basic ====",                 // nothing
             "Basic dXNlcjpzZWNyZXQ===",   // no base64
             "Basic dXNl cjpzZWNyZXQ=",    // two words
             "Basic dXNlcjpzZWNyZX-",      // no base64
             "Basic",                      // no credentials
             "BasicdXNlcjpzZWNyZXQ=",      // no space
             "Bearer dXNlcjpzZWNyZXQ=",    // another scheme
             "Digest username=\"user\"",   // another one
             "Basic dXNlcjpzZWNyZXQ=, x",  // more than that
             "dXNlcjpzZWNyZXQ=",           // no scheme
         }) {
        EXPECT_FALSE(lets_in(value)) << value;
    }
    EXPECT_FALSE(has_credentials(get("").head(), "user:secret"));
    const auto twice =
        get("Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
            "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n");
    EXPECT_FALSE(has_credentials(twice.head(), "user:secret"));
}

TEST(BasicAuth, IsBounded) {
    EXPECT_FALSE(lets_in("Basic ", ""));
    const std::string longest(kCredentialsBytesMax, '\0');
    std::string base64(kCredentialsBytesMax / 3 * 4, 'A');
    EXPECT_TRUE(lets_in("Basic " + base64 + "AAA=", longest));
    EXPECT_FALSE(lets_in("Basic " + base64 + "AAAA", longest));
    EXPECT_FALSE(lets_in("Basic " + base64 + "AAAA", longest + std::string(1, '\0')));
    EXPECT_FALSE(lets_in("Basic " + base64 + base64, longest));
}

}  // namespace
}  // namespace portreeve::http::test
