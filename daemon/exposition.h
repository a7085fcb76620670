// Prometheus' text format, version 0.0.4: families of samples, each with its type and what it
// means.
//
// Owns: the text. Called by: metrics_text(), for one answer. Bounds: none of its own; as long as
// what is written into it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace portreeve::daemon {

class Exposition {
  public:
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

    struct Label {
        std::string_view name;
        std::string_view value;
    };
    using Labels = std::initializer_list<Label>;

    // `name` and `help` are literals; the samples of the family follow.
    void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
    void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }
    void histogram(std::string_view name, std::string_view help) {
        family(name, "histogram", help);
    }

    void whole(Labels labels, std::uint64_t value);
    void real(Labels labels, double value);
    // The samples of a histogram: how many values were in each range alone, the last of which is
    // above all bounds. `scale` is how many of the values' units are one of the family's.
    void ranges(Labels labels, std::span<const std::uint64_t> bounds,
                std::span<const std::uint64_t> counts, std::uint64_t sum, std::uint64_t scale);

    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    void family(std::string_view name, std::string_view type, std::string_view help);
    void sample(std::string_view suffix, Labels labels, Label more, std::string_view value);

    std::string text_;
    std::string_view name_;  // of the family that samples are of
};

}  // namespace portreeve::daemon
