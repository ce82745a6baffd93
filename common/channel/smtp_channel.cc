// See smtp_channel.h. What an outcome means goes by how far the dialogue with the server came.
#include "common/channel/smtp_channel.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/channel/address.h"
#include "common/channel/mime.h"

namespace porchlight {
namespace {

// One more than the dispatcher sends at once, since it sends the next while it is told an answer.
constexpr size_t kSendersMax = kSendsPerChannelMax + 1;
// The server's goodbye, which comes after the reply that matters.
constexpr absl::string_view kGoodbye = "221";
// "Go ahead with the message": from here on it may have arrived.
constexpr long kDataAccepted = 354;

bool IsTlsFailure(CURLcode result) {
  switch (result) {
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return true;
    default:
      return false;
  }
}

std::string Url(const SmtpOptions& options) {
  // The path is the name given in EHLO: our domain, rather than this machine's name.
  const absl::string_view domain =
      absl::string_view(options.from).substr(options.from.find('@') + 1);
  return absl::StrCat("smtp://", options.host, ":", options.port, "/", domain);
}

class SmtpSend final : public CurlSend {
 public:
  SmtpSend(const Outgoing& outgoing, const SmtpOptions& options, Answered done)
      : CurlSend(Url(options), "smtp", {options.connect_limit, options.send_limit},
                 std::move(done)),
        mail_(WriteMail(outgoing, options.from)) {
    SetTls(options.ca_file);
    Set(CURLOPT_USE_SSL,
        static_cast<long>(options.tls == SmtpTls::kRequired ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (!options.user.empty()) {
      Set(CURLOPT_USERNAME, options.user.c_str());
      Set(CURLOPT_PASSWORD, options.password.c_str());
    }
    Set(CURLOPT_SERVER_RESPONSE_TIMEOUT,
        std::max(1L, static_cast<long>(
                         absl::ToInt64Seconds(absl::Ceil(options.send_limit, absl::Seconds(1))))));
    Set(CURLOPT_MAIL_FROM, absl::StrCat("<", options.from, ">").c_str());
    Append(recipients_, absl::StrCat("<", outgoing.recipient.address(), ">"));
    Set(CURLOPT_MAIL_RCPT, recipients_);
    Set(CURLOPT_UPLOAD, 1L);
    Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail_.size()));
    Set(CURLOPT_READFUNCTION, &SmtpSend::GiveMail);
    Set(CURLOPT_READDATA, this);
    Set(CURLOPT_SEEKFUNCTION, &SmtpSend::SeekMail);
    Set(CURLOPT_SEEKDATA, this);
    Set(CURLOPT_HEADERFUNCTION, &SmtpSend::TakeLine);
    Set(CURLOPT_HEADERDATA, this);
  }
  ~SmtpSend() override { curl_slist_free_all(recipients_); }

  ChannelAnswer Judge(CURLcode result) override {
    ChannelAnswer answer;
    const long code = Number(CURLINFO_RESPONSE_CODE);
    const bool failed_reply = code >= 400 && code < 600;
    if (result == CURLE_OK) {
      answer.answer = v1::DELIVERY_ANSWER_ACCEPTED;
      answer.code = static_cast<int>(code);
    } else if (IsTlsFailure(result)) {
      answer.answer = v1::DELIVERY_ANSWER_RETRY;
      answer.text = CutReply(
          absl::StrCat("not sent: the mail server can't be talked to safely (", Why(result),
                       "): check that it offers STARTTLS and that its certificate is trusted"));
      return answer;
    } else if (code == kDataAccepted) {
      answer.answer = v1::DELIVERY_ANSWER_UNKNOWN;
      answer.text = CutReply(absl::StrCat("sent, but no answer came: ", Why(result)));
      return answer;
    } else if (failed_reply) {
      // A wrong password is ours to mend: it says nothing about the recipient.
      const bool passing = code < 500 || result == CURLE_LOGIN_DENIED;
      answer.answer = passing ? v1::DELIVERY_ANSWER_RETRY : v1::DELIVERY_ANSWER_REFUSED;
      answer.code = static_cast<int>(code);
    } else {
      answer.answer = v1::DELIVERY_ANSWER_RETRY;
      answer.text = CutReply(absl::StrCat("not sent: ", Why(result)));
      return answer;
    }
    const std::string hint =
        result == CURLE_LOGIN_DENIED ? " (check the mail server's user and password)" : "";
    answer.text = CutReply(absl::StrCat(absl::StripAsciiWhitespace(server_reply_), hint));
    return answer;
  }

 private:
  static size_t GiveMail(char* buffer, size_t size, size_t count, void* self) {
    SmtpSend& send = *static_cast<SmtpSend*>(self);
    const size_t length = std::min(size * count, send.mail_.size() - send.given_);
    std::memcpy(buffer, send.mail_.data() + send.given_, length);
    send.given_ += length;
    return length;
  }

  // libcurl starts over on a new connection when the kept one turns out to be dead.
  static int SeekMail(void* self, curl_off_t offset, int origin) {
    SmtpSend& send = *static_cast<SmtpSend*>(self);
    if (origin != SEEK_SET || offset < 0 || static_cast<size_t>(offset) > send.mail_.size()) {
      return CURL_SEEKFUNC_CANTSEEK;
    }
    send.given_ = static_cast<size_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  // Keeps the lines of the server's last reply: "250-..." goes on, "250 ..." is its end.
  static size_t TakeLine(char* bytes, size_t size, size_t count, void* self) {
    SmtpSend& send = *static_cast<SmtpSend*>(self);
    const absl::string_view line(bytes, size * count);
    if (line.substr(0, 3) == kGoodbye) return line.size();
    if (send.reply_complete_) send.server_reply_.clear();
    send.reply_complete_ = line.size() < 4 || line[3] != '-';
    const size_t room = kChannelReplyBytesMax + 4 - send.server_reply_.size();
    send.server_reply_.append(line.data(), std::min(line.size(), room));
    return line.size();
  }

  const std::string mail_;
  size_t given_ = 0;
  curl_slist* recipients_ = nullptr;
  std::string server_reply_;
  bool reply_complete_ = false;
};

}  // namespace

SmtpChannel::SmtpChannel(SmtpOptions options) : options_(std::move(options)) {}

SmtpChannel::~SmtpChannel() {
  std::vector<std::unique_ptr<CurlSender>> senders;
  std::deque<Job> jobs;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    senders.swap(senders_);
    jobs.swap(jobs_);
  }
  for (auto& sender : senders) sender->BeginToStop();
  senders.clear();
  for (Job& job : jobs) job.done({v1::DELIVERY_ANSWER_RETRY, 0, "stopped before it was sent"});
}

void SmtpChannel::Send(Outgoing outgoing, Answered done) {
  const absl::Status address = CheckAddress(v1::CHANNEL_KIND_EMAIL, outgoing.recipient.address());
  if (!address.ok()) {
    ChannelAnswer refused;
    refused.answer = v1::DELIVERY_ANSWER_REFUSED;
    refused.text = std::string(address.message());
    done(std::move(refused));
    return;
  }
  CurlSender* sender = nullptr;
  {
    absl::ReleasableMutexLock lock(&mutex_);
    if (stopping_) {
      lock.Release();
      done({v1::DELIVERY_ANSWER_RETRY, 0, "stopped before it was sent"});
      return;
    }
    if (idle_.empty() && senders_.size() < kSendersMax) {
      senders_.push_back(std::make_unique<CurlSender>());
      idle_.push_back(senders_.back().get());
    }
    if (idle_.empty()) {
      jobs_.push_back({std::move(outgoing), std::move(done)});
      return;
    }
    // The one that rested least: its connection is the likeliest to be alive.
    sender = idle_.back();
    idle_.pop_back();
  }
  Start(sender, {std::move(outgoing), std::move(done)});
}

void SmtpChannel::Start(CurlSender* sender, Job job) {
  // Released after the answer has been told: until then its thread is busy with that.
  Answered release_after = [this, sender,
                            done = std::move(job.done)](ChannelAnswer answer) mutable {
    done(std::move(answer));
    Release(sender);
  };
  sender->Start(std::make_unique<SmtpSend>(job.outgoing, options_, std::move(release_after)));
}

void SmtpChannel::Release(CurlSender* sender) {
  Job job;
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    if (jobs_.empty()) {
      idle_.push_back(sender);
      return;
    }
    job = std::move(jobs_.front());
    jobs_.pop_front();
  }
  Start(sender, std::move(job));
}

}  // namespace porchlight
