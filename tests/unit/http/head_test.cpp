// What is read out of heads, and what a connection keeps while one is not whole. What is refused,
// and with which status, is in the corpus.
#include "daemon/http/head.h"

#include <gtest/gtest.h>

#include <array>

namespace portreeve::http::test {
namespace {

RequestHead request(std::string_view bytes) {
    RequestHead head;
    HeadProgress progress;
    const auto whole = parse_request_head(bytes, progress, head);
    EXPECT_TRUE(whole && *whole) << (whole ? "not whole" : whole.error().why);
    return head;
}

ResponseHead response(std::string_view bytes) {
    ResponseHead head;
    HeadProgress progress;
    const auto whole = parse_response_head(bytes, progress, head);
    EXPECT_TRUE(whole && *whole) << (whole ? "not whole" : whole.error().why);
    return head;
}

TEST(RequestHeads, AreViewsOfWhatWasReceived) {
    const std::string bytes =
        "POST /a?b HTTP/1.0\r\nHost: a.example\r\nX-Y:  z \t\r\nEmpty:\r\n\r\nbody";
    const auto head = request(bytes);
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.uri, "/a?b");
    EXPECT_EQ(head.path, "/a?b");
    EXPECT_EQ(head.form, UriForm::origin);
    EXPECT_EQ(head.version, Version::v1_0);
    EXPECT_EQ(head.size_bytes, bytes.size() - 4);
    ASSERT_EQ(head.fields.all().size(), 3U);
    EXPECT_EQ(head.fields.all()[1].name, "X-Y");
    EXPECT_EQ(head.fields.all()[1].value, "z");
    EXPECT_EQ(head.fields.all()[2].value, "");
    EXPECT_EQ(head.method.data(), bytes.data());
}

TEST(RequestHeads, AreTakenApartWhereTheAddressIsAbsolute) {
    const auto parts = [](std::string_view uri) {
        const auto bytes = "OPTIONS " + std::string(uri) + " HTTP/1.1\r\n\r\n";
        const auto head = request(bytes);
        EXPECT_EQ(head.form, UriForm::absolute);
        return std::string(head.authority) + " " + std::string(head.path);
    };
    EXPECT_EQ(parts("http://a.example/b?c"), "a.example /b?c");
    EXPECT_EQ(parts("HTTPS://[::1]:8080"), "[::1]:8080 ");
    EXPECT_EQ(parts("http://a.example?b/c"), "a.example ?b/c");
    const std::string all = "OPTIONS * HTTP/1.1\r\n\r\n";
    EXPECT_EQ(request(all).form, UriForm::asterisk);
}

TEST(RequestHeads, CountTheEmptyLineBeforeThem) {
    const std::string bytes = "\r\nGET / HTTP/1.1\r\n\r\nGET";
    EXPECT_EQ(request(bytes).size_bytes, bytes.size() - 3);
}

TEST(RequestHeads, SayWhatConnectionSays) {
    const auto options = [](std::string_view fields) {
        const auto bytes = "GET / HTTP/1.1\r\n" + std::string(fields) + "\r\n";
        const auto head = request(bytes);
        std::string said;
        said += head.connection.close ? "close " : "";
        said += head.connection.keep_alive ? "keep-alive " : "";
        said += head.connection.upgrade ? "upgrade " : "";
        said += head.connection.names_fields ? "names" : "";
        return said;
    };
    EXPECT_EQ(options(""), "");
    EXPECT_EQ(options("Connection: Close\r\n"), "close ");
    EXPECT_EQ(options("Connection: keep-alive, Upgrade\r\n"), "keep-alive upgrade ");
    EXPECT_EQ(options("Connection: keep-alive\r\nX: y\r\nconnection: close\r\n"),
              "close keep-alive ");
    EXPECT_EQ(options("Connection: TE, Keep-Alive, HTTP2-Settings, Proxy-Connection\r\n"),
              "keep-alive ");
    EXPECT_EQ(options("Connection: X-Secret\r\n"), "names");
}

TEST(RequestHeads, ForgetTheFieldsOfTheOneBefore) {
    RequestHead head;
    HeadProgress progress;
    const std::array<std::string, 3> requests{
        "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
        "GET http://b.example/ HTTP/1.1\r\nX: y\r\n\r\n", "GET /c HTTP/1.1\r\n\r\n"};
    for (const std::string& bytes : requests) {
        const auto whole = parse_request_head(bytes, progress, head);
        ASSERT_TRUE(whole && *whole);
    }
    EXPECT_EQ(head.uri, "/c");
    EXPECT_EQ(head.authority, "");
    EXPECT_TRUE(head.fields.all().empty());
    EXPECT_FALSE(head.fields.has(FieldId::host));
    EXPECT_FALSE(head.connection.close);
}

TEST(RequestHeads, MayBeExactlyAsLargeAsTheirBounds) {
    const auto status = [](const std::string& bytes) {
        RequestHead head;
        HeadProgress progress;
        const auto whole = parse_request_head(bytes, progress, head);
        return whole ? (*whole ? 200 : 100) : int{whole.error().status};
    };
    const std::string method(kMethodBytesMax, 'M');
    EXPECT_EQ(status(method + " / HTTP/1.1\r\n\r\n"), 200);
    EXPECT_EQ(status(method + "M / HTTP/1.1\r\n\r\n"), 501);
    const std::string uri = "/" + std::string(kRequestLineBytesMax - 16, 'a');
    EXPECT_EQ(status("GET " + uri + " HTTP/1.1\r\n\r\n"), 200);
    EXPECT_EQ(status("GET " + uri + "a HTTP/1.1\r\n\r\n"), 414);
    const std::string field = "X: " + std::string(kHeadBytesMax - 16 - 7, 'y');
    EXPECT_EQ(status("GET / HTTP/1.1\r\n" + field + "\r\n\r\n"), 200);
    EXPECT_EQ(status("GET / HTTP/1.1\r\n" + field + "y\r\n\r\n"), 431);
}

// A connection that waits for its next head keeps this and its buffer, which may be empty.
TEST(HeadProgress, IsAllThatIsKeptAndFreshAfterAHead) {
    EXPECT_EQ(sizeof(HeadProgress), 8U);
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
    RequestHead head;
    HeadProgress progress;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::string copy = bytes.substr(0, size);  // at another place each time
        const auto whole = parse_request_head(copy, progress, head);
        ASSERT_TRUE(whole && !*whole);
        EXPECT_LE(progress.searched_bytes, size);
    }
    EXPECT_EQ(progress.first_line_bytes, 16U);
    const auto whole = parse_request_head(bytes, progress, head);
    ASSERT_TRUE(whole && *whole);
    EXPECT_EQ(progress.searched_bytes, 0U);
    EXPECT_EQ(progress.first_line_bytes, 0U);
}

TEST(HeadProgress, HasNoHeadInNoBytes) {
    RequestHead request_head;
    ResponseHead response_head;
    HeadProgress progress;
    EXPECT_EQ(parse_request_head("", progress, request_head), false);
    EXPECT_EQ(parse_response_head("", progress, response_head), false);
}

TEST(HeadProgress, TellsAtOnceOfWhatIsNoHttp) {
    RequestHead head;
    HeadProgress progress;
    const auto whole = parse_request_head("SSH-2.0-OpenSSH_9.2\r\n", progress, head);
    ASSERT_FALSE(whole);
    EXPECT_EQ(whole.error().status, 400);
    EXPECT_EQ(whole.error().why, "the first line is not METHOD, space, what for, space, version");
}

TEST(ResponseHeads, AreViewsOfWhatWasReceived) {
    const std::string bytes = "HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody";
    const auto head = response(bytes);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.reason, "Not Found");
    EXPECT_EQ(head.version, Version::v1_0);
    EXPECT_EQ(head.size_bytes, bytes.size() - 4);
    EXPECT_EQ(head.fields.all().front().name, "Server");
}

TEST(ResponseHeads, AreInterimBut101) {
    EXPECT_TRUE(response("HTTP/1.1 100 Continue\r\n\r\n").is_interim());
    EXPECT_TRUE(response("HTTP/1.1 103\r\n\r\n").is_interim());
    EXPECT_FALSE(response("HTTP/1.1 101 Switching Protocols\r\n\r\n").is_interim());
    EXPECT_FALSE(response("HTTP/1.1 200 OK\r\n\r\n").is_interim());
}

}  // namespace
}  // namespace portreeve::http::test
