// The one place that talks to libcurl: an I/O thread that carries many sends at once and keeps
// connections for the next. What an outcome means is each channel's own business (CurlSend::Judge).
// It follows no redirect, asks no proxy of the environment, and never lets one send wait for
// another.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/channel/channel.h"

namespace porchlight {

struct CurlLimits {
  absl::Duration connect;  // name looked up, connected, TLS agreed
  absl::Duration send;     // the whole
};

// Text for ChannelAnswer, cut to kChannelReplyBytesMax without breaking a character.
std::string CutReply(absl::string_view text);

// One send in progress, and all that libcurl reads from while it lasts.
class CurlSend {
 public:
  // `protocols`: all that this may speak, such as "http,https".
  CurlSend(const std::string& url, const char* protocols, const CurlLimits& limits, Answered done);
  CurlSend(const CurlSend&) = delete;
  CurlSend& operator=(const CurlSend&) = delete;
  virtual ~CurlSend();

  // Reads what came of it. CURLE_ABORTED_BY_CALLBACK: the process is stopping.
  virtual ChannelAnswer Judge(CURLcode result) = 0;

 protected:
  // An option that can't be set keeps the whole send from starting.
  template <typename Value>
  void Set(CURLoption option, Value value) {
    const CURLcode result = curl_easy_setopt(easy_, option, value);
    if (setup_ == CURLE_OK) setup_ = result;
  }
  // Trusts those in `ca_file` only; the system's own if it is empty.
  void SetTls(const std::string& ca_file);
  // `item` is copied; freed with the send.
  void Append(curl_slist*& list, const std::string& item);
  long Number(CURLINFO info) const;
  int64_t Bytes(CURLINFO info) const;
  // What went wrong, in libcurl's words.
  std::string Why(CURLcode result) const;

  CURL* easy() const { return easy_; }
  // The beginning of it; not cut for ChannelAnswer yet.
  const std::string& reply() const { return reply_; }

 private:
  friend class CurlSender;
  static size_t TakeReply(char* bytes, size_t size, size_t count, void* self);

  CURL* easy_;
  CURLcode setup_ = CURLE_OK;
  Answered done_;
  std::string reply_;
  size_t reply_bytes_ = 0;
  char error_[CURL_ERROR_SIZE] = {};
};

// Thread-safe.
class CurlSender {
 public:
  CurlSender();
  // Every send not answered yet is judged as CURLE_ABORTED_BY_CALLBACK.
  ~CurlSender();
  CurlSender(const CurlSender&) = delete;
  CurlSender& operator=(const CurlSender&) = delete;

  void Start(std::unique_ptr<CurlSend> send);
  // Begins what the destructor does and doesn't wait; for ending several at once.
  void BeginToStop();

 private:
  void Run();
  void AddStarted();
  void FinishEnded();
  // libcurl waits for some replies, such as the one to a goodbye, without looking at anything else.
  // A socket that is shut down ends such a wait at once.
  void ShutDownSockets();
  static curl_socket_t OpenSocket(void* self, curlsocktype, curl_sockaddr* address);
  static int CloseSocket(void* self, curl_socket_t socket);
  static void Finish(std::unique_ptr<CurlSend> send, CURLcode result);

  CURLM* const multi_;
  absl::Mutex mutex_;
  std::atomic<bool> stopping_ = false;  // written with the mutex held
  std::set<curl_socket_t> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<CurlSend>> started_ ABSL_GUARDED_BY(mutex_);
  // Of the I/O thread; of the destructor, once that has ended.
  std::map<CURL*, std::unique_ptr<CurlSend>> active_;
  std::thread thread_;
};

}  // namespace porchlight
