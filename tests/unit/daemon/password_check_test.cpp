// A password's way to the thread that hashes it and back, on a real ring.
#include "daemon/password_check.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "tests/unit/ssh/folder.h"
#include "tests/unit/uring/rings.h"

namespace portreeve::daemon {
namespace {

using ::testing::HasSubstr;

// "open sesame"
constexpr const char* kYescrypt =
    "$y$j9T$1djnLFvPT.To7bOh30ZH4/$B7GkPVE4cm.H.KkJ4q5kUHk8CvZIfLDy1qRh7jTeqK5";
// A second's work.
constexpr const char* kSlowBcrypt = "$2b$14$S1PYU3eg1NiCTMlN/vDZXe..cUrWsmJ6UVkCFLlOh4Vfp1bv1n1wm";
constexpr const char* kBcrypt = "$2b$05$S1PYU3eg1NiCTMlN/vDZXeGVTdWBEB/kNyXW8KxTHin7ANN06KSsy";

struct Waiter final : PasswordCheck::Events {
    Waiter(uring::Ring& ring, PasswordChecker& checker)
        : check(std::make_unique<PasswordCheck>(ring, checker, *this)) {}
    void on_password_checked(tl::expected<bool, std::string> right) override {
        answer = std::move(right);
        check.reset();  // as the contract allows
    }
    [[nodiscard]] std::string text() const {
        return !answer ? "no answer" : !*answer ? answer->error() : **answer ? "right" : "wrong";
    }
    std::unique_ptr<PasswordCheck> check;
    std::optional<tl::expected<bool, std::string>> answer;
};

class PasswordCheckTest : public uring::test::RealRing {
  protected:
    void SetUp() override {
        RealRing::SetUp();
        checker = std::make_unique<PasswordChecker>();
        passwords = read(std::string("ann:") + kYescrypt + "\nbob:" + kBcrypt + "\n");
    }
    static Passwords read(const std::string& lines) {
        const ssh::testing::Folder folder;
        const std::string path = folder.write("passwords", lines);
        EXPECT_EQ(::chmod(path.c_str(), 0600), 0);
        return std::move(*Passwords::read(path));
    }
    std::string check(const std::string& user, std::string_view password) {
        Waiter waiter(*ring, *checker);
        waiter.check->start(passwords, user, password);
        EXPECT_FALSE(waiter.answer) << "answered from inside start()";
        turn_until([&] { return waiter.answer.has_value(); });
        return waiter.text();
    }

    std::unique_ptr<PasswordChecker> checker;
    Passwords passwords;
};

TEST_F(PasswordCheckTest, KnowsRightFromWrong) {
    EXPECT_EQ(check("ann", "open sesame"), "right");
    EXPECT_EQ(check("bob", "open sesame"), "right");
    EXPECT_EQ(check("ann", "open barley"), "wrong");
    EXPECT_EQ(check("bob", "open sesam"), "wrong");
    EXPECT_EQ(check("ann", ""), "wrong");
}

// Whoever is unknown is hashed like ann or bob, and must not get in by their password.
TEST_F(PasswordCheckTest, NeverTakesAnUnknownUser) {
    for (int number = 0; number < 8; ++number) {
        EXPECT_EQ(check("stranger" + std::to_string(number), "open sesame"), "wrong");
    }
}

// crypt(3) ends at a NUL, and bcrypt at 72 bytes is its own affair.
TEST_F(PasswordCheckTest, NeverTakesAPasswordByAPartOfIt) {
    using namespace std::string_view_literals;
    EXPECT_EQ(check("ann", "open sesame\0and more"sv), "wrong");
    EXPECT_EQ(check("ann", std::string("open sesame") + std::string(1000, '\0')), "wrong");
    EXPECT_EQ(check("ann", std::string(100'000, 'a')), "wrong");
}

TEST_F(PasswordCheckTest, BoundsWhatWaits) {
    const Passwords slow = read(std::string("sue:") + kSlowBcrypt + "\n");
    Waiter first(*ring, *checker);  // who keeps the thread busy while all others come
    first.check->start(slow, "sue", "open barley");
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (std::size_t count = 0; count < 2 * PasswordChecker::kWaitingMax; ++count) {
        waiters.push_back(std::make_unique<Waiter>(*ring, *checker));
        waiters.back()->check->start(passwords, "bob", "open sesame");
    }
    std::size_t busy = 0;
    std::size_t right = 0;
    for (const auto& waiter : waiters) {
        turn_until([&] { return waiter->answer.has_value(); });
        busy +=
            waiter->text() == "a password cannot be checked now: 64 others wait for it" ? 1U : 0U;
        right += waiter->text() == "right" ? 1U : 0U;
    }
    EXPECT_EQ(first.text(), "wrong");
    EXPECT_EQ(busy + right, waiters.size());
    EXPECT_GT(busy, 0U);
    EXPECT_GE(right, PasswordChecker::kWaitingMax - 1) << "the first may have waited, too";
    EXPECT_EQ(check("bob", "open sesame"), "right") << "there is room again";
}

TEST_F(PasswordCheckTest, CancelledSaysSoAtOnce) {
    Waiter before(*ring, *checker);  // whose hashing it would wait for
    before.check->start(passwords, "ann", "open sesame");
    Waiter waiter(*ring, *checker);
    waiter.check->cancel();  // not started: nothing
    waiter.check->start(passwords, "ann", "open sesame");
    waiter.check->cancel();
    waiter.check->cancel();
    EXPECT_FALSE(waiter.answer) << "answered from inside cancel()";
    turn_until([&] { return waiter.answer.has_value(); });
    EXPECT_EQ(waiter.text(), "cancelled");
    turn_until([&] { return before.answer.has_value(); });
    EXPECT_EQ(before.text(), "right");
    EXPECT_EQ(check("ann", "open sesame"), "right") << "the thread goes on";
}

TEST_F(PasswordCheckTest, IsAnsweredEvenIfTheThreadEnds) {
    std::vector<std::unique_ptr<Waiter>> waiters;
    for (std::size_t count = 0; count < PasswordChecker::kWaitingMax; ++count) {
        waiters.push_back(std::make_unique<Waiter>(*ring, *checker));
        waiters.back()->check->start(passwords, "ann", "open barley");
    }
    checker.reset();
    for (const auto& waiter : waiters) {
        turn_until([&] { return waiter->answer.has_value(); });
        EXPECT_EQ(waiter->text(), "wrong");
    }
}

TEST_F(PasswordCheckTest, MayBeUsedAgain) {
    struct Again final : PasswordCheck::Events {
        void on_password_checked(tl::expected<bool, std::string> right) override {
            answers.push_back(right.value_or(false));
            if (answers.size() < 3) {
                check->start(*from, "bob", answers.size() == 1 ? "open sesame" : "no");
            }
        }
        std::unique_ptr<PasswordCheck> check;
        const Passwords* from = nullptr;
        std::vector<bool> answers;
    } again;
    again.from = &passwords;
    again.check = std::make_unique<PasswordCheck>(*ring, *checker, again);
    again.check->start(passwords, "bob", "no");
    turn_until([&] { return again.answers.size() == 3; });
    EXPECT_EQ(again.answers, (std::vector<bool>{false, true, false}));
}

// ---- what stays in memory ----

constexpr unsigned char kMask = 0x5a;

// How often `masked`, unmasked, stands in the writable memory of this process. It is compared byte
// by byte, so that the search makes no copy.
std::size_t occurrences(const std::string& masked) {
    std::size_t found = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uintptr_t first = 0;
        std::uintptr_t last = 0;
        char dash = 0;
        std::string rights;
        std::istringstream(line) >> std::hex >> first >> dash >> last >> rights;
        if (rights != "rw-p" || line.find("[v") != std::string::npos) {
            continue;
        }
        const auto* const memory = reinterpret_cast<const volatile unsigned char*>(first);
        for (std::size_t at = 0; at + masked.size() <= last - first; ++at) {
            std::size_t same = 0;
            while (same < masked.size() &&
                   memory[at + same] == (static_cast<unsigned char>(masked[same]) ^ kMask)) {
                ++same;
            }
            found += same == masked.size() ? 1U : 0U;
        }
    }
    return found;
}

TEST_F(PasswordCheckTest, LeavesNoCopyOfThePassword) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's shadow memory is too large to search";
#endif
    std::string masked = "a password that stands nowhere else";
    for (char& c : masked) {
        c = static_cast<char>(static_cast<unsigned char>(c) ^ kMask);
    }
    std::array<char, 64> password{};
    for (const std::string user : {"ann", "bob", "stranger"}) {
        for (std::size_t at = 0; at < masked.size(); ++at) {
            password[at] = static_cast<char>(static_cast<unsigned char>(masked[at]) ^ kMask);
        }
        EXPECT_EQ(occurrences(masked), 1U) << "the search finds it";
        Waiter waiter(*ring, *checker);
        waiter.check->start(passwords, user, {password.data(), masked.size()});
        explicit_bzero(password.data(), password.size());
        turn_until([&] { return waiter.answer.has_value(); });
        EXPECT_EQ(occurrences(masked), 0U) << user;
    }
}

}  // namespace
}  // namespace portreeve::daemon
