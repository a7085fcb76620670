#include "daemon/sibling_probe.h"

#include <utility>

namespace portreeve::daemon {

void SiblingProbe::start(std::vector<LeaseHolder> siblings) {
    unanswered_ = std::move(siblings);
    timer_.start_at(ring_.now_ms() + kWaitMs);
}

void SiblingProbe::on_life(const LeaseHolder& sibling) {
    std::erase(unanswered_, sibling);
    if (unanswered_.empty() && timer_.running()) {
        unanswered_.shrink_to_fit();  // for the rest of the session
        over();
    }
}

void SiblingProbe::over() {
    timer_.stop();
    over_ms_ = ring_.now_ms();
    events_.on_siblings_probed();
}

void SiblingProbe::stop() {
    timer_.stop();
    unanswered_.clear();
}

std::vector<LeaseHolder> SiblingProbe::silent() const {
    return ring_.now_ms() - over_ms_ <= kHoldsMs ? unanswered_ : std::vector<LeaseHolder>();
}

}  // namespace portreeve::daemon
