// The head of a response as the visitor gets it: with what is between this proxy and the visitor,
// and without what was between it and the target.
//
// Owns: nothing. Called by: the proxy, for each head that a target sends. Bounds: the head it was
// given and some 100 bytes.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/http/framing.h"
#include "daemon/http/head.h"

namespace portreeve::http {

struct ResponsePlan {
    Version visitor = Version::v1_1;  // HTTP/1.0 ones get no interim responses: write none for them
    // The visitor's connection goes on after this response: see keeps_visitor().
    bool keeps_visitor = true;
    std::int64_t time_s = 0;  // when it came, for Date where the target says none; 0: none is added
};

// Appends the head to `out`; its fields must still lie where they were parsed. Chunks that a
// visitor of HTTP/1.0 cannot read are announced as no length at all: see loses_chunks().
void write_response(const ResponseHead& head, const Framing& framing, const ResponsePlan& plan,
                    std::string& out);

}  // namespace portreeve::http
