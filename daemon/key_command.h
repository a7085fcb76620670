// [auth] command, run for one login: a program that answers with lines of authorized_keys.
//
// Owns: the run of the program. Called by: Authenticator, on its worker's ring. Bounds: those of
// ProgramRun.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "daemon/command_tokens.h"
#include "daemon/program_run.h"
#include "uring/ring.h"

namespace portreeve::daemon {

class KeyCommand final : private ProgramRun::Events {
  public:
    class Events {
      public:
        Events() = default;
        Events(const Events&) = delete;
        Events& operator=(const Events&) = delete;
        virtual ~Events() = default;
        // Once for each start(), later and never from inside a call; the command may be destroyed
        // here. What the program wrote, or the sentence that says why that is not known.
        virtual void on_key_command_done(tl::expected<std::string, std::string> lines) = 0;
    };

    KeyCommand(uring::Ring& ring, Events& events) : events_(events), run_(ring, *this) {}
    KeyCommand(const KeyCommand&) = delete;
    KeyCommand& operator=(const KeyCommand&) = delete;
    KeyCommand(KeyCommand&&) = delete;
    KeyCommand& operator=(KeyCommand&&) = delete;
    ~KeyCommand() override = default;

    // Once.
    void start(const ProgramRules& rules, const LoginFacts& facts);
    // Kills it. on_key_command_done still comes, and must be waited for.
    void cancel() { run_.cancel(); }

  private:
    void on_program_ended(ProgramRun::Outcome outcome) override;

    Events& events_;
    ProgramRun run_;
};

}  // namespace portreeve::daemon
