#include <deque>
#include <string>

namespace depot {
namespace {

constexpr int kMostJobs = 64;

}  // namespace

class Queue {
 public:
  explicit Queue(std::string name) : name_(std::move(name)) {}

  // Returns false where the queue is full.
  bool Push(Job job) {
    if (jobs_.size() >= kMostJobs) {
      return false;
    }
    jobs_.push_back(std::move(job));
    return true;
  }

 private:
  std::string name_;
  std::deque<Job> jobs_;
};

int Drain(Queue& queue)
{
    int done = 0;
    while (!queue.Empty())
    {
        queue.Pop().Run();
        ++done;
    }
    return done;
}

}  // namespace depot
