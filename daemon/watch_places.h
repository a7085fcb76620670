// Where to look for changes of files that are named by a path: the folder that holds each part of
// the path, and each symbolic link on the way, together with the names that matter there. So a file
// that is renamed into its place is noticed, and a folder that is, and a link that comes to point
// elsewhere, which is how Kubernetes replaces a mounted volume.
//
// Owns: values only. Called by: KeyWatch. Bounds: kFoldersMax folders, kLinksMax links on one path.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace portreeve::daemon {

// The names that matter in a folder. In a folder of keys all of them do, unless they begin with a
// dot, as when its files are read.
struct WatchedNames {
    std::set<std::string, std::less<>> names;
    bool all = false;

    [[nodiscard]] bool matter(std::string_view name) const {
        return names.contains(name) || (all && !name.starts_with('.'));
    }
    bool operator==(const WatchedNames&) const = default;
};

struct WatchPlaces {
    static constexpr std::size_t kFoldersMax = 1'000;
    static constexpr int kLinksMax = 40;  // as the kernel follows

    std::map<std::string, WatchedNames> folders;  // by their path, which has no link in it
    bool cut = false;                             // there are more than kFoldersMax

    // `paths` are absolute; each may be a file, a folder of files, or not there yet.
    static WatchPlaces of(const std::vector<std::string>& paths);
    bool operator==(const WatchPlaces&) const = default;
};

}  // namespace portreeve::daemon
