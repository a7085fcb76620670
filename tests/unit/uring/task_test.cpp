// The list of posted tasks: once per posting, in order, and safe against what a task does to
// others.
#include "uring/task.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace portreeve::uring::test {
namespace {

struct Worker {
    Worker(char name, std::string& log) : name_(name), log_(log) {}
    void work() {
        log_ += name_;
        if (also) {
            also();
        }
    }
    std::function<void()> also;
    char name_;
    std::string& log_;
    Task task = Task::to<&Worker::work>(this);
};

TEST(Task, RunsOncePerPostingInOrder) {
    std::string log;
    Task::List list;
    Worker a('a', log);
    Worker b('b', log);
    list.post(b.task);
    list.post(a.task);
    list.post(b.task);
    EXPECT_TRUE(a.task.posted());
    EXPECT_FALSE(list.empty());
    list.run();
    EXPECT_EQ(log, "ba");
    EXPECT_FALSE(a.task.posted());
    EXPECT_TRUE(list.empty());
    list.run();
    EXPECT_EQ(log, "ba");
}

TEST(Task, PostedByATaskWaitsForTheNextRun) {
    std::string log;
    Task::List list;
    Worker a('a', log);
    Worker b('b', log);
    a.also = [&] {
        list.post(a.task);
        list.post(b.task);
    };
    list.post(a.task);
    list.run();
    EXPECT_EQ(log, "a");
    a.also = nullptr;
    list.run();
    EXPECT_EQ(log, "aab");
}

TEST(Task, OfABatchMayPostOneThatStillWaitsInIt) {
    std::string log;
    Task::List list;
    Worker a('a', log);
    Worker b('b', log);
    a.also = [&] { list.post(b.task); };
    list.post(a.task);
    list.post(b.task);
    list.run();
    EXPECT_EQ(log, "ab");
    EXPECT_TRUE(list.empty());
}

TEST(Task, DestroyedByAnotherWhileTheListRunsIsNotRun) {
    std::string log;
    Task::List list;
    Worker first('1', log);
    auto middle = std::make_unique<Worker>('2', log);
    Worker last('3', log);
    first.also = [&] { middle.reset(); };
    list.post(first.task);
    list.post(middle->task);
    list.post(last.task);
    list.run();
    EXPECT_EQ(log, "13");
}

TEST(Task, MayDestroyItself) {
    std::string log;
    Task::List list;
    auto once = std::make_unique<Worker>('1', log);
    Worker last('2', log);
    once->also = [&] { once.reset(); };
    list.post(once->task);
    list.post(last.task);
    list.run();
    EXPECT_EQ(log, "12");
    EXPECT_TRUE(list.empty());
}

TEST(Task, DestroyedWhilePostedLeavesTheList) {
    std::string log;
    Task::List list;
    {
        Worker gone('x', log);
        list.post(gone.task);
    }
    EXPECT_TRUE(list.empty());
    list.run();
    EXPECT_EQ(log, "");
}

}  // namespace
}  // namespace portreeve::uring::test
