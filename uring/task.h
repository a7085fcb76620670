// Work put off to the end of the current batch of completions: flushing what many callbacks
// appended, and destroying objects that callbacks of the same batch may still refer to. Like an Op,
// a Task lives in its owner and never moves; it unlinks itself when its owner goes.
//
// Called by: owners post it to a Ring, which runs it once per posting. Bounds: posting twice is
// once.
#pragma once

namespace portreeve::uring {

class Task {
  public:
    template <auto Method, class Owner>
    static Task to(Owner* owner) {
        return Task(owner, [](void* self) noexcept { (static_cast<Owner*>(self)->*Method)(); });
    }

    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task(Task&&) = delete;
    Task& operator=(Task&&) = delete;
    ~Task() { unlink(); }

    [[nodiscard]] bool posted() const { return next_ != nullptr; }

    // The list of posted tasks: a ring of links whose anchor is the list itself.
    class List;

  private:
    using Callback = void (*)(void*) noexcept;
    Task(void* owner, Callback callback) : owner_(owner), callback_(callback) {}
    Task() : owner_(nullptr), callback_(nullptr), next_(this), previous_(this) {}  // an anchor

    void unlink() {
        if (next_ != nullptr) {
            next_->previous_ = previous_;
            previous_->next_ = next_;
            next_ = previous_ = nullptr;
        }
    }

    void* owner_;
    Callback callback_;
    Task* next_ = nullptr;
    Task* previous_ = nullptr;
};

class Task::List {
  public:
    [[nodiscard]] bool empty() const { return anchor_.next_ == &anchor_; }

    void post(Task& task) {
        if (task.posted()) {
            return;
        }
        task.previous_ = anchor_.previous_;
        task.next_ = &anchor_;
        anchor_.previous_->next_ = &task;
        anchor_.previous_ = &task;
    }

    // Runs what is posted now; what those tasks post waits for the next call.
    void run() {
        List batch;
        if (empty()) {
            return;
        }
        batch.anchor_.next_ = anchor_.next_;
        batch.anchor_.previous_ = anchor_.previous_;
        batch.anchor_.next_->previous_ = &batch.anchor_;
        batch.anchor_.previous_->next_ = &batch.anchor_;
        anchor_.next_ = anchor_.previous_ = &anchor_;
        while (!batch.empty()) {
            Task& task = *batch.anchor_.next_;
            task.unlink();
            task.callback_(task.owner_);
        }
    }

  private:
    Task anchor_;
};

}  // namespace portreeve::uring
