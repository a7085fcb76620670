// Which pairs a host is served with: of those whose certificate is for it, one of each kind of key.
//
// Owns: the names; the pairs are shared. Called by: Context, once for all its certificates.
// Bounds: the certificates'.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/tls/pair.h"

namespace portreeve::tls {

// Of several of a kind the one that is valid, and of those the one that ends last, is in it.
using PairSet = std::vector<std::shared_ptr<const Pair>>;

class Choice {
  public:
    Choice() = default;
    Choice(const std::vector<std::shared_ptr<const Pair>>& pairs, std::int64_t now_s);

    // By names as certificates have them, wildcards too; a set has one pair at least.
    [[nodiscard]] const std::map<std::string, PairSet, std::less<>>& by_name() const {
        return by_name_;
    }
    // For a visitor who names no host: the first pair, with the others that its first name has.
    [[nodiscard]] const PairSet& for_nobody() const { return for_nobody_; }

  private:
    std::map<std::string, PairSet, std::less<>> by_name_;
    PairSet for_nobody_;
};

}  // namespace portreeve::tls
