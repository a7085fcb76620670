#include "daemon/tls/file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "daemon/tls/certificates.h"

namespace portreeve::tls {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

std::string cannot_be_read() {
    return "cannot be read: " + std::generic_category().message(errno);
}

}  // namespace

FileText::~FileText() {
    OPENSSL_cleanse(text.data(), text.size());
}

tl::expected<FileText, std::string> read_file(const std::string& path) {
    // A pipe is not waited for.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    FileText read;
    if (file.get() < 0) {
        if (errno == ENOENT) {
            read.is_there = false;
            return read;
        }
        return tl::unexpected(cannot_be_read());
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return tl::unexpected(cannot_be_read());
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected<std::string>("is not a file");
    }
    read.others_may_read = (status.st_mode & S_IROTH) != 0;
    // One byte more than there may be; never moved, so that no copy stays behind.
    read.text.resize(Certificates::kFileBytesMax + 1);
    std::size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < read.text.size()) {
        got = ::read(file.get(), read.text.data() + size, read.text.size() - size);
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    if (got < 0) {
        return tl::unexpected(cannot_be_read());
    }
    if (size == read.text.size()) {
        return tl::unexpected("has more than " + std::to_string(Certificates::kFileBytesMax) +
                              " bytes, which no certificate and no key has");
    }
    read.text.resize(size);
    return read;
}

}  // namespace portreeve::tls
