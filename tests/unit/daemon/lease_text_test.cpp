// Leases as text: what is kept is what was given, and what is not right in every bit is refused.
#include "daemon/lease_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/unit/daemon/leases.h"

namespace portreeve::daemon {
namespace {

using test::lease;
using test::leases;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using uring::test::Dice;

std::string why_refused(const std::string& text) {
    const auto parsed = parse_leases(text);
    return parsed ? "taken" : parsed.error();
}

std::string why_refused_body(const std::string& body) {
    return why_refused(sealed_leases(body));
}

void expect_kept(const std::vector<LeaseRecord>& records) {
    const auto text = format_leases(records);
    ASSERT_TRUE(text) << text.error();
    const auto parsed = parse_leases(*text);
    ASSERT_TRUE(parsed) << parsed.error() << "\n" << *text;
    EXPECT_EQ(*parsed, records) << *text;
}

TEST(LeaseText, KeepsNoneOneAndManyInTheirOrder) {
    expect_kept({});
    expect_kept({lease(7)});
    auto many = leases(1000);
    std::swap(many.front(), many.back());
    expect_kept(many);
}

TEST(LeaseText, CanBeReadByAPerson) {
    const auto text = format_leases({lease(1)});
    ASSERT_TRUE(text);
    EXPECT_THAT(*text, StartsWith("# portreeve leases, format 1, sha256 "));
    EXPECT_THAT(*text, HasSubstr("[[lease]]\n"));
    EXPECT_THAT(*text, HasSubstr("label = \"ann\"\n"));
}

TEST(LeaseText, KeepsEveryByte) {
    std::vector<LeaseRecord> records = leases(256);
    for (std::size_t byte = 0; byte < records.size(); ++byte) {
        records[byte].label = std::string(1, static_cast<char>(byte));
        records[byte].requested = "\xe2\x82\xac" + records[byte].label + "{'\"\\";
        records[byte].note = std::string(kLeaseWordBytesMax, static_cast<char>(byte));
    }
    expect_kept(records);
    uring::test::for_each_seed(50, [](std::uint64_t seed) {
        Dice dice(seed);
        std::vector<LeaseRecord> some;
        for (std::uint64_t number = dice.between(0, 9); number > 0; --number) {
            some.push_back(test::random_lease(dice, number));
        }
        expect_kept(some);
    });
}

TEST(LeaseText, TakesAsManyAsAreAllowed) {
    std::vector<LeaseRecord> records = leases(kLeasesMax);
    expect_kept(records);
    records.push_back(lease(kLeasesMax + 1));
    EXPECT_EQ(format_leases(records).error(),
              "these leases cannot be kept: more than 32768 leases");
}

TEST(LeaseText, HasRoomForAsManyOfTheLargest) {
    LeaseRecord largest = lease(1);
    largest.owner.assign(kLeaseOwnerBytesMax, '\n');
    largest.label.assign(kLeaseWordBytesMax, '\n');
    largest.note = largest.label;
    largest.requested.assign(kLeaseRequestedBytesMax, '\n');
    largest.reach.assign(kLeaseAudienceBytesMax, '\n');
    largest.share = largest.reach;
    largest.allow.assign(kLeaseNetworksBytesMax, '\n');
    largest.deny = largest.allow;
    largest.hosts.assign(kLeaseHostsMax, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255");
    largest.requested_port = largest.port = 65'535;
    largest.held_until_s = std::numeric_limits<std::int64_t>::max();
    expect_kept({largest});
    EXPECT_LE(format_leases({largest})->size() * kLeasesMax, kLeaseTextBytesMax);
    largest.hosts.clear();
    largest.host.assign(kLeaseHostBytesMax, '\n');
    largest.path.assign(kLeasePathBytesMax, '\n');
    expect_kept({largest});
    EXPECT_LE(format_leases({largest})->size() * kLeasesMax, kLeaseTextBytesMax);
}

struct Wrong {
    const char* why;
    std::function<void(LeaseRecord&)> spoil;
};

TEST(LeaseText, RefusesToKeepWhatItWouldRefuseToRead) {
    const std::vector<Wrong> wrongs = {
        {"has an id that", [](auto& r) { r.id = "0123456789ABCDEF"; }},
        {"has an id that", [](auto& r) { r.id += "0"; }},
        {"has no owner", [](auto& r) { r.owner.clear(); }},
        {"has an owner of more than 320", [](auto& r) { r.owner.assign(321, 'a'); }},
        {"has a label of more than 255", [](auto& r) { r.label.assign(256, 'a'); }},
        {"has an address asked for of", [](auto& r) { r.requested.assign(384, 'a'); }},
        {"has a host of more than 253", [](auto& r) { r.host.assign(254, 'a'); }},
        {"has a path of more than 128", [](auto& r) { r.path.assign(129, 'a'); }},
        {"is of http and of something else", [](auto& r) { r.host = "blog.example.com"; }},
        {"is of http and of something else", [](auto& r) { r.path = "/api"; }},
        {"has a note of more than 255", [](auto& r) { r.note.assign(256, 'a'); }},
        {"has a reach of more than 1024", [](auto& r) { r.reach.assign(1025, 'a'); }},
        {"has a share of more than 1024", [](auto& r) { r.share.assign(1025, 'a'); }},
        {"has port 0", [](auto& r) { r.port = 0; }},
        {"is held until a time before 1970", [](auto& r) { r.held_until_s = -1; }},
        {"has a host that is no", [](auto& r) { r.hosts = {"localhost"}; }},
        {"has a host that is no", [](auto& r) { r.hosts = {std::string("::1\0x", 5)}; }},
        {"has more than 8 hosts", [](auto& r) { r.hosts.assign(9, "::1"); }},
        {"has the id of one before it", [](auto& r) { r.id = lease(1).id; }},
        {"has owner, label, address and port of one before it",
         [](auto& r) { r = lease(1), r.id = lease(2).id; }},
    };
    for (const Wrong& wrong : wrongs) {
        auto records = leases(2);
        wrong.spoil(records.back());
        const auto text = format_leases(records);
        ASSERT_FALSE(text) << wrong.why;
        EXPECT_THAT(text.error(), StartsWith("these leases cannot be kept: lease 2 "));
        EXPECT_THAT(text.error(), HasSubstr(wrong.why));
    }
}

TEST(LeaseText, RefusesWhatIsNotAFileOfLeases) {
    EXPECT_EQ(why_refused(""), "does not begin as a file of leases does");
    EXPECT_EQ(why_refused("# portreeve leases, format "),
              "is not of format 1, the one that this "
              "version reads");
    EXPECT_THAT(why_refused("# portreeve leases, format 2, sha256 0\n"), HasSubstr("format 1"));
    EXPECT_EQ(why_refused("# portreeve leases, format 1, sha256 0\n"),
              "is damaged: its checksum does not fit");
    EXPECT_EQ(why_refused("# portreeve leases, format 1, "),
              "is damaged: its checksum does not fit");
    EXPECT_THAT(why_refused(std::string(kLeaseTextBytesMax + 1, ' ')), HasSubstr("is longer than"));
}

TEST(LeaseText, RefusesABodyThatIsNotLeases) {
    EXPECT_THAT(why_refused_body("[[lease]\n"), StartsWith("is not TOML: line 2: "));
    EXPECT_EQ(why_refused_body("other = 1\n"), "holds something else than leases");
    EXPECT_EQ(why_refused_body("lease = 1\n"), "holds something else than leases");
    EXPECT_EQ(why_refused_body("other = 1\n[[lease]]\n"), "holds something else than leases");
    EXPECT_EQ(why_refused_body("lease = [1]\n"), "lease 1 in it is no table");
    EXPECT_EQ(why_refused_body("[[lease]]\n"), "lease 1 in it has no usable id");
    EXPECT_EQ(why_refused_body("a = {}"), "holds tables in tables, which are no leases");
    std::string deep = "a";
    for (int dots = 0; dots < 1'000'000; ++dots) {
        deep += ".a";
    }
    EXPECT_EQ(why_refused_body(deep + "=1"), "holds tables in tables, which are no leases");
}

// One lease in which `from` has become `to`.
std::string why_refused_with(const std::string& from, const std::string& to) {
    LeaseRecord record = lease(1);
    record.label = "\xff";
    std::string text = *format_leases({record});
    text.erase(0, text.find('\n') + 1);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from << " in\n" << text;
    return why_refused_body(at == std::string::npos ? text : text.replace(at, from.size(), to));
}

TEST(LeaseText, RefusesFieldsThatAreNotRight) {
    EXPECT_EQ(why_refused_with("note", "note"), "taken");
    EXPECT_EQ(why_refused_with("\nport = 20001", "\nport = 65536"),
              "lease 1 in it has no usable port");
    EXPECT_EQ(why_refused_with("\nport = 20001", "\nport = -1"),
              "lease 1 in it has no usable port");
    EXPECT_THAT(why_refused_with("\nport = 20001", "\nport = 0"), HasSubstr("lease 1 has port 0"));
    EXPECT_EQ(why_refused_with("\nport = 20001", "\nport = \"1\""),
              "lease 1 in it has no usable port");
    EXPECT_EQ(why_refused_with("\"/w==\"", "\"/w=\""), "lease 1 in it has no usable label");
    EXPECT_EQ(why_refused_with("\"/w==\"", "\"/x==\""), "lease 1 in it has no usable label");
    EXPECT_EQ(why_refused_with("label_base64 =", "label = \"a\"\nlabel_base64 ="),
              "lease 1 in it has a field that is not known");
    EXPECT_EQ(why_refused_with("note =", "other = 1\nnote ="),
              "lease 1 in it has a field that is not known");
    EXPECT_EQ(why_refused_with("note = \"\"", "note = 1"), "lease 1 in it has no usable note");
    EXPECT_EQ(why_refused_with("\"::1\"", "1"), "lease 1 in it has no usable hosts");
    EXPECT_THAT(why_refused_with("\"::1\"", "\"one\""), HasSubstr("no literal address"));
    EXPECT_EQ(why_refused_with("held_until_s = 0", "held_until_s = 1.5"),
              "lease 1 in it has no usable held_until_s");
}

TEST(LeaseText, NoticesEveryBitThatFlips) {
    const std::string text = *format_leases(leases(2));
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string flipped = text;
            flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
            ASSERT_NE(why_refused(flipped), "taken") << "bit " << bit << " of byte " << at;
        }
    }
}

TEST(LeaseText, NoticesEveryCutAndEveryByteMore) {
    const std::string text = *format_leases(leases(2));
    for (std::size_t size = 0; size < text.size(); ++size) {
        ASSERT_NE(why_refused(text.substr(0, size)), "taken") << size << " bytes";
    }
    for (int byte = 0; byte < 256; ++byte) {
        ASSERT_NE(why_refused(text + static_cast<char>(byte)), "taken") << byte;
    }
}

}  // namespace
}  // namespace portreeve::daemon
