#include "tests/unit/tls/conversation.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>

namespace portreeve::tls::test {
namespace {

void must(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

}  // namespace

void Server::receive(std::string_view cipher, std::size_t step, std::size_t room) {
    std::string plain(room, '\0');
    while (!cipher.empty()) {
        // In memory of its own, so that a byte too far is seen.
        const std::vector<char> lent(
            cipher.begin(),
            cipher.begin() + static_cast<std::ptrdiff_t>(std::min(step, cipher.size())));
        cipher.remove_prefix(lent.size());
        std::string_view left(lent.data(), lent.size());
        for (std::size_t size = 1; size > 0;) {
            size = session.read(left, plain);
            got.append(plain, 0, size);
        }
        ASSERT_TRUE(left.empty());
    }
}

void talk(Client& client, Server& server, std::size_t step) {
    for (bool said = true; said;) {
        client.step();
        const std::string to_server = client.take_output();
        server.receive(to_server, step);
        const std::string to_client = server.output.take();
        client.receive(to_client);
        said = !to_server.empty() || !to_client.empty();
    }
    EXPECT_EQ(ERR_peek_error(), 0U);
}

std::string Site::add(const std::string& label, const Recipe& recipe) {
    const Issued issued = issue(recipe);
    put(folder, label, issued);
    return issued.serial();
}

std::shared_ptr<const Context> Site::context(Context::Options options) const {
    auto made = Context::make(read(), tickets, std::move(options));
    must(made.has_value(), made ? "" : made.error().c_str());
    return *made;
}

}  // namespace portreeve::tls::test
