// Feeds both parsers of heads any bytes, and checks what must hold of every head that is taken: it
// was taken for the same whatever pieces it came in, and what is written from it for the next hop
// is read there as it was read here.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/http/basic_auth.h"
#include "daemon/http/host.h"
#include "daemon/http/page.h"
#include "daemon/http/persistence.h"
#include "daemon/http/request_writer.h"
#include "daemon/http/response_writer.h"

namespace {

using namespace portreeve::http;

void check(bool holds, const char* what) {
    if (!holds) {
        (void)std::fprintf(stderr, "request_head_fuzz: %s\n", what);
        std::abort();
    }
}

tl::expected<bool, Fault> parse(std::string_view bytes, HeadProgress& progress, RequestHead& head) {
    return parse_request_head(bytes, progress, head);
}

tl::expected<bool, Fault> parse(std::string_view bytes, HeadProgress& progress,
                                ResponseHead& head) {
    return parse_response_head(bytes, progress, head);
}

// In two pieces, at every place if there are few, each in memory of its own size.
template <class Head>
void check_pieces(std::string_view bytes, const tl::expected<bool, Fault>& whole,
                  std::size_t size_bytes) {
    static Head head;
    const std::size_t step = bytes.size() / 16 + 1;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
        HeadProgress progress;
        const auto piece = std::make_unique<char[]>(size);
        bytes.copy(piece.get(), size);
        const auto first = parse({piece.get(), size}, progress, head);
        if (first && !*first) {
            const auto second = parse(bytes, progress, head);
            check(second == whole, "another outcome in two pieces");
        } else {
            check(first == whole, "an outcome that more bytes change");
        }
        check(!first || !*first || head.size_bytes == size_bytes, "another size in two pieces");
    }
}

bool is_inside(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

template <class Head>
void check_fields(const Head& head, std::string_view bytes) {
    check(head.size_bytes <= bytes.size() && head.size_bytes <= kHeadBytesMax, "a size too large");
    check(head.fields_end == bytes.data() + head.size_bytes - 2, "a wrong end of the fields");
    for (const Field& field : head.fields.all()) {
        check(is_inside(field.name, bytes) && is_inside(field.value, bytes), "a field elsewhere");
        check(!field.name.empty(), "a field without name");
        check(field.value.find_first_of(std::string_view("\r\n\0", 3)) == field.value.npos,
              "a value that is none");
    }
}

RequestPlan plan_of(std::uint8_t choice) {
    RequestPlan plan;
    plan.visitor = (choice & 1U) != 0 ? "2001:db8::1" : "192.0.2.1";
    plan.port = 443;
    plan.is_tls = (choice & 2U) != 0;
    plan.is_trusted = (choice & 4U) != 0;
    plan.by = "_fuzz";
    plan.host = (choice & 8U) != 0 ? "localhost:3000" : "";
    plan.strip_path = (choice & 16U) != 0 ? "/a" : "";
    plan.drops_authorization = (choice & 32U) != 0;
    return plan;
}

void check_request(const RequestHead& head, std::uint8_t choice) {
    static RequestHead again;
    const auto framing = framing_of(head);
    const auto host = host_of(head);
    (void)has_credentials(head, "user:password");
    (void)wants_html(head);
    (void)visitor_behind(head, [](std::string_view address) { return address.size() < 9; });
    if (!framing || !host) {
        return;
    }
    check(host->name().size() <= kHostBytesMax && !host->name().empty(), "a host of no length");
    const auto plan = plan_of(choice);
    std::string out;
    write_request(head, *framing, plan, out);
    HeadProgress progress;
    const auto taken = parse_request_head(out, progress, again);
    if (!taken && (taken.error().status == 431 || taken.error().status == 414)) {
        return;  // a few fields more may be too many
    }
    check(taken && *taken && again.size_bytes == out.size(), "written, but not taken");
    check(again.method == head.method, "another method");
    check(framing_of(again) == framing, "another framing");
    check(plan.host.empty() ? host_of(again)->name() == host->name()
                            : again.fields.first(FieldId::host) == plan.host,
          "another host");
    check(has_passed(again, "_fuzz"), "not known again");
    check(again.fields.count(FieldId::x_forwarded_for) == 1, "not one X-Forwarded-For");
    check(again.fields.count(FieldId::forwarded) == 1, "not one Forwarded");
    check(!again.fields.has(FieldId::disguised), "a field in disguise");
}

void check_response(const ResponseHead& head, std::uint8_t choice) {
    static ResponseHead again;
    const std::string_view method = (choice & 1U) != 0 ? "HEAD" : "GET";
    const auto framing = framing_of(head, method);
    check(framing || framing.error().status == 502, "a target's fault is not 502");
    if (!framing) {
        return;
    }
    ResponsePlan plan;
    plan.visitor = (choice & 2U) != 0 ? Version::v1_0 : Version::v1_1;
    plan.keeps_visitor = (choice & 4U) != 0 && !loses_chunks(plan.visitor, *framing) &&
                         framing->kind != Framing::Kind::until_close;
    std::string out;
    write_response(head, *framing, plan, out);
    HeadProgress progress;
    const auto taken = parse_response_head(out, progress, again);
    if (!taken && (head.fields.all().size() > kFieldsMax - 3 || out.size() > kHeadBytesMax)) {
        return;  // what is added may be too much
    }
    check(taken && *taken && again.size_bytes == out.size(), "written, but not taken");
    const auto framed = framing_of(again, method);
    check(framed && (framed->kind == framing->kind || loses_chunks(plan.visitor, *framing)),
          "another framing");
    check(keeps_target(again, *framed) || !plan.keeps_visitor || again.status == 101,
          "a connection that goes on for one side alone");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static RequestHead request;
    static ResponseHead response;
    const std::uint8_t choice = size == 0 ? 0 : data[0];
    const std::string_view bytes(reinterpret_cast<const char*>(data) + (size == 0 ? 0 : 1),
                                 size == 0 ? 0 : size - 1);
    HeadProgress progress;
    const auto is_request = parse_request_head(bytes, progress, request);
    check_pieces<RequestHead>(bytes, is_request, request.size_bytes);
    if (is_request && *is_request) {
        check_fields(request, bytes);
        check_request(request, choice);
    }
    progress = {};
    const auto is_response = parse_response_head(bytes, progress, response);
    check(is_response || is_response.error().status == 502, "a target's fault is not 502");
    check_pieces<ResponseHead>(bytes, is_response, response.size_bytes);
    if (is_response && *is_response) {
        check_fields(response, bytes);
        check_response(response, choice);
    }
    return 0;
}
