// A real HTTP server for tests, on a free port of 127.0.0.1: records every request and answers each
// path as its script says. It never answers by time: what is held stays held until released.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace porchlight::testing {

class HttpReceiver {
 public:
  enum class Fault {
    kNone,
    kHangUpUnread,      // closes without having read the request; only as Always of path "*"
    kHangUpUnanswered,  // reads the request, then closes
    kHangUpInBody,      // sends the status and half a body, then closes
    kHold,              // reads the request, then answers when released, or never
  };
  struct Reply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    Fault fault = Fault::kNone;
  };
  struct Request {
    std::string method;
    std::string path;
    std::map<std::string, std::string> headers;  // names in small letters
    std::string body;
    int connection = 0;  // which one it came on, from 1
  };

  HttpReceiver();
  ~HttpReceiver();
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:PORT" and `path`, which starts with a slash.
  std::string Url(absl::string_view path) const;

  // What scripts are found by, in place of the path. Call before the first request.
  void ScriptBy(std::function<std::string(const Request&)> key);
  // From now on requests are given to this, by the threads that read them, instead of being kept.
  // Call before the first request.
  void GiveTo(std::function<void(Request)> taker);
  // For all later requests of this path, and for the next one only. Without either: 200.
  void Always(const std::string& path, Reply reply);
  void Next(const std::string& path, Reply reply);
  // Lets all that is held be answered, now and from now on.
  void Release();
  // From now on what is to be held is held again.
  void HoldAgain();

  std::vector<Request> requests() const;
  // Requests with this webhook-id.
  int count(const std::string& webhook_id) const;
  // False if it isn't so within the time.
  bool WaitForRequests(size_t count, absl::Duration longest = absl::Seconds(20)) const;

 private:
  void Accept();
  void Serve(int fd, int connection);
  bool ServeOne(int fd, int connection, std::string& buffer);
  Reply NextReply(const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  int listener_ = -1;
  int port_ = 0;
  mutable absl::Mutex mutex_;
  std::function<std::string(const Request&)> key_ ABSL_GUARDED_BY(mutex_) =
      [](const Request& request) { return request.path; };
  std::function<void(Request)> taker_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Reply> always_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<Reply>> next_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::set<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace porchlight::testing
