#include "daemon/watch_places.h"

#include <filesystem>
#include <system_error>

namespace portreeve::daemon {
namespace {

namespace fs = std::filesystem;

class Walk {
  public:
    explicit Walk(WatchPlaces& places) : places_(places) {}

    void path(const std::string& path) {
        const std::string end = follow(path);
        std::error_code error;
        if (end.empty() || !fs::is_directory(end, error)) {
            return;
        }
        if (WatchedNames* folder = at(end)) {
            folder->all = true;
        }
        for (fs::directory_iterator entry(end, error); !error && entry != fs::directory_iterator();
             entry.increment(error)) {
            std::error_code ignored;
            if (!entry->path().filename().string().starts_with('.') && entry->is_symlink(ignored)) {
                follow(entry->path().string());
            }
        }
    }

  private:
    // Notes each folder and link on the way; returns what the path leads to, or "".
    std::string follow(const std::string& path) {
        std::vector<fs::path> rest;  // the next part is the last
        push(rest, path);
        fs::path here = "/";
        int links = 0;
        while (!rest.empty()) {
            const fs::path part = rest.back();
            rest.pop_back();
            if (part == "/") {
                here = part;
            } else if (part == "..") {
                here = here.parent_path();
            } else if (!part.empty() && part != ".") {
                WatchedNames* folder = at(here.string());
                if (folder == nullptr) {
                    return {};
                }
                folder->names.insert(part.string());
                std::error_code error;
                const auto status = fs::symlink_status(here / part, error);
                if (fs::is_symlink(status) && links++ < WatchPlaces::kLinksMax) {
                    push(rest, fs::read_symlink(here / part, error));
                } else if (fs::exists(status)) {
                    here /= part;
                } else {
                    return {};
                }
            }
        }
        return here.string();
    }

    static void push(std::vector<fs::path>& rest, const fs::path& path) {
        const std::vector<fs::path> parts(path.begin(), path.end());
        rest.insert(rest.end(), parts.rbegin(), parts.rend());
    }

    WatchedNames* at(const std::string& folder) {
        if (places_.folders.size() >= WatchPlaces::kFoldersMax &&
            !places_.folders.contains(folder)) {
            places_.cut = true;
            return nullptr;
        }
        return &places_.folders[folder];
    }

    WatchPlaces& places_;
};

}  // namespace

WatchPlaces WatchPlaces::of(const std::vector<std::string>& paths) {
    WatchPlaces places;
    Walk walk(places);
    for (const std::string& path : paths) {
        walk.path(path);
    }
    return places;
}

}  // namespace portreeve::daemon
