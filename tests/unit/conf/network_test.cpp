#include "conf/network.h"

#include <gtest/gtest.h>

#include "conf/values.h"

namespace portreeve::conf {

namespace {

AddressBytes bytes(const std::string& address) {
    return parse_network(address).value().first;
}

bool holds(const std::string& network, const std::string& address) {
    return parse_network(network).value().contains(bytes(address));
}

TEST(Networks, AreWrittenAsTheyRead) {
    for (const std::string text :
         {"192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "10.0.0.0/8", "192.0.2.128/25", "::1",
          "2001:db8::/32", "::/0", "2001:db8:1:2::/64", "fe80::/10"}) {
        const auto network = parse_network(text);
        ASSERT_TRUE(network) << network.error();
        EXPECT_EQ(network->text(), text);
    }
}

TEST(Networks, HaveOneForm) {
    EXPECT_EQ(parse_network("192.0.2.1/32")->text(), "192.0.2.1");
    EXPECT_EQ(parse_network("2001:DB8:0::/48")->text(), "2001:db8::/48");
    EXPECT_EQ(parse_network("::ffff:192.0.2.0/120"), parse_network("192.0.2.0/24"));
}

TEST(Networks, HoldTheAddressesThatBeginAlike) {
    EXPECT_TRUE(holds("192.0.2.0/24", "192.0.2.255"));
    EXPECT_FALSE(holds("192.0.2.0/24", "192.0.3.0"));
    EXPECT_TRUE(holds("192.0.2.64/27", "192.0.2.95"));
    EXPECT_FALSE(holds("192.0.2.64/27", "192.0.2.96"));
    EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(holds("192.0.2.1", "192.0.2.0"));
    EXPECT_TRUE(holds("0.0.0.0/0", "255.255.255.255"));
    EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::"));
}

TEST(Networks, HoldAddressesOfTheirFamilyAlone) {
    EXPECT_TRUE(holds("::/0", "2001:db8::1"));
    EXPECT_FALSE(holds("::/0", "192.0.2.1"));
    EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    EXPECT_FALSE(holds("0.0.0.0/0", "::"));
}

std::string refusal(const std::string& text) {
    const auto network = parse_network(text);
    return network ? "taken" : network.error();
}

TEST(Networks, SayWhatIsWrongWithThem) {
    const std::string how =
        "; write one such as \"192.0.2.1\", \"192.0.2.0/24\" or \"2001:db8::/32\"";
    const std::string kind = " is not an address or a block of addresses: ";
    for (const std::string address : {"", "gate.example.com", "192.0.2", "192.0.2.01", "*", "[::1]",
                                      "fe80::1%eth0", "192.0.2.1:22"}) {
        const std::string why = "\"" + address + "\" is not a literal address";
        EXPECT_EQ(refusal(address), "\"" + address + "\"" + kind + why + how);
    }
    for (const std::string length : {"", "33", "-1", "+1", " 8", "8 ", "0x8", "999", "255.0.0.0"}) {
        EXPECT_EQ(refusal("0.0.0.0/" + length),
                  "\"0.0.0.0/" + length + "\"" + kind +
                      "the length after the \"/\" is not a number from 0 to 32" + how);
    }
    EXPECT_EQ(
        refusal("::/129"),
        "\"::/129\"" + kind + "the length after the \"/\" is not a number from 0 to 128" + how);
    EXPECT_EQ(refusal(std::string("::1\0", 4)),
              "\"::1\\u0000\"" + kind + "it holds a NUL character" + how);
    EXPECT_EQ(refusal("192.0.2.1/24"),
              "\"192.0.2.1/24\" has bits set beyond its length: write \"192.0.2.0/24\" for the "
              "block, or no length for one address");
    EXPECT_EQ(refusal("2001:db8::1/32"),
              "\"2001:db8::1/32\" has bits set beyond its length: write \"2001:db8::/32\" for the "
              "block, or no length for one address");
}

}  // namespace

}  // namespace portreeve::conf
