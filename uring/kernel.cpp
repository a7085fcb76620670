#include "uring/kernel.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>

namespace portreeve::uring {
namespace {

class UringKernel final : public Kernel {
  public:
    UringKernel() = default;
    UringKernel(const UringKernel&) = delete;
    UringKernel& operator=(const UringKernel&) = delete;
    UringKernel(UringKernel&&) = delete;
    UringKernel& operator=(UringKernel&&) = delete;
    ~UringKernel() override {
        if (ring_.ring_fd >= 0) {
            io_uring_queue_exit(&ring_);
        }
    }

    int setup() {
        io_uring_params params{};
        // SINGLE_ISSUER + DEFER_TASKRUN: completions are made when this thread asks for them, not
        // by
        //   interrupting it: fewer, larger batches, and no locks inside the kernel.
        // CQSIZE: an overflow ends every multishot operation, so overflow is made rare.
        // SUBMIT_ALL: one bad entry does not hold back those behind it.
        // R_DISABLED: made by the thread that can report a failure, started by the one that runs
        // it.
        params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                       IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL |
                       IORING_SETUP_R_DISABLED;
        params.cq_entries = kCompletionEntries;
        const int rc = io_uring_queue_init_params(kSubmissionEntries, &ring_, &params);
        if (rc < 0) {
            ring_.ring_fd = -1;
        }
        return rc;
    }

    [[nodiscard]] io_uring& ring() { return ring_; }

    int enable() override {
        // liburing 2.3 declares io_uring_enable_rings() and does not export it.
        if (syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr,
                    0) < 0) {
            return -errno;
        }
        // Saves a descriptor look-up on each enter; every kernel at the floor (6.1) has it.
        io_uring_register_ring_fd(&ring_);
        return 0;
    }

    io_uring_sqe* next_sqe() override {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        if (sqe != nullptr) {
            std::memset(sqe, 0, sizeof(*sqe));
        }
        return sqe;
    }

    int submit() override {
        const int rc = io_uring_submit(&ring_);
        return rc < 0 ? rc : 0;
    }

    int submit_and_wait(std::int64_t wait_ms) override {
        if (wait_ms == 0) {
            const int rc = io_uring_submit_and_get_events(&ring_);
            return rc < 0 ? rc : 0;
        }
        __kernel_timespec timeout{};
        timeout.tv_sec = wait_ms / 1000;
        timeout.tv_nsec = (wait_ms % 1000) * 1'000'000;
        io_uring_cqe* first = nullptr;
        const int rc = io_uring_submit_and_wait_timeout(&ring_, &first, 1,
                                                        wait_ms < 0 ? nullptr : &timeout, nullptr);
        return rc < 0 && rc != -ETIME && rc != -EINTR ? rc : 0;
    }

    std::size_t reap(std::span<Cqe> out) override {
        std::size_t count = 0;
        unsigned head = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            if (count == out.size()) {
                break;
            }
            out[count++] = {cqe->user_data, cqe->res, cqe->flags};
        }
        io_uring_cq_advance(&ring_, static_cast<unsigned>(count));
        return count;
    }

    [[nodiscard]] bool completions_overflowed() const override {
        return io_uring_cq_has_overflow(&ring_);
    }

    int register_buffers(io_uring_buf_ring* ring, std::uint32_t entries,
                         std::uint16_t group) override {
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring);
        registration.ring_entries = entries;
        registration.bgid = group;
        return io_uring_register_buf_ring(&ring_, &registration, 0);
    }

    int unregister_buffers(std::uint16_t group) override {
        return io_uring_unregister_buf_ring(&ring_, group);
    }

    [[nodiscard]] int descriptor() const override { return ring_.ring_fd; }

    [[nodiscard]] std::int64_t now_ms() const override {
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
        return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
    }

  private:
    io_uring ring_{.sq = {},
                   .cq = {},
                   .flags = 0,
                   .ring_fd = -1,
                   .features = 0,
                   .enter_ring_fd = 0,
                   .int_flags = 0,
                   .pad = {},
                   .pad2 = 0};
};

// What the engine submits; a kernel (or a filter) without one of them is told so at start.
struct NeededOpcode {
    int opcode;
    const char* name;
};
constexpr NeededOpcode kNeeded[] = {
    {IORING_OP_ACCEPT, "ACCEPT"},     {IORING_OP_RECV, "RECV"},
    {IORING_OP_SEND, "SEND"},         {IORING_OP_SENDMSG, "SENDMSG"},
    {IORING_OP_READ, "READ"},         {IORING_OP_POLL_ADD, "POLL_ADD"},
    {IORING_OP_MSG_RING, "MSG_RING"}, {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
    {IORING_OP_CONNECT, "CONNECT"},
};

std::string read_word(const char* path) {
    std::string word;
    std::ifstream(path) >> word;
    return word;
}

std::string why_setup_failed(int error) {
    const std::string disabled = read_word("/proc/sys/kernel/io_uring_disabled");
    if (error == -EPERM && (disabled == "1" || disabled == "2")) {
        return "io_uring is denied by the sysctl kernel.io_uring_disabled=" + disabled +
               "; allow it with: sysctl kernel.io_uring_disabled=0";
    }
    if (error == -EPERM || error == -EACCES) {
        return "io_uring is denied by a seccomp filter or a security module; in a container allow "
               "io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile, in a "
               "systemd unit add @aio to SystemCallFilter=";
    }
    if (error == -ENOSYS) {
        return "io_uring is missing: the kernel was built without it, or a seccomp filter hides "
               "it; "
               "allow io_uring_setup, io_uring_enter and io_uring_register in the filter";
    }
    if (error == -EINVAL) {
        return "this kernel's io_uring lacks SINGLE_ISSUER or DEFER_TASKRUN; Linux 6.1 or newer is "
               "needed";
    }
    if (error == -ENOMEM) {
        return "no memory for the io_uring queues; raise LimitMEMLOCK= or free memory";
    }
    return std::string("io_uring cannot be set up: ") + std::strerror(-error);
}

std::string missing_opcode(io_uring& ring) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    if (probe == nullptr) {
        return "probing";
    }
    std::string missing;
    for (const auto& needed : kNeeded) {
        if (io_uring_opcode_supported(probe, needed.opcode) == 0) {
            missing = needed.name;
            break;
        }
    }
    io_uring_free_probe(probe);
    return missing;
}

}  // namespace

tl::expected<std::unique_ptr<Kernel>, SetupFailure> make_kernel() {
    auto kernel = std::make_unique<UringKernel>();
    if (const int rc = kernel->setup(); rc < 0) {
        return tl::unexpected(SetupFailure{rc, why_setup_failed(rc)});
    }
    if (const std::string missing = missing_opcode(kernel->ring()); !missing.empty()) {
        return tl::unexpected(SetupFailure{-EOPNOTSUPP, "this kernel's io_uring lacks " + missing +
                                                            "; Linux 6.1 or newer is needed"});
    }
    return kernel;
}

}  // namespace portreeve::uring
