// See curl_sender.h.
#include "common/channel/curl_sender.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/base/call_once.h"
#include "common/base/limits.h"

namespace porchlight {
namespace {

// A far end that goes on talking has said enough; its connection is given up.
constexpr size_t kReplyBytesReadMax = 256 << 10;
// Enough of a reply to find a provider's own id in it.
constexpr size_t kReplyBytesKeptMax = 16 << 10;
constexpr long kConnectionsKeptMax = 256;
// libcurl wakes by itself when a transfer needs it; this only bounds the wait.
constexpr int kPollMs = 60'000;

// The process's signals are for its main thread, and a broken TLS connection must not raise
// SIGPIPE.
void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

CURLM* NewMulti() {
  static absl::once_flag once;
  absl::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kConnectionsKeptMax);
  // One request on a connection at a time: none waits behind another's.
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  return multi;
}

}  // namespace

std::string CutReply(absl::string_view text) {
  if (text.size() > kChannelReplyBytesMax) {
    size_t end = kChannelReplyBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  return std::string(text);
}

CurlSend::CurlSend(const std::string& url, const char* protocols, const CurlLimits& limits,
                   Answered done)
    : easy_(curl_easy_init()), done_(std::move(done)) {
  if (easy_ == nullptr) {
    setup_ = CURLE_OUT_OF_MEMORY;
    return;
  }
  Set(CURLOPT_URL, url.c_str());
  Set(CURLOPT_PROTOCOLS_STR, protocols);
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_PROXY, "");
  Set(CURLOPT_NOSIGNAL, 1L);
  // A name server that hangs must not be waited for when its send's time is over.
  Set(CURLOPT_QUICK_EXIT, 1L);
  Set(CURLOPT_TCP_NODELAY, 1L);
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(limits.connect)));
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(limits.send)));
  Set(CURLOPT_ERRORBUFFER, error_);
  Set(CURLOPT_WRITEFUNCTION, &CurlSend::TakeReply);
  Set(CURLOPT_WRITEDATA, this);
}

CurlSend::~CurlSend() { curl_easy_cleanup(easy_); }

void CurlSend::SetTls(const std::string& ca_file) {
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (ca_file.empty()) return;
  Set(CURLOPT_CAINFO, ca_file.c_str());
  Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void CurlSend::Append(curl_slist*& list, const std::string& item) {
  curl_slist* longer = curl_slist_append(list, item.c_str());
  if (longer != nullptr) {
    list = longer;
  } else if (setup_ == CURLE_OK) {
    setup_ = CURLE_OUT_OF_MEMORY;
  }
}

long CurlSend::Number(CURLINFO info) const {
  long value = 0;
  curl_easy_getinfo(easy_, info, &value);
  return value;
}

int64_t CurlSend::Bytes(CURLINFO info) const {
  curl_off_t value = 0;
  curl_easy_getinfo(easy_, info, &value);
  return value;
}

std::string CurlSend::Why(CURLcode result) const {
  if (result == CURLE_ABORTED_BY_CALLBACK) return "stopped before the far end answered";
  return error_[0] != '\0' ? error_ : curl_easy_strerror(result);
}

size_t CurlSend::TakeReply(char* bytes, size_t size, size_t count, void* self) {
  CurlSend& send = *static_cast<CurlSend*>(self);
  const size_t length = size * count;
  send.reply_bytes_ += length;
  const size_t room = kReplyBytesKeptMax - send.reply_.size();
  send.reply_.append(bytes, std::min(length, room));
  return send.reply_bytes_ > kReplyBytesReadMax ? 0 : length;
}

CurlSender::CurlSender() : multi_(NewMulti()), thread_([this] { Run(); }) {}

void CurlSender::BeginToStop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  ShutDownSockets();
  curl_multi_wakeup(multi_);
}

void CurlSender::ShutDownSockets() {
  absl::MutexLock lock(&mutex_);
  for (curl_socket_t socket : sockets_) shutdown(socket, SHUT_RDWR);
}

curl_socket_t CurlSender::OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
  CurlSender& sender = *static_cast<CurlSender*>(self);
  const curl_socket_t opened =
      socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (opened < 0) return CURL_SOCKET_BAD;
  absl::MutexLock lock(&sender.mutex_);
  sender.sockets_.insert(opened);
  return opened;
}

int CurlSender::CloseSocket(void* self, curl_socket_t socket) {
  CurlSender& sender = *static_cast<CurlSender*>(self);
  absl::MutexLock lock(&sender.mutex_);
  sender.sockets_.erase(socket);
  return close(socket);
}

CurlSender::~CurlSender() {
  BeginToStop();
  thread_.join();
  for (auto& [easy, send] : active_) {
    curl_multi_remove_handle(multi_, easy);
    Finish(std::move(send), CURLE_ABORTED_BY_CALLBACK);
  }
  active_.clear();
  std::vector<std::unique_ptr<CurlSend>> never_started;
  {
    absl::MutexLock lock(&mutex_);
    never_started.swap(started_);
  }
  for (auto& send : never_started) Finish(std::move(send), CURLE_ABORTED_BY_CALLBACK);
  ShutDownSockets();  // those opened since
  curl_multi_cleanup(multi_);
}

void CurlSender::Start(std::unique_ptr<CurlSend> send) {
  send->Set(CURLOPT_OPENSOCKETFUNCTION, &CurlSender::OpenSocket);
  send->Set(CURLOPT_OPENSOCKETDATA, this);
  send->Set(CURLOPT_CLOSESOCKETFUNCTION, &CurlSender::CloseSocket);
  send->Set(CURLOPT_CLOSESOCKETDATA, this);
  CURLcode refused = send->setup_;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_ && refused == CURLE_OK) refused = CURLE_ABORTED_BY_CALLBACK;
    if (refused == CURLE_OK) started_.push_back(std::move(send));
  }
  if (refused != CURLE_OK) {
    Finish(std::move(send), refused);
    return;
  }
  curl_multi_wakeup(multi_);
}

void CurlSender::Run() {
  BlockSignals();
  while (!stopping_) {
    AddStarted();
    int running = 0;
    curl_multi_perform(multi_, &running);
    FinishEnded();
    curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
  }
}

void CurlSender::AddStarted() {
  std::vector<std::unique_ptr<CurlSend>> started;
  {
    absl::MutexLock lock(&mutex_);
    started.swap(started_);
  }
  for (auto& send : started) {
    CURL* easy = send->easy_;
    if (curl_multi_add_handle(multi_, easy) == CURLM_OK) {
      active_[easy] = std::move(send);
    } else {
      Finish(std::move(send), CURLE_FAILED_INIT);
    }
  }
}

void CurlSender::FinishEnded() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode result = message->data.result;
    curl_multi_remove_handle(multi_, easy);  // `message` is gone after this
    auto send = active_.extract(easy);
    Finish(std::move(send.mapped()), result);
  }
}

void CurlSender::Finish(std::unique_ptr<CurlSend> send, CURLcode result) {
  ChannelAnswer answer;
  if (send->easy_ == nullptr) {
    answer.answer = v1::DELIVERY_ANSWER_RETRY;
    answer.text = "out of memory: the send was not started";
  } else {
    answer = send->Judge(result);
  }
  Answered done = std::move(send->done_);
  send.reset();
  done(std::move(answer));
}

}  // namespace porchlight
