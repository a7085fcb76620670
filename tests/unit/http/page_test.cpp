// Pages as visitors get them, read by our own parser.
#include "daemon/http/page.h"

#include <gmock/gmock.h>

#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string written(const Page& page, const PagePlan& plan = {}) {
    std::string out;
    write_page(page, plan, out);
    return out;
}

std::string value(const Response& response, std::string_view name) {
    for (const Field& field : response->fields.all()) {
        if (field.name == name) {
            return std::string(field.value);
        }
    }
    return "(none)";
}

std::string body_of(const std::string& page) {
    return page.substr(page.find("\r\n\r\n") + 4);
}

TEST(Pages, AreWholeResponses) {
    for (const Page& page :
         {not_found_page(), fault_page({400, "something is wrong"}), fault_page({414, "too long"}),
          fault_page({431, "too many"}), fault_page({501, "unknown"}), fault_page({505, "old"}),
          target_page(), held_page("away", 30), credentials_page("blog"),
          redirect_page("https://a/"), loop_page(), misdirected_page(), last_hop_page(),
          no_trace_page()}) {
        for (const bool as_html : {true, false}) {
            PagePlan plan;
            plan.as_html = as_html;
            const auto bytes = written(page, plan);
            const Response response(bytes);
            EXPECT_EQ(response->status, page.status);
            EXPECT_FALSE(response->reason.empty());
            EXPECT_EQ(response->size_bytes + std::stoul(value(response, "Content-Length")),
                      bytes.size());
            EXPECT_EQ(value(response, "Cache-Control"), "no-store");
            EXPECT_EQ(value(response, "Connection"), "close");
            EXPECT_EQ(value(response, "Content-Type"),
                      as_html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
            plan.is_head = true;
            EXPECT_EQ(written(page, plan), bytes.substr(0, response->size_bytes));
        }
    }
}

TEST(Pages, GiveNothingAwayWhereThereIsNothing) {
    const auto page = written(not_found_page());
    EXPECT_THAT(page, HasSubstr("There is nothing at this address."));
    EXPECT_THAT(page, Not(HasSubstr("portreeve")));
    EXPECT_EQ(value(Response(page), "Server"), "(none)");
}

TEST(Pages, SayWhenToComeAgain) {
    const auto text = held_text("2026-01-31T09:05:00Z");
    const auto page = written(held_page(text, 30));
    const Response response(page);
    EXPECT_EQ(value(response, "Retry-After"), "30");
    EXPECT_THAT(page, HasSubstr("out of reach since 2026-01-31T09:05:00Z."));
    EXPECT_THAT(page, HasSubstr("<meta http-equiv=\"refresh\" content=\"30\">"));
    Page still = held_page(text, 30);
    still.reloads = false;
    EXPECT_THAT(written(still), Not(HasSubstr("http-equiv")));
    EXPECT_THAT(written(held_page(text, 0)), Not(HasSubstr("Retry-After")));
}

TEST(Pages, SayWhatCannotBeTaken) {
    PagePlan plan;
    plan.as_html = false;
    EXPECT_EQ(body_of(written(fault_page({400, "there is no Host"}), plan)),
              "Bad Request\nWhat was sent cannot be taken: there is no Host.\n");
}

TEST(Pages, AreEscaped) {
    Page page;
    page.status = 503;
    page.title = "<script>alert('1')</script>";
    page.text = "a & b \"c\"";
    const auto html = written(page);
    EXPECT_THAT(html, HasSubstr("<h1>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</h1>"));
    EXPECT_THAT(html, HasSubstr("<p>a &amp; b &quot;c&quot;</p>"));
    PagePlan plan;
    plan.as_html = false;
    EXPECT_EQ(body_of(written(page, plan)), "<script>alert('1')</script>\na & b \"c\"\n");
    EXPECT_EQ(value(Response(written(page, plan)), "X-Content-Type-Options"), "nosniff");
}

TEST(Pages, AreBounded) {
    const std::string text(2 * kPageBytesMax, '<');
    Page page;
    page.status = 503;
    page.title = text;
    page.text = text;
    EXPECT_LT(written(page).size(), 14 * kPageBytesMax);
}

TEST(Pages, MayBeTheOperatorsOwn) {
    Page page = held_page("away", 30);
    page.html = "<p>Back soon & well</p>";
    PagePlan plan;
    plan.as_html = false;
    const auto bytes = written(page, plan);
    EXPECT_EQ(body_of(bytes), "<p>Back soon & well</p>");
    EXPECT_EQ(value(Response(bytes), "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(value(Response(bytes), "Content-Security-Policy"), "(none)");
}

TEST(Pages, SayWhatBecomesOfTheConnection) {
    PagePlan plan;
    plan.keeps_visitor = true;
    EXPECT_EQ(value(Response(written(not_found_page(), plan)), "Connection"), "(none)");
    plan.is_old = true;
    EXPECT_EQ(value(Response(written(not_found_page(), plan)), "Connection"), "keep-alive");
}

TEST(Pages, HaveTheDateOfTheStandard) {
    PagePlan plan;
    EXPECT_EQ(value(Response(written(not_found_page(), plan)), "Date"), "(none)");
    plan.time_s = 784111777;
    EXPECT_EQ(value(Response(written(not_found_page(), plan)), "Date"),
              "Sun, 06 Nov 1994 08:49:37 GMT");
    plan.time_s = 1'798'761'599;
    EXPECT_EQ(value(Response(written(not_found_page(), plan)), "Date"),
              "Thu, 31 Dec 2026 23:59:59 GMT");
}

TEST(Pages, LeadElsewhere) {
    EXPECT_EQ(value(Response(written(redirect_page("https://a/b?c"))), "Location"),
              "https://a/b?c");
    const auto split = written(redirect_page("https://a/\r\nSet-Cookie: x"));
    EXPECT_THAT(split, Not(HasSubstr("Set-Cookie")));
}

TEST(Pages, AskForCredentials) {
    const auto asked = [](std::string_view realm) {
        return value(Response(written(credentials_page(realm))), "WWW-Authenticate");
    };
    EXPECT_EQ(asked("blog"), "Basic realm=\"blog\", charset=\"UTF-8\"");
    EXPECT_EQ(asked("a\"b\\c\r\nX: y"), "Basic realm=\"a?b?c??X: y\", charset=\"UTF-8\"");
}

TEST(Pages, AreHtmlForBrowsers) {
    EXPECT_TRUE(
        wants_html(get("Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n").head()));
    EXPECT_TRUE(wants_html(get("accept: */*;q=0.1, Text/HTML ;q=1\r\n").head()));
    EXPECT_FALSE(wants_html(get("Accept: */*\r\n").head()));
    EXPECT_FALSE(wants_html(get("Accept: application/json\r\nX: text/html\r\n").head()));
    EXPECT_FALSE(wants_html(get("").head()));
}

TEST(Reasons, AreThereForEveryStatusOfAFaultAndOfTheControlSocket) {
    for (const unsigned status :
         {200U, 400U, 403U, 404U, 405U, 413U, 414U, 422U, 431U, 500U, 501U, 502U, 503U, 505U}) {
        EXPECT_FALSE(reason_of(static_cast<std::uint16_t>(status)).empty()) << status;
    }
    EXPECT_EQ(reason_of(299), "");
}

}  // namespace
}  // namespace portreeve::http::test
