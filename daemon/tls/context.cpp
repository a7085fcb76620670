#include "daemon/tls/context.h"

#include "daemon/tls/context_parts.h"
#include "daemon/tls/handshake.h"
#include "daemon/tls/host_name.h"
#include "daemon/tls/memory_bio.h"

namespace portreeve::tls {
namespace {

// One context for all names that have the same set of pairs.
class Builder {
  public:
    explicit Builder(Context::Parts& parts) : parts_(parts) {}

    tl::expected<SSL_CTX*, std::string> context_for(const PairSet& pairs) {
        SSL_CTX*& made = by_set_[pairs];
        if (made == nullptr) {
            auto context = make_ssl_context(pairs, parts_);
            if (!context) {
                return tl::unexpected(context.error());
            }
            made = context->get();
            parts_.contexts.push_back(std::move(*context));
        }
        return made;
    }

  private:
    Context::Parts& parts_;
    std::map<PairSet, SSL_CTX*> by_set_;
};

}  // namespace

SSL_CTX* Context::Parts::find(std::string_view host) const {
    auto found = by_name.find(host);
    if (found == by_name.end()) {
        found = by_name.find(wildcard_for(host));
    }
    return found != by_name.end() ? found->second : nullptr;
}

tl::expected<std::shared_ptr<const Context>, std::string> Context::make(
    Certificates certificates, std::shared_ptr<TicketKeys> tickets, Options options) {
    if (certificates.empty()) {
        return tl::unexpected<std::string>(
            "there are no certificates: put NAME.crt and NAME.key into the folder that [https] "
            "certificates names");
    }
    auto parts = std::make_unique<Parts>();
    parts->tickets = std::move(tickets);
    parts->protocols = std::move(options.protocols);
    parts->bio_method = memory_bio_method();
    for (const auto& pair : certificates.pairs()) {
        if (!pair->staple.response.empty()) {
            parts->staples.emplace(pair->leaf.get(), &pair->staple);
        }
    }
    const Choice choice(certificates.pairs(), certificates.read_at_s());
    Builder builder(*parts);
    const auto for_nobody = builder.context_for(choice.for_nobody());
    if (!for_nobody) {
        return tl::unexpected(for_nobody.error());
    }
    parts->for_nobody = *for_nobody;
    for (const auto& [name, pairs] : choice.by_name()) {
        const auto context = builder.context_for(pairs);
        if (!context) {
            return tl::unexpected(context.error());
        }
        parts->by_name.emplace(name, *context);
    }
    return std::shared_ptr<const Context>(new Context(std::move(certificates), std::move(parts)));
}

Context::Context(Certificates certificates, std::unique_ptr<Parts> parts)
    : certificates_(std::move(certificates)), parts_(std::move(parts)) {
}

Context::~Context() = default;

bool Context::serves(std::string_view host) const {
    const auto name = host_name(host);
    return name && parts_->find(*name) != nullptr;
}

}  // namespace portreeve::tls
