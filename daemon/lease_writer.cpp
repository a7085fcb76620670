#include "daemon/lease_writer.h"

namespace portreeve::daemon {

// Whether it is on the disk now.
bool LeaseWriter::write(const Records& records) {
    const auto done = save_leases(*disk_, state_dir_, records);
    if (done.has_value() == failing_) {
        failing_ = !failing_;
        report_(done ? std::string() : done.error());
    }
    return done.has_value();
}

}  // namespace portreeve::daemon
