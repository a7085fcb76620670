#include "daemon/key_command.h"

#include <utility>

namespace portreeve::daemon {

void KeyCommand::start(const ProgramRules& rules, const LoginFacts& facts) {
    auto words = expand_tokens(rules.arguments, facts);
    if (words) {
        run_.start(rules, std::move(*words));
    } else {
        run_.fail(rules, std::move(words.error()));
    }
}

void KeyCommand::on_program_ended(ProgramRun::Outcome outcome) {
    if (outcome.why_failed.empty()) {
        events_.on_key_command_done(std::move(outcome.output));
    } else {
        events_.on_key_command_done(tl::unexpected(std::move(outcome.why_failed)));
    }
}

}  // namespace portreeve::daemon
