// portreeved, from the command line to the exit code: each step makes what the next one needs, or
// says in one line why the program cannot go on.

#include <unistd.h>

#include <cstdio>
#include <string>

#include "daemon/arguments.h"
#include "daemon/explain.h"
#include "daemon/log.h"
#include "daemon/login.h"
#include "daemon/server.h"
#include "daemon/startup.h"
#include "ssh/library.h"

namespace {

using namespace portreeve;

constexpr int kBadUsage = 2;

int give_up(const daemon::Failure& failure) {
    for (const std::string& sentence : failure.sentences) {
        std::fprintf(stderr, "portreeved: %s\n", sentence.c_str());
    }
    return failure.exit_code;
}

int report_configuration_errors(const daemon::Failure& failure) {
    for (const std::string& sentence : failure.sentences) {
        std::fprintf(stderr, "%s\n", sentence.c_str());
    }
    return failure.exit_code;
}

int check(conf::Config config, const std::string& path) {
    const auto policy = daemon::read_policy(std::move(config));
    if (!policy) {
        return give_up(policy.error());
    }
    const ssh::AuthorizedKeys& keys = policy->authorized_keys;
    for (const auto& complaint : keys.complaints()) {
        std::printf("warning: %s\n", complaint.text().c_str());
    }
    for (const std::string& why : policy->doubts()) {
        std::printf("warning: %s\n", why.c_str());
    }
    std::printf("%s: fine; %zu keys may log in\n",
                path.empty() ? "built-in defaults" : path.c_str(), keys.size());
    return 0;
}

// 0 granted, 1 not granted; whatever stands in the way of an answer is 2.
int explain(conf::Config config, const daemon::Arguments& arguments) {
    const auto question = daemon::read_question(arguments);
    if (!question) {
        return give_up({kBadUsage, {question.error()}});
    }
    const auto policy = daemon::read_policy(std::move(config));
    if (!policy) {
        return give_up({kBadUsage, policy.error().sentences});
    }
    const auto answer = daemon::explain(*question, *policy, daemon::wall_clock_s());
    std::printf("%s", answer.text.c_str());
    return answer.granted ? 0 : 1;
}

int run(const daemon::Arguments& arguments) {
    const std::string path = daemon::find_config(arguments.config);
    auto config = daemon::read_config(path);
    if (!config) {
        return report_configuration_errors(config.error());
    }

    const ssh::Library libssh;
    if (!libssh.started()) {
        return give_up({1, {"libssh " + ssh::Library::version() + " cannot be started"}});
    }
    if (arguments.check) {
        return check(std::move(*config), path);
    }
    if (arguments.explain) {
        return explain(std::move(*config), arguments);
    }
    if (const std::string why = ssh::Library::why_not_interposed(); !why.empty()) {
        return give_up({1,
                        {"libssh " + ssh::Library::version() + " is not connected: " + why +
                         "; is something preloaded?"}});
    }

    const auto lock = daemon::lock_state(config->server.state_dir);
    if (!lock) {
        return give_up(lock.error());
    }
    auto policy = daemon::make_policy(std::move(*config));
    if (!policy) {
        return give_up(policy.error());
    }

    daemon::Log log(STDERR_FILENO, (*policy)->config.log.format);
    log.set_levels((*policy)->config.log);
    auto server = daemon::Server::make(log, std::move(*policy), path);
    if (!server) {
        return give_up(server.error());
    }
    return (*server)->run();
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = daemon::parse_arguments(argc, argv);
    if (!arguments) {
        std::fprintf(stderr, "portreeved: %s\n\n%s", arguments.error().c_str(),
                     std::string(daemon::usage()).c_str());
        return kBadUsage;
    }
    if (arguments->help) {
        std::printf("%s", std::string(daemon::usage()).c_str());
        return 0;
    }
    if (arguments->version) {
        std::printf("portreeved %s (libssh %s)\n", PORTREEVE_VERSION,
                    ssh::Library::version().c_str());
        return 0;
    }
    return run(*arguments);
}
