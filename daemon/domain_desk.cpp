#include "daemon/domain_desk.h"

#include <utility>

namespace portreeve::daemon {

void DomainDesk::ask(const std::string& domain, const std::string& owner,
                     DomainProofs::Answer answer) {
    proofs_.ask(domain, owner, std::move(answer));
}

void DomainDesk::follow(const std::set<Claimed>& used) {
    for (const Claimed& one : used) {
        if (!used_.contains(one)) {
            proofs_.use(one.first, one.second);
        }
    }
    for (const Claimed& one : used_) {
        if (!used.contains(one)) {
            proofs_.leave(one.first, one.second);
        }
    }
    used_ = used;
}

void DomainDesk::close() {
    follow({});
    resolver_.close();
}

}  // namespace portreeve::daemon
