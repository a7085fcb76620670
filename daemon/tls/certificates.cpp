#include "daemon/tls/certificates.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "daemon/tls/pair.h"

namespace portreeve::tls {
namespace {

constexpr std::string_view kCertificate = ".crt";
constexpr std::string_view kKey = ".key";

struct Listing {
    std::set<std::string, std::less<>> certificates;  // labels
    std::set<std::string, std::less<>> keys;
};

// "" if `name` is not LABEL and `end`. What begins with a dot is a file that is being written.
std::string label_of(const std::string& name, std::string_view end) {
    const bool is_one = name.size() > end.size() && name.front() != '.' && name.ends_with(end);
    return is_one ? name.substr(0, name.size() - end.size()) : std::string();
}

tl::expected<Listing, std::string> list(const std::string& folder) {
    Listing found;
    std::error_code error;
    std::filesystem::directory_iterator at(folder, error);
    for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (auto label = label_of(name, kCertificate); !label.empty()) {
            found.certificates.insert(std::move(label));
        } else if (label = label_of(name, kKey); !label.empty()) {
            found.keys.insert(std::move(label));
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return tl::unexpected(folder + " cannot be read: " + error.message());
    }
    return found;
}

std::string key_alone(const std::string& folder, const std::string& label) {
    return folder + "/" + label + ".key has no " + label + ".crt beside it: it is not used";
}

std::string too_many(const std::string& folder, const std::string& label) {
    return folder + " has more than " + std::to_string(Certificates::kPairsMax) +
           " certificates: those from " + label + ".crt on are not served";
}

std::shared_ptr<const Pair> find(const std::vector<std::shared_ptr<const Pair>>& pairs,
                                 const std::string& label) {
    const auto found = std::lower_bound(
        pairs.begin(), pairs.end(), label,
        [](const auto& pair, const std::string& wanted) { return pair->label < wanted; });
    return found != pairs.end() && (*found)->label == label ? *found : nullptr;
}

}  // namespace

Certificates Certificates::read(const std::string& folder, std::int64_t now_s,
                                const Certificates& former) {
    Certificates made;
    made.read_at_s_ = now_s;
    const auto listing = list(folder);
    if (!listing) {
        made.pairs_ = former.pairs_;
        made.faults_.push_back(listing.error());
        return made;
    }
    for (const auto& label : listing->keys) {
        if (!listing->certificates.contains(label)) {
            made.warnings_.push_back(key_alone(folder, label));
        }
    }
    for (const auto& label : listing->certificates) {
        if (made.pairs_.size() == kPairsMax) {
            made.faults_.push_back(too_many(folder, label));
            break;
        }
        made.add(folder, label, former);
    }
    return made;
}

void Certificates::add(const std::string& folder, const std::string& label,
                       const Certificates& former) {
    auto pair = read_pair(folder, label, read_at_s_, warnings_);
    if (pair) {
        pairs_.push_back(std::make_shared<const Pair>(std::move(*pair)));
        return;
    }
    auto kept = find(former.pairs_, label);
    faults_.push_back(pair.error() + (kept ? "; what was there before is still served" : ""));
    if (kept) {
        pairs_.push_back(std::move(kept));
    }
}

std::vector<Certificates::Shown> Certificates::shown() const {
    std::vector<Shown> all;
    all.reserve(pairs_.size());
    for (const auto& pair : pairs_) {
        all.push_back({.label = pair->label,
                       .names = pair->names,
                       .key_kind = pair->key_kind,
                       .not_after_s = pair->not_after_s,
                       .is_stapled = pair->staple.is_good_at(read_at_s_)});
    }
    return all;
}

}  // namespace portreeve::tls
