#include "daemon/http/field.h"

#include <gtest/gtest.h>

namespace portreeve::http::test {
namespace {

TEST(FieldNames, AreKnownInAnyCase) {
    EXPECT_EQ(identify("te"), FieldId::te);
    EXPECT_EQ(identify("HOST"), FieldId::host);
    EXPECT_EQ(identify("Proxy"), FieldId::proxy);
    EXPECT_EQ(identify("Expect"), FieldId::expect);
    EXPECT_EQ(identify("Trailer"), FieldId::trailer);
    EXPECT_EQ(identify("upGrade"), FieldId::upgrade);
    EXPECT_EQ(identify("Forwarded"), FieldId::forwarded);
    EXPECT_EQ(identify("X-Real-IP"), FieldId::x_real_ip);
    EXPECT_EQ(identify("Connection"), FieldId::connection);
    EXPECT_EQ(identify("Keep-Alive"), FieldId::keep_alive);
    EXPECT_EQ(identify("Authorization"), FieldId::authorization);
    EXPECT_EQ(identify("Content-Length"), FieldId::content_length);
    EXPECT_EQ(identify("HTTP2-Settings"), FieldId::http2_settings);
    EXPECT_EQ(identify("X-Forwarded-For"), FieldId::x_forwarded_for);
    EXPECT_EQ(identify("Proxy-Connection"), FieldId::proxy_connection);
    EXPECT_EQ(identify("X-Forwarded-Host"), FieldId::x_forwarded_host);
    EXPECT_EQ(identify("X-Forwarded-Port"), FieldId::x_forwarded_port);
    EXPECT_EQ(identify("Transfer-Encoding"), FieldId::transfer_encoding);
    EXPECT_EQ(identify("X-Forwarded-Proto"), FieldId::x_forwarded_proto);
    EXPECT_EQ(identify("Proxy-Authorization"), FieldId::proxy_authorization);
}

TEST(FieldNames, AreOthersWhereALetterDiffers) {
    for (const std::string_view name :
         {"", "t", "ho", "hosts", "xost", "content-lengt", "content-length1", "contentxlength",
          "Accept", "x-forwarde", "a-name-that-is-longer-than-any-that-is-known"}) {
        EXPECT_EQ(identify(name), FieldId::other) << name;
    }
}

TEST(FieldNames, OfForwardingAreKnownByTheirBeginning) {
    EXPECT_EQ(identify("X-Forwarded-Ssl"), FieldId::x_forwarded);
    EXPECT_EQ(identify("x-forwarded-prefix-of-something-long"), FieldId::x_forwarded);
}

TEST(FieldNames, AreSeenThroughTheirDisguise) {
    for (const std::string_view name : {"Content_Length", "transfer-encoding_", "X_Forwarded_For",
                                        "x-forwarded_ssl", "HTTP2_Settings", "x_real-ip"}) {
        const bool known = !name.ends_with('_');
        EXPECT_EQ(identify(name), known ? FieldId::disguised : FieldId::other) << name;
    }
}

TEST(FieldTable, CountsAndFindsTheFirst) {
    Fields fields;
    EXPECT_TRUE(fields.add("a", "1"));
    EXPECT_TRUE(fields.add("host", "2"));
    EXPECT_TRUE(fields.add("Host", "3"));
    EXPECT_EQ(fields.count(FieldId::host), 2U);
    EXPECT_EQ(fields.first(FieldId::host), "2");
    EXPECT_EQ(fields.first(FieldId::te), "");
    fields.clear();
    EXPECT_FALSE(fields.has(FieldId::host));
    EXPECT_TRUE(fields.all().empty());
}

TEST(FieldTable, TakesNoMoreThanItsBound) {
    Fields fields;
    for (std::size_t i = 0; i < kFieldsMax; ++i) {
        EXPECT_TRUE(fields.add("te", ""));
    }
    EXPECT_FALSE(fields.add("te", ""));
    EXPECT_EQ(fields.count(FieldId::te), kFieldsMax);
}

}  // namespace
}  // namespace portreeve::http::test
