// libssh as a whole: started once, and proven to reach the Wire.
#pragma once

#include <string>

namespace portreeve::ssh {

// libssh's global state, for the length of main().
class Library {
  public:
    Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    Library(Library&&) = delete;
    Library& operator=(Library&&) = delete;
    ~Library();

    [[nodiscard]] bool started() const { return started_; }
    // Runs a session's first steps over memory. Empty, or why libssh's poll, recv and send do not
    // arrive at the Wire: then no session could work, and some would talk to a wrong descriptor.
    [[nodiscard]] static std::string why_not_interposed();
    [[nodiscard]] static std::string version();

  private:
    bool started_ = false;
};

}  // namespace portreeve::ssh
