#include "conf/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace portreeve::conf {

namespace {

constexpr std::size_t kWordBytesMax =
    40;  // no key of ours is longer: bounds the work on hostile text

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The Levenshtein distance, one row of its table at a time.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced =
                diagonal + (lower(from[i - 1]) == lower(to[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    if (word.size() > kWordBytesMax) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = 0;
    for (const auto candidate : known) {
        const std::size_t edits = distance(word, candidate);
        const std::size_t edits_max = std::max<std::size_t>(1, candidate.size() / 3);
        if (edits <= edits_max && (best.empty() || edits < best_distance)) {
            best = candidate;
            best_distance = edits;
        }
    }
    return best;
}

}  // namespace portreeve::conf
