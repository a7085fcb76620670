// The certificates of a folder: each NAME.crt (PEM; the server's own certificate, then those that
// lead to an authority) with its NAME.key (PEM), and NAME.ocsp (DER) where there is one to staple.
// docs/TLS.md says it for administrators.
//
// A pair that is no good is left out and told of; the others are served. A pair that was good
// before is kept until it is good again or its NAME.crt is gone, so that nobody is turned away
// between the copying of one file and that of the next.
//
// Owns: what was read; it is immutable, and copies share it. Called by: whoever loads or reloads,
// on any thread; it reads files. Bounds: kFileBytesMax each, kPairsMax of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portreeve::tls {

struct Pair;  // daemon/tls/pair.h: what is in the files

class Certificates {
  public:
    static constexpr std::size_t kFileBytesMax = std::size_t{256} * 1024;
    static constexpr std::size_t kPairsMax = 10'000;

    // What an administrator is told of a pair that is served.
    struct Shown {
        std::string_view label;                 // NAME: only what the files are called
        const std::vector<std::string>& names;  // which it is for: "a.example", "*.a.example"
        std::string_view key_kind;              // "RSA", "EC", "ED25519"
        std::int64_t not_after_s = 0;           // in seconds since 1970
        bool is_stapled = false;                // an OCSP response goes with it
    };

    Certificates() = default;  // none
    // `now_s`: seconds since 1970. `former`: what was read before, of the same folder. A folder
    // that is not there has none.
    [[nodiscard]] static Certificates read(const std::string& folder, std::int64_t now_s,
                                           const Certificates& former);
    [[nodiscard]] static Certificates read(const std::string& folder, std::int64_t now_s) {
        return read(folder, now_s, Certificates());
    }

    [[nodiscard]] bool empty() const { return pairs_.empty(); }
    [[nodiscard]] std::vector<Shown> shown() const;
    // Sentences that begin with the file: what is not served, and why.
    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
    // … and what is served, but should be looked at.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    // In the order of their labels.
    [[nodiscard]] const std::vector<std::shared_ptr<const Pair>>& pairs() const { return pairs_; }
    [[nodiscard]] std::int64_t read_at_s() const { return read_at_s_; }

  private:
    void add(const std::string& folder, const std::string& label, const Certificates& former);

    std::vector<std::shared_ptr<const Pair>> pairs_;
    std::vector<std::string> faults_;
    std::vector<std::string> warnings_;
    std::int64_t read_at_s_ = 0;
};

}  // namespace portreeve::tls
