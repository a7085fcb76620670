#include "tests/unit/uring/fake_kernel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace portreeve::uring::test {
namespace {

// Where MSG_RING finds its target.
std::map<int, FakeKernel*>& fakes() {
    static std::map<int, FakeKernel*> all;
    return all;
}

ino_t inode_of(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

template <class T>
T* pointer(std::uint64_t address) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

// The bytes that a SEND or SENDMSG names.
std::string bytes_of(const io_uring_sqe& sqe) {
    if (sqe.opcode == IORING_OP_SEND) {
        return {pointer<const char>(sqe.addr), sqe.len};
    }
    std::string bytes;
    const auto* message = pointer<const msghdr>(sqe.addr);
    for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
        bytes.append(static_cast<const char*>(message->msg_iov[i].iov_base),
                     message->msg_iov[i].iov_len);
    }
    return bytes;
}

bool is_send(const io_uring_sqe& sqe) {
    return sqe.opcode == IORING_OP_SEND || sqe.opcode == IORING_OP_SENDMSG;
}

}  // namespace

FakeSocket::FakeSocket() {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        ADD_FAILURE() << "socketpair: " << std::strerror(errno);
    }
    ours_ = Fd(ends[0]);
    peer_ = Fd(ends[1]);
    number_ = ends[0];
    inode_ = inode_of(number_);
}

bool FakeSocket::output_ended() const {
    pollfd state{peer_.get(), POLLRDHUP, 0};
    ::poll(&state, 1, 0);
    return (state.revents & POLLRDHUP) != 0;
}

bool FakeSocket::shut_down() const {
    pollfd state{peer_.get(), 0, 0};
    ::poll(&state, 1, 0);
    return (state.revents & POLLHUP) != 0;
}

bool FakeSocket::closed() const {
    return inode_of(number_) != inode_;
}

FakeKernel::FakeKernel(std::uint64_t seed, Faults with)
    : faults(with), dice_(seed), now_ms_(static_cast<std::int64_t>(seed)) {
    static int next_descriptor = 1'000'000;  // no real descriptor
    descriptor_ = next_descriptor++;
    fakes()[descriptor_] = this;
}

FakeKernel::~FakeKernel() {
    fakes().erase(descriptor_);
}

int FakeKernel::enable() {
    enabled_ = true;
    return 0;
}

FakeSocket& FakeKernel::socket() {
    FakeSocket made;
    const int number = made.number();
    return sockets_.insert_or_assign(number, std::move(made)).first->second;
}

// Submission
// ---------------------------------------------------------------------------------------

io_uring_sqe* FakeKernel::next_sqe() {
    if (submission_.size() >= faults.submission_entries) {
        return nullptr;
    }
    return &submission_.emplace_back();
}

int FakeKernel::submit() {
    if (!overflow_.empty()) {
        return -EBUSY;
    }
    while (!submission_.empty()) {
        const io_uring_sqe sqe = submission_.front();
        submission_.pop_front();
        take_in(sqe);
    }
    return 0;
}

void FakeKernel::take_in(const io_uring_sqe& sqe) {
    submitted.emplace_back(sqe.opcode, sqe.user_data);
    switch (sqe.opcode) {
        case IORING_OP_ASYNC_CANCEL:
            cancel(sqe);
            return;
        case IORING_OP_MSG_RING:
            send_message(sqe);
            return;
        case IORING_OP_ACCEPT:
        case IORING_OP_RECV:
        case IORING_OP_SEND:
        case IORING_OP_SENDMSG:
        case IORING_OP_READ:
        case IORING_OP_POLL_ADD:
        case IORING_OP_CONNECT:
            break;
        default:
            ADD_FAILURE() << "the fake kernel knows no opcode " << int{sqe.opcode};
            push(sqe.user_data, {-EINVAL});
            return;
    }
    for (const Pending& other : pending_) {
        EXPECT_NE(other.sqe->user_data, sqe.user_data) << "an operation was submitted twice";
    }
    if (sqe.opcode == IORING_OP_RECV) {
        EXPECT_GT(sqe.len, 0U) << "a receive without a bound";
    }
    pending_.push_back({is_send(sqe) ? bytes_of(sqe) : std::string(), false,
                        std::make_unique<const io_uring_sqe>(sqe)});
}

void FakeKernel::cancel(const io_uring_sqe& sqe) {
    const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& op) {
        return op.sqe->user_data == sqe.addr;
    });
    const auto answer = [&](std::int32_t res) {
        if (res < 0 || (sqe.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) {
            push(sqe.user_data, {res});
        }
    };
    if (found == pending_.end()) {
        answer(-ENOENT);
        return;
    }
    if (dice_.chance(faults.odd_cancel)) {
        found->cancelled = true;
        answer(-EALREADY);
        return;
    }
    Answer end{-ECANCELED};
    if (found->sqe->opcode == IORING_OP_RECV && dice_.chance(faults.odd_cancel)) {
        // It had picked its buffer already.
        if (const auto buffer = pick_buffer(found->sqe->buf_group)) {
            end.flags = IORING_CQE_F_BUFFER | std::uint32_t{buffer->bid} << IORING_CQE_BUFFER_SHIFT;
        }
    }
    const std::uint64_t target = found->sqe->user_data;
    pending_.erase(found);
    const bool answer_first = dice_.chance(50);
    if (answer_first) {
        answer(0);
    }
    push(target, end);
    if (!answer_first) {
        answer(0);
    }
}

void FakeKernel::send_message(const io_uring_sqe& sqe) {
    const auto target = fakes().find(sqe.fd);
    std::int32_t res = 0;
    if (target == fakes().end()) {
        res = -EBADF;
    } else if (!target->second->enabled_) {
        res = -EBADFD;
    } else if (target->second->refuse_messages != 0) {
        res = target->second->refuse_messages;
    } else if (target->second->completion_.size() >= target->second->faults.completion_entries) {
        res = -EOVERFLOW;
    } else {
        target->second->push(sqe.off, {static_cast<std::int32_t>(sqe.len)});
    }
    if (res < 0 || (sqe.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) {
        push(sqe.user_data, {res});
    }
}

// Completion
// ---------------------------------------------------------------------------------------

int FakeKernel::submit_and_wait(std::int64_t wait_ms) {
    now_ms_ += static_cast<std::int64_t>(dice_.between(0, 1));
    flush_overflow();
    const int rc = submit();
    if (rc < 0) {
        return rc;
    }
    progress(true);
    if (wait_ms == 0 || !completion_.empty()) {
        return 0;
    }
    progress(false);
    if (completion_.empty()) {
        if (wait_ms < 0) {
            return -EDEADLK;
        }
        now_ms_ += wait_ms;
    }
    return 0;
}

std::size_t FakeKernel::reap(std::span<Cqe> out) {
    std::size_t count = 0;
    while (count < out.size() && !completion_.empty()) {
        out[count++] = completion_.front();
        completion_.pop_front();
    }
    return count;
}

void FakeKernel::push(std::uint64_t user_data, Answer answer) {
    const bool room = overflow_.empty() && completion_.size() < faults.completion_entries;
    (room ? completion_ : overflow_).push_back({user_data, answer.res, answer.flags});
}

void FakeKernel::flush_overflow() {
    while (!overflow_.empty() && completion_.size() < faults.completion_entries) {
        completion_.push_back(overflow_.front());
        overflow_.pop_front();
    }
}

void FakeKernel::progress(bool patiently) {
    std::shuffle(pending_.begin(), pending_.end(), dice_.engine());
    std::vector<Pending> going_on;
    for (Pending& op : std::exchange(pending_, {})) {
        std::optional<Answer> answer;
        if (!patiently || !dice_.chance(faults.late)) {
            answer = attempt(op);
        }
        if (!answer) {
            going_on.push_back(std::move(op));
            continue;
        }
        // What the completion queue has no room for is kept, and ends a multishot.
        const bool room = overflow_.empty() && completion_.size() < faults.completion_entries;
        if (op.sqe->opcode == IORING_OP_ACCEPT && answer->res >= 0 && room &&
            !dice_.chance(faults.drop_more)) {
            answer->flags |= IORING_CQE_F_MORE;
        }
        push(op.sqe->user_data, *answer);
        if ((answer->flags & IORING_CQE_F_MORE) != 0) {
            going_on.push_back(std::move(op));
        }
    }
    pending_.insert(pending_.end(), std::make_move_iterator(going_on.begin()),
                    std::make_move_iterator(going_on.end()));
}

std::optional<FakeKernel::Answer> FakeKernel::attempt(Pending& op) {
    if (op.sqe->opcode == IORING_OP_POLL_ADD) {
        return poll(op);
    }
    if (op.sqe->opcode == IORING_OP_CONNECT) {
        return connect(op);
    }
    const auto found = sockets_.find(op.sqe->fd);
    if (found == sockets_.end()) {
        return Answer{-EBADF};
    }
    FakeSocket& socket = found->second;
    EXPECT_FALSE(socket.closed()) << "a descriptor was closed while an operation held it";
    if (is_send(*op.sqe)) {
        EXPECT_EQ(op.bytes, bytes_of(*op.sqe)) << "bytes changed while they were being sent";
    }
    if (op.cancelled && dice_.chance(50)) {
        return Answer{-ECANCELED};
    }
    std::optional<Answer> answer;
    switch (op.sqe->opcode) {
        case IORING_OP_RECV:
            answer = receive(op, socket);
            break;
        case IORING_OP_READ:
            answer = read(op, socket);
            break;
        case IORING_OP_ACCEPT:
            answer = accept(socket);
            break;
        default:
            answer = send(op, socket);
            break;
    }
    if (!answer && op.cancelled) {
        return Answer{-ECANCELED};
    }
    return answer;
}

std::optional<FakeKernel::Answer> FakeKernel::receive(Pending& op, FakeSocket& socket) {
    const bool ready =
        !socket.input.empty() || socket.input_ends || socket.broken != 0 || socket.shut_down();
    const bool tried_at_once = (op.sqe->ioprio & IORING_RECVSEND_POLL_FIRST) == 0;
    if (!ready && !(tried_at_once && buffers_free(op.sqe->buf_group) == 0)) {
        return std::nullopt;
    }
    if (ready && dice_.chance(faults.interrupt)) {
        return Answer{dice_.chance(50) ? -EINTR : -EAGAIN};
    }
    if (ready && socket.broken != 0) {
        return Answer{socket.broken};
    }
    if (dice_.chance(faults.no_buffers)) {
        return Answer{-ENOBUFS};
    }
    if (ready && socket.input.empty() && dice_.chance(50)) {
        return Answer{0};  // the end; otherwise it comes with a buffer that holds nothing
    }
    const auto buffer = pick_buffer(op.sqe->buf_group);
    if (!buffer) {
        return Answer{-ENOBUFS};
    }
    const std::size_t count =
        shortened(std::min<std::size_t>({op.sqe->len, buffer->len, socket.input.size()}));
    std::memcpy(pointer<char>(buffer->addr), socket.input.data(), count);
    socket.input.erase(0, count);
    std::uint32_t flags = IORING_CQE_F_BUFFER | std::uint32_t{buffer->bid}
                                                    << IORING_CQE_BUFFER_SHIFT;
    if (!socket.input.empty()) {
        flags |= IORING_CQE_F_SOCK_NONEMPTY;
    }
    return Answer{static_cast<std::int32_t>(count), flags};
}

std::optional<FakeKernel::Answer> FakeKernel::send(Pending& op, FakeSocket& socket) {
    if (socket.broken != 0) {
        return Answer{socket.broken};
    }
    if (socket.output_ended()) {
        return Answer{-EPIPE};
    }
    if (socket.room == 0) {
        return std::nullopt;
    }
    if (dice_.chance(faults.interrupt)) {
        return Answer{dice_.chance(50) ? -EINTR : -EAGAIN};
    }
    const std::size_t count = shortened(std::min(op.bytes.size(), socket.room));
    socket.output.append(op.bytes, 0, count);
    socket.room -= count;
    return Answer{static_cast<std::int32_t>(count)};
}

std::optional<FakeKernel::Answer> FakeKernel::read(Pending& op, FakeSocket& socket) {
    if (socket.input.empty() && !socket.input_ends) {
        return std::nullopt;
    }
    const std::size_t count = shortened(std::min<std::size_t>(op.sqe->len, socket.input.size()));
    std::memcpy(pointer<char>(op.sqe->addr), socket.input.data(), count);
    socket.input.erase(0, count);
    return Answer{static_cast<std::int32_t>(count)};
}

std::optional<FakeKernel::Answer> FakeKernel::accept(FakeSocket& socket) {
    if (!socket.accept_errors.empty()) {
        const int error = socket.accept_errors.front();
        socket.accept_errors.pop_front();
        return Answer{error};
    }
    if (socket.arrivals == 0) {
        return std::nullopt;
    }
    --socket.arrivals;
    return Answer{eventfd(0, EFD_CLOEXEC)};
}

std::optional<FakeKernel::Answer> FakeKernel::poll(Pending& op) {
    if (op.cancelled) {
        return Answer{-ECANCELED};
    }
    if (dice_.chance(faults.interrupt)) {
        return Answer{static_cast<std::int32_t>(op.sqe->poll32_events)};  // a false alarm
    }
    pollfd state{op.sqe->fd, static_cast<short>(op.sqe->poll32_events), 0};
    if (::poll(&state, 1, 0) <= 0) {
        return std::nullopt;
    }
    EXPECT_EQ(state.revents & POLLNVAL, 0) << "a descriptor was closed while polled";
    return Answer{state.revents};
}

std::optional<FakeKernel::Answer> FakeKernel::connect(const Pending& op) {
    EXPECT_NE(fcntl(op.sqe->fd, F_GETFD), -1) << "a descriptor was closed while being connected";
    if (!connect_results.empty() && !(op.cancelled && dice_.chance(50))) {
        const int result = connect_results.front();
        connect_results.pop_front();
        return Answer{result};
    }
    return op.cancelled ? std::optional<Answer>(Answer{-ECANCELED}) : std::nullopt;
}

std::size_t FakeKernel::shortened(std::size_t bytes) {
    return bytes > 1 && dice_.chance(faults.shorten) ? dice_.between(1, bytes - 1) : bytes;
}

// What tests ask and do
// ----------------------------------------------------------------------------

const io_uring_sqe* FakeKernel::receive_of(const FakeSocket& socket) const {
    for (const Pending& op : pending_) {
        if (op.sqe->opcode == IORING_OP_RECV && op.sqe->fd == socket.number()) {
            return op.sqe.get();
        }
    }
    return nullptr;
}

std::size_t FakeKernel::asked(const FakeSocket& socket) const {
    const io_uring_sqe* receive = receive_of(socket);
    return receive == nullptr ? 0 : receive->len;
}

bool FakeKernel::asks_poll_first(const FakeSocket& socket) const {
    const io_uring_sqe* receive = receive_of(socket);
    return receive != nullptr && (receive->ioprio & IORING_RECVSEND_POLL_FIRST) != 0;
}

bool FakeKernel::complete(std::uint8_t opcode, std::int32_t res, std::uint32_t flags) {
    const auto found = std::find_if(pending_.begin(), pending_.end(),
                                    [&](const Pending& op) { return op.sqe->opcode == opcode; });
    if (found == pending_.end()) {
        return false;
    }
    push(found->sqe->user_data, {res, flags});
    if ((flags & IORING_CQE_F_MORE) == 0) {
        pending_.erase(found);
    }
    return true;
}

bool FakeKernel::complete_with_buffer(std::uint8_t opcode, std::int32_t res, std::uint16_t group) {
    const auto buffer = pick_buffer(group);
    return buffer &&
           complete(opcode, res,
                    IORING_CQE_F_BUFFER | std::uint32_t{buffer->bid} << IORING_CQE_BUFFER_SHIFT);
}

// Buffers
// ------------------------------------------------------------------------------------------

int FakeKernel::register_buffers(io_uring_buf_ring* ring, std::uint32_t entries,
                                 std::uint16_t group) {
    if (entries == 0 || (entries & (entries - 1)) != 0) {
        return -EINVAL;
    }
    return groups_.try_emplace(group, Group{ring, entries, 0, 0, {}}).second ? 0 : -EEXIST;
}

int FakeKernel::unregister_buffers(std::uint16_t group) {
    return groups_.erase(group) == 1 ? 0 : -ENOENT;
}

void FakeKernel::check_returns(Group& group) {
    const std::uint16_t tail = io_uring_smp_load_acquire(&group.ring->tail);
    for (; group.seen != tail; ++group.seen) {
        const io_uring_buf& buffer = group.ring->bufs[group.seen & (group.entries - 1)];
        EXPECT_TRUE(group.free.insert(buffer.bid).second)
            << "buffer " << buffer.bid << " was given back twice";
    }
}

std::optional<io_uring_buf> FakeKernel::pick_buffer(std::uint16_t number) {
    Group& group = groups_.at(number);
    check_returns(group);
    if (group.head == group.seen) {
        return std::nullopt;
    }
    const io_uring_buf buffer = group.ring->bufs[group.head++ & (group.entries - 1)];
    group.free.erase(buffer.bid);
    return buffer;
}

std::size_t FakeKernel::buffers_free(std::uint16_t number) {
    Group& group = groups_.at(number);
    check_returns(group);
    return group.free.size();
}

std::size_t FakeKernel::buffers_lent(std::uint16_t number) {
    return groups_.at(number).entries - buffers_free(number);
}

}  // namespace portreeve::uring::test
