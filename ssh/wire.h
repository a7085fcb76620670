// The memory that libssh takes for its socket.
//
// libssh has no transport hook: it calls poll, recv and send. This program defines those three
// itself (interpose.cpp); a call that names kWireDescriptor reaches the Wire whose Scope is open on
// this thread, any other call is the plain system call. So every call into libssh happens inside a
// Scope, and libssh never owns a real descriptor: closing kWireDescriptor is harmless.
//
// Owns: nothing; the Link (or a test) does. Called by: interpose.cpp inside, Session outside.
// Bounds: input is what one receive brought; output is bounded by Session, which stops writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace portreeve::ssh {

// Above any limit of open files (fs.nr_open ends near 2^28), so no kernel ever hands it out.
inline constexpr int kWireDescriptor = 0x4000'0000;

class Wire {
  public:
    Wire() = default;
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    Wire(Wire&&) = delete;
    Wire& operator=(Wire&&) = delete;
    virtual ~Wire() = default;

    // While one is open, libssh's calls on this thread reach `wire`. They nest.
    class Scope {
      public:
        explicit Scope(Wire& wire) : outer_(current_) { current_ = &wire; }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;
        Scope(Scope&&) = delete;
        Scope& operator=(Scope&&) = delete;
        ~Scope() { current_ = outer_; }

      private:
        Wire* outer_;
    };
    [[nodiscard]] static Wire* current() { return current_; }

    // What the peer sent and libssh has not read yet; set by the owner for the length of a pump.
    [[nodiscard]] bool readable() const { return !input_.empty(); }
    [[nodiscard]] std::size_t take(std::span<std::byte> into);
    // What libssh sends; always taken whole.
    void give(std::span<const std::byte> bytes) {
        given_bytes_ += bytes.size();
        on_output(bytes);
    }
    [[nodiscard]] std::uint64_t given_bytes() const { return given_bytes_; }

    void set_input(std::span<const std::byte> bytes) { input_ = bytes; }
    [[nodiscard]] std::size_t input_bytes() const { return input_.size(); }
    [[nodiscard]] std::span<const std::byte> unread() const { return input_; }

  private:
    virtual void on_output(std::span<const std::byte> bytes) = 0;

    // constinit: read without the check, at each use, whether this thread has initialised it.
    static constinit thread_local Wire* current_;
    std::span<const std::byte> input_;
    std::uint64_t given_bytes_ = 0;
};

}  // namespace portreeve::ssh
