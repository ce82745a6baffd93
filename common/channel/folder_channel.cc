// See folder_channel.h. Every file is written under another name, synced, and renamed: a reader
// sees all of it or none. Error texts name no address, since a sub-folder's name is one.
#include "common/channel/folder_channel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/channel/address.h"

namespace porchlight {
namespace {

constexpr size_t kAttachmentNameBytesMax = 100;
constexpr size_t kDeliveryIdBytesMax = 100;
constexpr int kTemporaryNamesTried = 1000;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }
  bool Close() { return close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

absl::Status Failure(absl::string_view doing, int error) {
  absl::string_view advice = "look at the disk and at the system's log";
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) advice = "free some space on its disk";
  if (error == EACCES || error == EPERM || error == EROFS) {
    advice = "let the user that runs Porchlight write there";
  }
  if (error == ENOENT || error == ENOTDIR || error == ELOOP) {
    advice = "see that the configured folder is one, and that its parent exists";
  }
  return absl::UnavailableError(absl::StrCat(
      "can't ", doing, " in the folder for deliveries: ", strerror(error), "; ", advice));
}

// The sub-folder, made if need be. Not through a link, which could lead anywhere.
absl::StatusOr<File> OpenSubfolder(const std::string& directory, const std::string& name) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return Failure("make it", errno);
  const File base(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (base.fd() < 0) return Failure("open it", errno);
  if (mkdirat(base.fd(), name.c_str(), 0700) == 0) {
    if (fsync(base.fd()) != 0) return Failure("sync it", errno);
  } else if (errno != EEXIST) {
    return Failure("make the recipient's sub-folder", errno);
  }
  File subfolder(openat(base.fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (subfolder.fd() < 0) return Failure("open the recipient's sub-folder", errno);
  return subfolder;
}

bool WriteAndSync(File& file, absl::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(file.fd(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return fsync(file.fd()) == 0 && file.Close();
}

absl::Status WriteFile(const File& folder, const std::string& name, absl::string_view content) {
  // Left over by a crash, or another process's: taken names are passed over, never written to.
  for (int i = 0; i < kTemporaryNamesTried; ++i) {
    const std::string temporary = absl::StrCat(".", getpid(), "-", i, ".tmp");
    File file(
        openat(folder.fd(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd() < 0 && errno == EEXIST) continue;
    if (file.fd() < 0) return Failure("make a file", errno);
    if (WriteAndSync(file, content) &&
        renameat(folder.fd(), temporary.c_str(), folder.fd(), name.c_str()) == 0) {
      return absl::OkStatus();
    }
    const int error = errno;
    unlinkat(folder.fd(), temporary.c_str(), 0);
    return Failure("write a file", error);
  }
  return absl::UnavailableError(
      "can't make a file in the folder for deliveries: it is full of files named .*.tmp, left by "
      "crashes; remove them");
}

// A plain name unlike any in `taken`, which it joins.
std::string PlainName(absl::string_view name, std::set<std::string>& taken) {
  std::string plain;
  for (char c : name.substr(0, kAttachmentNameBytesMax)) {
    const bool safe =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    plain += safe ? c : '_';
  }
  if (plain.empty()) plain = "attachment";
  std::string unlike = plain;
  for (int i = 2; !taken.insert(unlike).second; ++i) unlike = absl::StrCat(i, "-", plain);
  return unlike;
}

bool IsPlainId(absl::string_view id) {
  return !id.empty() && id.size() <= kDeliveryIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

absl::Status Deliver(const std::string& directory, const Outgoing& outgoing) {
  const absl::Status address = CheckAddress(v1::CHANNEL_KIND_FOLDER, outgoing.recipient.address());
  if (!address.ok()) return address;
  const std::string& id = outgoing.delivery_id;
  if (!IsPlainId(id)) {
    return absl::InvalidArgumentError("the delivery id can't be the name of a file");
  }
  absl::StatusOr<File> folder = OpenSubfolder(directory, outgoing.recipient.address());
  if (!folder.ok()) return folder.status();
  const v1::Message& message = outgoing.message;
  std::set<std::string> taken = {"txt", "json"};
  for (const v1::Attachment& attachment : message.attachments()) {
    const std::string name = absl::StrCat(id, ".", PlainName(attachment.file_name(), taken));
    const absl::Status written = WriteFile(*folder, name, attachment.content());
    if (!written.ok()) return written;
  }
  const absl::Status json = WriteFile(*folder, id + ".json", message.json());
  if (!json.ok()) return json;
  const std::string text = absl::StrCat(outgoing.exercise ? "[EXERCISE] " : "", message.subject(),
                                        "\n\n", message.text());
  const absl::Status written = WriteFile(*folder, id + ".txt", text);
  if (!written.ok()) return written;
  return fsync(folder->fd()) == 0 ? absl::OkStatus() : Failure("sync it", errno);
}

ChannelAnswer AnswerOf(const absl::Status& status) {
  ChannelAnswer answer;
  answer.text = std::string(status.message());
  if (status.ok()) {
    answer.answer = v1::DELIVERY_ANSWER_ACCEPTED;
    answer.text = "written to disk";
  } else if (absl::IsInvalidArgument(status)) {
    answer.answer = v1::DELIVERY_ANSWER_REFUSED;
  } else {
    answer.answer = v1::DELIVERY_ANSWER_RETRY;
  }
  return answer;
}

}  // namespace

FolderChannel::FolderChannel(std::string directory)
    : directory_(std::move(directory)), thread_([this] { Run(); }) {}

FolderChannel::~FolderChannel() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
  std::deque<Job> left;
  {
    absl::MutexLock lock(&mutex_);
    left.swap(jobs_);
  }
  for (Job& job : left) {
    job.done({v1::DELIVERY_ANSWER_RETRY, 0, "stopped before it was written"});
  }
}

void FolderChannel::Send(Outgoing outgoing, Answered done) {
  absl::ReleasableMutexLock lock(&mutex_);
  if (!stopping_) {
    jobs_.push_back({std::move(outgoing), std::move(done)});
    return;
  }
  lock.Release();
  done({v1::DELIVERY_ANSWER_RETRY, 0, "stopped before it was written"});
}

void FolderChannel::Run() {
  while (true) {
    Job job;
    {
      absl::MutexLock lock(&mutex_);
      const auto something = [this] {
        mutex_.AssertReaderHeld();
        return stopping_ || !jobs_.empty();
      };
      mutex_.Await(absl::Condition(&something));
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.done(AnswerOf(Deliver(directory_, job.outgoing)));
  }
}

}  // namespace porchlight
