// The corpus of messages, tests/unit/http/corpus.txt, which says in its first lines how it is
// written.
#pragma once

#include <string>
#include <vector>

namespace portreeve::http::test {

struct Case {
    std::string name;
    std::string section;               // of the RFC that decides it
    bool is_response = false;          // else what is sent is requests
    std::vector<std::string> methods;  // of the requests that the responses are to, in order
    std::string sent;
    std::vector<std::string> expected;  // as Exchange::seen() has it
};

// Fails the test that calls it where the file is malformed.
std::vector<Case> read_corpus();

}  // namespace portreeve::http::test
