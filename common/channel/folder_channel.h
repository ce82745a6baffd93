// Delivers into a folder: DIRECTORY/<address>/<delivery id>.txt and .json, and each attachment as
// <delivery id>.<its name>. For drills, and for agencies whose own tools pick files up. The .txt is
// written last, so whoever sees it sees all. A repetition replaces the same files.
#pragma once

#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/channel/channel.h"

namespace porchlight {

// Writes on a thread of its own, so that a slow disk holds nobody up who sends.
class FolderChannel final : public Channel {
 public:
  // `directory` is made when first needed; its parent must be there.
  explicit FolderChannel(std::string directory);
  ~FolderChannel() override;
  void Send(Outgoing outgoing, Answered done) override;

 private:
  struct Job {
    Outgoing outgoing;
    Answered done;
  };

  void Run();

  const std::string directory_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace porchlight
