// The labels that http names are made of: which there can be, which nobody gets, and the one that
// an owner gets who asked for none.
//
// Owns: nothing. Called by: the grant, for each wish for an http name. Bounds: kLabelBytesMax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace portreeve::http {

// Up to 63 letters, digits and "-", which neither begins nor ends it (RFC 1123, section 2.1); in
// either case. "--" as third and fourth letter is only for "xn--", a name in other scripts.
[[nodiscard]] bool is_label(std::string_view text);

// In either case: a name that visitors, mail servers, authorities for certificates or programs take
// for the operator's own.
[[nodiscard]] bool is_reserved(std::string_view label);

// Two words that can be said aloud, "tabemi-dunaka", the same for the same fingerprint and label;
// the next `attempt` gives others, where somebody else has those. It is no secret: whoever knows
// both can tell it, and may ask for it as for any name. Of 2^36.
[[nodiscard]] std::string derived_label(std::string_view fingerprint, std::string_view owner_label,
                                        std::uint32_t attempt = 0);

}  // namespace portreeve::http
