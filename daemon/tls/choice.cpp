#include "daemon/tls/choice.h"

#include <algorithm>
#include <tuple>

namespace portreeve::tls {
namespace {

bool is_better(const Pair& one, const Pair& other, std::int64_t now_s) {
    return std::tuple(one.is_valid_at(now_s), one.not_after_s) >
           std::tuple(other.is_valid_at(now_s), other.not_after_s);
}

void add(PairSet& set, const std::shared_ptr<const Pair>& pair, std::int64_t now_s) {
    const auto same_kind = std::find_if(set.begin(), set.end(), [&pair](const auto& other) {
        return other->key_kind == pair->key_kind;
    });
    if (same_kind == set.end()) {
        set.push_back(pair);
    } else if (is_better(*pair, **same_kind, now_s)) {
        *same_kind = pair;
    }
}

}  // namespace

Choice::Choice(const std::vector<std::shared_ptr<const Pair>>& pairs, std::int64_t now_s) {
    for (const auto& pair : pairs) {
        for (const auto& name : pair->names) {
            add(by_name_[name], pair, now_s);
        }
    }
    if (!pairs.empty()) {
        const Pair& first = *pairs.front();
        for_nobody_ = first.names.empty() ? PairSet{pairs.front()} : by_name_[first.names.front()];
    }
}

}  // namespace portreeve::tls
