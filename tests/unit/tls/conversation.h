// A Session and its client, both in memory: what the one sends is given to the other.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tls/session.h"
#include "tests/unit/tls/client.h"
#include "tests/unit/tls/issuing.h"

namespace portreeve::tls::test {

class Sent : public Output {
  public:
    void append(std::string_view cipher) noexcept override {
        bytes.append(cipher);
        sizes.push_back(cipher.size());
    }
    [[nodiscard]] std::string take() { return std::exchange(bytes, {}); }

    std::string bytes;
    std::vector<std::size_t> sizes;
};

struct Server {
    explicit Server(std::shared_ptr<const Context> context) : session(std::move(context), output) {}

    // Gives it all, so many bytes at a time, and collects what they say in `got`.
    void receive(std::string_view cipher, std::size_t step = std::string_view::npos,
                 std::size_t room = 20'000);

    Sent output;
    Session session;
    std::string got;
};

// Until neither has anything to say.
void talk(Client& client, Server& server, std::size_t step = std::string_view::npos);

// A folder of certificates, and what serves it.
class Site {
  public:
    Site() : tickets(std::make_shared<TicketKeys>(0)) {}

    // A certificate in a.crt or the like; its serial number.
    std::string add(const std::string& label, const Recipe& recipe);
    [[nodiscard]] Certificates read(std::int64_t at_s = now_s()) const {
        return Certificates::read(folder.path(), at_s);
    }
    [[nodiscard]] std::shared_ptr<const Context> context(Context::Options options = {}) const;

    Folder folder;
    std::shared_ptr<TicketKeys> tickets;
};

}  // namespace portreeve::tls::test
