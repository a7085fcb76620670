#include "daemon/tunnel_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace portreeve::daemon {
namespace {

TunnelEntry entry() {
    TunnelEntry made;
    made.name = "pc42";
    made.user = "pc42";
    made.requested = "localhost:0";
    made.address = "::1";
    made.addresses = {"::1"};
    made.port = 20'001;
    made.client = "192.0.2.1:4022";
    made.since_s = 1'767'225'600;
    made.traffic = {2, 5, 2048, 100};
    return made;
}

TEST(TunnelEntryTest, TrafficIsOneMoreObjectAndOnlyWhereItIsAskedFor) {
    const auto plain = array_of({entry()}, Detail::plain);
    auto with_traffic = array_of({entry()}, Detail::traffic);
    EXPECT_EQ(with_traffic[0]["traffic"].dump(),
              R"({"visitors":2,"visitors_total":5,"bytes_in":2048,"bytes_out":100})");
    with_traffic[0].erase("traffic");
    EXPECT_EQ(plain, with_traffic);
    EXPECT_EQ(plain[0].dump(), json_of(entry()));
}

TEST(TunnelEntryTest, TheTableHasALineForEachUnderItsHeadings) {
    TunnelEntry other = entry();
    other.name = "a much longer name\x1b[2J";
    other.held = true;
    other.error = "lost: gone";
    other.error_s = other.since_s;
    EXPECT_EQ(table_of(array_of({entry(), other}, Detail::traffic)),
              "NAME                    KIND  ADDRESS      STATE  SINCE                 VISITORS  "
              "BYTES                  CLIENT          LAST ERROR\n"
              "pc42                    tcp   [::1]:20001  open   2026-01-01T00:00:00Z  2 of 5    "
              "2.0 KiB in, 100 B out  192.0.2.1:4022\n"
              "a much longer name?[2J  tcp   [::1]:20001  held   2026-01-01T00:00:00Z  2 of 5    "
              "2.0 KiB in, 100 B out  192.0.2.1:4022  lost: gone (2026-01-01T00:00:00Z)\n");
    EXPECT_EQ(table_of(array_of({}, Detail::traffic)), "");
}

TunnelEntry http_entry() {
    TunnelEntry made = entry();
    made.name = "blog";
    made.kind = LeaseKind::http;
    made.requested = "blog/api:80";
    made.address = "blog.gate.example.com";
    made.addresses = {};
    made.port = 80;
    made.url = "http://blog.gate.example.com/api";
    return made;
}

TEST(TunnelEntryTest, AnHttpNameHasAUrlBehindItsPort) {
    const std::string text = json_of(http_entry());
    EXPECT_THAT(text, ::testing::HasSubstr(R"("kind":"http")"));
    EXPECT_THAT(text, ::testing::HasSubstr(
                          R"("port":80,"url":"http://blog.gate.example.com/api","client")"));
    EXPECT_THAT(json_of(entry()), ::testing::Not(::testing::HasSubstr("url")));
    EXPECT_THAT(table_of(array_of({http_entry()}, Detail::traffic)),
                ::testing::HasSubstr("\nblog  http  http://blog.gate.example.com/api  open "));
}

TEST(TunnelEntryTest, IsCalledByWhatItIsShownAs) {
    for (const char* called :
         {"blog", "blog:80", "blog.gate.example.com", "http://blog.gate.example.com/api"}) {
        EXPECT_TRUE(http_entry().is_called(called)) << called;
    }
    EXPECT_FALSE(http_entry().is_called("80")) << "it is every http name's";
    EXPECT_FALSE(http_entry().is_called("pc42")) << "its client's label";
    EXPECT_TRUE(http_entry().is_called("Blog:80"));
    EXPECT_TRUE(http_entry().is_called("BLOG.gate.example.com"));
    EXPECT_FALSE(http_entry().is_called("http://blog.gate.example.com/API")) << "another path";
    TunnelEntry name = entry();
    name.kind = LeaseKind::name;
    name.name = "Abc";
    name.port = 22;
    for (const char* called : {"Abc", "abc", "ABC:22"}) {
        EXPECT_TRUE(name.is_called(called)) << called;
    }
    EXPECT_FALSE(name.is_called("abcd"));
    EXPECT_FALSE(name.is_called("22"));
    EXPECT_FALSE(entry().is_called("PC42")) << "a user name, of another client maybe";
    EXPECT_TRUE(entry().is_called("20001"));
    EXPECT_FALSE(entry().is_called("::1"));
    EXPECT_FALSE(entry().is_called(""));
}

TEST(TunnelEntryTest, TheTablesColumnsAreThoseOfATerminal) {
    TunnelEntry umlaut = entry();
    umlaut.name = "m\xc3\xbcller";
    const std::string table = table_of(array_of({umlaut}, Detail::traffic));
    EXPECT_THAT(table, ::testing::StartsWith("NAME    KIND"));
    EXPECT_THAT(table, ::testing::HasSubstr("\nm\xc3\xbcller  tcp "));
}

}  // namespace
}  // namespace portreeve::daemon
