// What a ClientHello asked for, as long as its connection lasts: OpenSSL's callbacks, which belong
// to the Context, write it for the Session that they are called for.
//
// Owns: a name and a sentence. Called by: both. Bounds: kHostNameBytesMax.
#pragma once

#include <string>

namespace portreeve::tls {

struct Asked {
    std::string server_name;  // empty: none, or an IP address
    std::string why_not;      // not empty: it cannot be had; the end of a sentence
};

}  // namespace portreeve::tls
