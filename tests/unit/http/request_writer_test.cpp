// What a target gets to read.
#include "daemon/http/request_writer.h"

#include "daemon/http/host.h"
#include "tests/unit/http/corpus.h"
#include "tests/unit/http/messages.h"

namespace portreeve::http::test {
namespace {

RequestPlan plan() {
    RequestPlan made;
    made.visitor = "192.0.2.1";
    made.port = 80;
    return made;
}

std::string written(const Request& request, const RequestPlan& with = plan()) {
    std::string out;
    write_request(request.head(), framing_of(request.head()).value(), with, out);
    return out;
}

// The lines of what was written that begin with `name`, without it.
std::vector<std::string> values(const std::string& head, const std::string& name) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < head.size(); at = head.find("\r\n", at) + 2) {
        const std::string line = head.substr(at, head.find("\r\n", at) - at);
        if (line.starts_with(name + ": ")) {
            found.push_back(line.substr(name.size() + 2));
        }
    }
    return found;
}

std::string value(const std::string& head, const std::string& name) {
    const auto found = values(head, name);
    EXPECT_LE(found.size(), 1U) << head;
    return found.empty() ? "(none)" : found.front();
}

std::string first_line(const Request& request, const RequestPlan& with = plan()) {
    const auto head = written(request, with);
    return head.substr(0, head.find("\r\n"));
}

TEST(RequestWriter, WritesTheWholeHead) {
    const auto request =
        get("Accept: */*\r\nhost: Blog.example\r\nConnection: keep-alive\r\nX-A: 1\r\n"
            "Content-Length: 0007\r\nx-b:2 \r\n",
            "POST /x?y HTTP/1.1");
    EXPECT_EQ(written(request),
              "POST /x?y HTTP/1.1\r\n"
              "Host: Blog.example\r\n"
              "Accept: */*\r\n"
              "X-A: 1\r\n"
              "x-b:2 \r\n"
              "Content-Length: 7\r\n"
              "X-Forwarded-For: 192.0.2.1\r\n"
              "X-Forwarded-Proto: http\r\n"
              "X-Forwarded-Host: Blog.example\r\n"
              "X-Forwarded-Port: 80\r\n"
              "X-Real-IP: 192.0.2.1\r\n"
              "Forwarded: for=192.0.2.1;host=Blog.example;proto=http\r\n"
              "\r\n");
}

TEST(RequestWriter, AppendsToWhatIsThere) {
    std::string out = "before";
    const auto request = get("Host: a\r\n");
    write_request(request.head(), Framing{}, plan(), out);
    EXPECT_TRUE(out.starts_with("beforeGET / HTTP/1.1\r\nHost: a\r\n")) << out;
}

TEST(RequestWriter, SpeaksItsOwnVersion) {
    EXPECT_EQ(first_line(get("Host: a\r\n", "GET / HTTP/1.0")), "GET / HTTP/1.1");
}

TEST(RequestWriter, AsksForThePathOfAnAbsoluteAddress) {
    const auto line = [](const std::string& method, const std::string& uri) {
        return first_line(get("Host: a\r\n", method + " " + uri + " HTTP/1.1"));
    };
    EXPECT_EQ(line("GET", "http://a/b?c"), "GET /b?c HTTP/1.1");
    EXPECT_EQ(line("GET", "http://a"), "GET / HTTP/1.1");
    EXPECT_EQ(line("GET", "http://a?c"), "GET /?c HTTP/1.1");
    EXPECT_EQ(line("OPTIONS", "http://a"), "OPTIONS * HTTP/1.1");
    EXPECT_EQ(line("OPTIONS", "http://a/"), "OPTIONS / HTTP/1.1");
    EXPECT_EQ(line("OPTIONS", "*"), "OPTIONS * HTTP/1.1");
}

TEST(RequestWriter, SaysTheHostOfAnAbsoluteAddress) {
    const auto head = written(get("Host: a\r\n", "GET http://b:8080/ HTTP/1.1"));
    EXPECT_EQ(value(head, "Host"), "b:8080");
    EXPECT_EQ(value(head, "X-Forwarded-Host"), "b:8080");
    EXPECT_EQ(value(head, "Forwarded"), "for=192.0.2.1;host=\"b:8080\";proto=http");
    EXPECT_EQ(value(written(get("", "GET http://b/ HTTP/1.0")), "Host"), "b");
}

TEST(RequestWriter, CountsTheHopsOfThoseWhoLimitThem) {
    const auto left = [](const std::string& method, const std::string& fields) {
        return value(written(get("Host: a\r\n" + fields, method + " / HTTP/1.1")), "Max-Forwards");
    };
    EXPECT_EQ(left("TRACE", "max-forwards: 10\r\n"), "9");
    EXPECT_EQ(left("OPTIONS", "Max-Forwards: 1\r\nMax-Forwards: 7\r\n"), "0");
    EXPECT_EQ(left("OPTIONS", "Max-Forwards: x\r\n"), "x");
    EXPECT_EQ(left("OPTIONS", ""), "(none)");
    EXPECT_EQ(left("GET", "Max-Forwards: 0\r\n"), "0");
    const auto request = get("Host: a\r\nMax-Forwards: 0\r\n", "OPTIONS * HTTP/1.1");
    EXPECT_EQ(hops_left(request.head()), 0U);
}

TEST(RequestWriter, StripsThePath) {
    const auto line = [](const std::string& uri, std::string_view strip) {
        RequestPlan with = plan();
        with.strip_path = strip;
        return first_line(get("Host: a\r\n", "GET " + uri + " HTTP/1.1"), with);
    };
    EXPECT_EQ(line("/app/x?y", "/app"), "GET /x?y HTTP/1.1");
    EXPECT_EQ(line("/app", "/app"), "GET / HTTP/1.1");
    EXPECT_EQ(line("/app?y", "/app"), "GET /?y HTTP/1.1");
    EXPECT_EQ(line("/app/", "/app/"), "GET / HTTP/1.1");
    EXPECT_EQ(line("/apple", "/app"), "GET /apple HTTP/1.1");
    EXPECT_EQ(line("/other", "/app"), "GET /other HTTP/1.1");
    EXPECT_EQ(line("/x", "/"), "GET /x HTTP/1.1");
    EXPECT_EQ(line("http://a/app/x", "/app"), "GET /x HTTP/1.1");
}

TEST(RequestWriter, TakesOutWhatIsBetweenTwoHops) {
    const auto head = written(
        get("Host: a\r\nConnection: close, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\n"
            "Proxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: websocket\r\n"
            "HTTP2-Settings: AAA\r\nProxy-Authorization: Basic eA==\r\nProxy: http://evil\r\n"
            "Trailer: Checksum\r\nX-Stays: 1\r\n"));
    for (const std::string name : {"Connection", "Keep-Alive", "X-Hop", "Proxy-Connection", "TE",
                                   "Upgrade", "HTTP2-Settings", "Proxy-Authorization", "Proxy"}) {
        EXPECT_EQ(value(head, name), "(none)");
    }
    EXPECT_EQ(value(head, "X-Stays"), "1");
    EXPECT_EQ(value(head, "Trailer"), "Checksum");
}

// A visitor must not be able to take away what is said of it, nor the length.
TEST(RequestWriter, KeepsWhatConnectionHasNoBusinessToName) {
    const auto head =
        written(get("Host: a\r\nConnection: Host, Content-Length, X-Forwarded-For, X-Real-IP\r\n"
                    "Content-Length: 5\r\n"));
    EXPECT_EQ(value(head, "Host"), "a");
    EXPECT_EQ(value(head, "Content-Length"), "5");
    EXPECT_EQ(value(head, "X-Forwarded-For"), "192.0.2.1");
    EXPECT_EQ(value(head, "X-Real-IP"), "192.0.2.1");
}

TEST(RequestWriter, KeepsTrailersAsTheOnlyCodingAskedFor) {
    const auto head = written(get("Host: a\r\nTE: deflate, Trailers\r\nConnection: TE\r\n"));
    EXPECT_EQ(value(head, "TE"), "trailers");
    EXPECT_EQ(value(head, "Connection"), "TE");
}

TEST(RequestWriter, PassesUpgradesOn) {
    const auto head =
        written(get("Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Key: x\r\nTE: trailers\r\n"));
    EXPECT_EQ(value(head, "Connection"), "Upgrade, TE");
    EXPECT_EQ(value(head, "Upgrade"), "websocket");
    EXPECT_EQ(value(head, "Sec-WebSocket-Key"), "x");
}

TEST(RequestWriter, PassesExpectOnWhereItIsUnderstood) {
    EXPECT_EQ(value(written(get("Host: a\r\nExpect: 100-continue\r\n")), "Expect"), "100-continue");
    const auto old = get("Host: a\r\nExpect: 100-continue\r\n", "POST / HTTP/1.0");
    EXPECT_EQ(value(written(old), "Expect"), "(none)");
}

TEST(RequestWriter, WritesTheFramingAnew) {
    EXPECT_EQ(value(written(get("Host: a\r\n")), "Content-Length"), "(none)");
    EXPECT_EQ(value(written(get("Host: a\r\nContent-Length: 0\r\n")), "Content-Length"), "0");
    const auto head = written(get("Host: a\r\nTRANSFER-ENCODING:\tCHUNKED \r\n"));
    EXPECT_EQ(value(head, "Transfer-Encoding"), "chunked");
    EXPECT_EQ(head.find("CHUNKED"), std::string::npos);
}

TEST(RequestWriter, ReplacesHostAndTellsOfTheOldOne) {
    RequestPlan with = plan();
    with.host = "localhost:3000";
    const auto head = written(get("Host: blog.example:8080\r\n"), with);
    EXPECT_EQ(value(head, "Host"), "localhost:3000");
    EXPECT_EQ(value(head, "X-Forwarded-Host"), "blog.example:8080");
    EXPECT_EQ(value(head, "Forwarded"), "for=192.0.2.1;host=\"blog.example:8080\";proto=http");
}

TEST(RequestWriter, KeepsAThiefOfNamesOut) {
    const auto head =
        written(get("Host: a\r\nX_Forwarded_For: 1.1.1.1\r\nContent_Length: 5\r\n"
                    "Transfer_Encoding: chunked\r\nX-Forwarded_Proto: https\r\n"));
    EXPECT_EQ(head.find('_'), std::string::npos) << head;
}

TEST(RequestWriter, DropsCredentialsWhereTheyWereForTheGate) {
    RequestPlan with = plan();
    const auto request = get("Host: a\r\nAuthorization: Basic eA==\r\n");
    EXPECT_EQ(value(written(request, with), "Authorization"), "Basic eA==");
    with.drops_authorization = true;
    EXPECT_EQ(value(written(request, with), "Authorization"), "(none)");
}

constexpr std::string_view kForged =
    "Host: a\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-Host: b\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 198.51.100.7\r\n"
    "X-Forwarded-Ssl: on\r\nForwarded: for=198.51.100.7\r\n";

TEST(Forwarding, BelievesNoStranger) {
    const auto head = written(get(kForged));
    EXPECT_EQ(head.find("198.51.100.7"), std::string::npos) << head;
    EXPECT_EQ(value(head, "X-Forwarded-For"), "192.0.2.1");
    EXPECT_EQ(value(head, "X-Forwarded-Proto"), "http");
    EXPECT_EQ(value(head, "X-Forwarded-Host"), "a");
    EXPECT_EQ(value(head, "X-Forwarded-Port"), "80");
    EXPECT_EQ(value(head, "X-Real-IP"), "192.0.2.1");
    EXPECT_EQ(value(head, "X-Forwarded-Ssl"), "(none)");
    EXPECT_EQ(value(head, "Forwarded"), "for=192.0.2.1;host=a;proto=http");
}

TEST(Forwarding, AddsToWhatTrustedProxiesSay) {
    RequestPlan with = plan();
    with.is_trusted = true;
    const auto head = written(get(kForged), with);
    EXPECT_EQ(value(head, "X-Forwarded-For"), "198.51.100.7, 192.0.2.1");
    EXPECT_EQ(value(head, "X-Forwarded-Proto"), "https");
    EXPECT_EQ(value(head, "X-Forwarded-Host"), "b");
    EXPECT_EQ(value(head, "X-Forwarded-Port"), "443");
    EXPECT_EQ(value(head, "X-Real-IP"), "198.51.100.7");
    EXPECT_EQ(value(head, "X-Forwarded-Ssl"), "on");
    EXPECT_EQ(value(head, "Forwarded"), "for=198.51.100.7, for=192.0.2.1;host=a;proto=http");
}

TEST(Forwarding, JoinsSeveralLinesToOne) {
    RequestPlan with = plan();
    with.is_trusted = true;
    with.real_ip = "1.1.1.1";
    const auto head =
        written(get("Host: a\r\nX-Forwarded-For: 1.1.1.1\r\nX: y\r\nX-Forwarded-For:\r\n"
                    "X-Forwarded-For: 2.2.2.2, 3.3.3.3\r\n"),
                with);
    EXPECT_EQ(value(head, "X-Forwarded-For"), "1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.1");
    EXPECT_EQ(value(head, "X-Real-IP"), "1.1.1.1");
}

TEST(Forwarding, SaysInForwardedWhatTrustedProxiesSaidElsewhere) {
    RequestPlan with = plan();
    with.is_trusted = true;
    const auto head = written(
        get("Host: a\r\nX-Forwarded-For: 2001:db8::1, [2001:db8::2]:80, 1.1.1.1:80, a\"b\\\r\n"
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\n"),
        with);
    EXPECT_EQ(value(head, "Forwarded"),
              "for=\"[2001:db8::1]\";host=b.example;proto=https, for=\"[2001:db8::2]:80\", "
              "for=\"1.1.1.1:80\", for=\"a\\\"b\\\\\", for=192.0.2.1;host=a;proto=http");
}

TEST(Forwarding, WritesAddressesOfIpv6InQuotesAndBrackets) {
    RequestPlan with = plan();
    with.visitor = "2001:db8::1";
    with.is_tls = true;
    with.port = 443;
    with.by = "_gate-7";
    const auto head = written(get("Host: [::1]:443\r\n"), with);
    EXPECT_EQ(value(head, "X-Forwarded-For"), "2001:db8::1");
    EXPECT_EQ(value(head, "X-Forwarded-Proto"), "https");
    EXPECT_EQ(value(head, "X-Forwarded-Port"), "443");
    EXPECT_EQ(value(head, "Forwarded"),
              "for=\"[2001:db8::1]\";host=\"[::1]:443\";proto=https;by=_gate-7");
}

TEST(Forwarding, SeesARequestComeRoundAgain) {
    RequestPlan with = plan();
    with.by = "_gate-7";
    const Request again(written(get("Host: a\r\n"), with));
    EXPECT_TRUE(has_passed(again.head(), "_gate-7"));
    EXPECT_FALSE(has_passed(again.head(), "_gate"));
    EXPECT_FALSE(has_passed(again.head(), "gate-7"));
    EXPECT_FALSE(has_passed(again.head(), "_gate-77"));
    EXPECT_FALSE(has_passed(again.head(), ""));
    EXPECT_TRUE(has_passed(get("Forwarded: for=_g;by=_g, for=a\r\n").head(), "_g"));
    EXPECT_FALSE(has_passed(get("Forwarded: for=_g\r\nX: by=_g\r\n").head(), "_g"));
}

TEST(Forwarding, FindsTheVisitorBehindTrustedProxies) {
    const auto request = get(
        "X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\nX: y\r\nX-Forwarded-For: , 10.0.0.2,10.0.0.1 ,\r\n");
    const auto inside = [](std::string_view address) { return address.starts_with("10."); };
    EXPECT_EQ(visitor_behind(request.head(), inside), "1.1.1.1");
    EXPECT_EQ(visitor_behind(request.head(), [](std::string_view) { return true; }), "9.9.9.9");
    EXPECT_EQ(visitor_behind(request.head(), [](std::string_view) { return false; }), "10.0.0.1");
    EXPECT_EQ(visitor_behind(get("").head(), inside), "");
    EXPECT_EQ(visitor_behind(get("X-Forwarded-For: ,\r\n").head(), inside), "");
}

TEST(Paths, AreBelowAPrefixAtItsSlash) {
    EXPECT_TRUE(is_below("/a/b", "/a"));
    EXPECT_TRUE(is_below("/a", "/a"));
    EXPECT_TRUE(is_below("/a?b", "/a"));
    EXPECT_TRUE(is_below("/a/b", "/a/"));
    EXPECT_TRUE(is_below("/a", "/a/"));
    EXPECT_TRUE(is_below("/a", "/"));
    EXPECT_TRUE(is_below("/a", ""));
    EXPECT_FALSE(is_below("/ab", "/a"));
    EXPECT_FALSE(is_below("/", "/a"));
    EXPECT_FALSE(is_below("/A", "/a"));
}

TEST(Paths, HaveDotSegmentsHoweverTheyAreWritten) {
    for (const char* path :
         {"/a/../b", "/a/..", "/.", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "..", "/a%2f..%2fb",
          "/a\\..\\b", "/a/%2e?x", "/%5c..%5C", "/a/..;/b", "/a/.;x/b", "/..;"}) {
        EXPECT_TRUE(has_dot_segment(path)) << path;
    }
    for (const char* path :
         {"/", "", "*", "/a.b/c", "/...", "/..a", "/a..", "/.well-known/x", "/a?/../b", "/%2",
          "/a%2", "/%2e%2e%2e", "/.a/.b", "/..%20/", "/a;../b", "/a;x=..", "/..a;/b"}) {
        EXPECT_FALSE(has_dot_segment(path)) << path;
    }
}

// Whatever is taken is read by the next one as it was read here, and goes through unchanged then,
// as long as there is room for the fields that are added.
TEST(RequestWriter, WritesWhatReadsTheSame) {
    for (const Case& example : read_corpus()) {
        RequestHead head;
        const auto whole = parse(example.sent, head);
        if (example.is_response || !whole || !*whole || !framing_of(head) ||
            head.fields.all().size() > kFieldsMax - 10) {
            continue;
        }
        SCOPED_TRACE(example.name);
        std::string out;
        write_request(head, *framing_of(head), plan(), out);
        const Request again(out);
        EXPECT_EQ(again->size_bytes, out.size());
        EXPECT_EQ(again->method, head.method);
        EXPECT_EQ(framing_of(again.head()), framing_of(head));
        EXPECT_EQ(again->fields.first(FieldId::host), host_text(head));
        std::string twice;
        write_request(again.head(), *framing_of(again.head()), plan(), twice);
        EXPECT_EQ(twice, out);
    }
}

}  // namespace
}  // namespace portreeve::http::test
