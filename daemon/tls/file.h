// Reads the files of a folder of certificates.
//
// Owns: nothing. Called by: read_pair. Bounds: Certificates::kFileBytesMax.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace portreeve::tls {

// A text that is wiped when it is done with: private keys are read into it.
class FileText {
  public:
    FileText() = default;
    FileText(const FileText&) = delete;
    FileText& operator=(const FileText&) = delete;
    FileText(FileText&&) = default;
    FileText& operator=(FileText&&) = delete;
    ~FileText();

    std::string text;
    bool is_there = true;
    bool others_may_read = false;
};

// A file that is not there is no error; one that is no file is. The error is the end of a sentence
// that begins with the path.
[[nodiscard]] tl::expected<FileText, std::string> read_file(const std::string& path);

}  // namespace portreeve::tls
