// Where a Session puts what is to be sent.
//
// Owns: nothing. Called by: Session. Bounds: its owner's, who says when to write and to read.
#pragma once

#include <string_view>

namespace portreeve::tls {

class Output {
  public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    Output(Output&&) = delete;
    Output& operator=(Output&&) = delete;
    virtual ~Output() = default;
    // To be sent behind what came before; valid during the call. It comes during calls of the
    // Session, and must not call it.
    virtual void append(std::string_view cipher) noexcept = 0;
};

}  // namespace portreeve::tls
