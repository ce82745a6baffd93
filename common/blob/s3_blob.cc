// See s3_blob.h.
#include "common/blob/s3_blob.h"

#include <curl/curl.h>

#include <utility>

#include "absl/base/call_once.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"

namespace porchlight {
namespace {

// More than any photo or packet.
constexpr size_t kBlobBytesMax = 64u << 20;
// Handles that keep their connection for the next request.
constexpr size_t kIdleMax = 8;
constexpr absl::Duration kPauseLongest = absl::Seconds(30);

struct CodeText {
  absl::string_view code;
  absl::string_view text;
};

// S3's error codes, and what to do then.
constexpr CodeText kCodes[] = {
    {"NoSuchBucket", "there is no such bucket; make it, or correct its name"},
    {"InvalidAccessKeyId", "the key id is not known there; correct it"},
    {"SignatureDoesNotMatch", "the secret is not the one of this key id; check the secret's file"},
    {"AccessDenied",
     "this key may not do that; allow it s3:GetObject, s3:PutObject and s3:DeleteObject on the "
     "bucket's objects and s3:ListBucket on the bucket"},
    {"RequestTimeTooSkewed", "this machine's clock and the server's differ; set it right"},
    {"AuthorizationHeaderMalformed", "the bucket is in another region; correct the region"},
    {"PermanentRedirect", "the bucket is in another region; correct endpoint and region"},
    {"SlowDown", "the server has too much to do; it is tried again with the next request"},
    {"ServiceUnavailable",
     "the server has too much to do; it is tried again with the next request"},
};

}  // namespace

// One request, and what came of it. Used again for the sake of its connection.
class S3Blob::Request {
 public:
  explicit Request(const S3Options& options) : options_(options), easy_(curl_easy_init()) {}
  ~Request() {
    curl_slist_free_all(headers_);
    curl_easy_cleanup(easy_);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  void Send(const char* method, const std::string& name, const std::string* body) {
    Clear();
    if (easy_ == nullptr) return;
    SetCommon();
    Set(CURLOPT_URL, absl::StrCat(options_.endpoint, "/", options_.bucket, "/", name).c_str());
    Set(CURLOPT_CUSTOMREQUEST, method);
    AddHeader(absl::StrCat("x-amz-content-sha256: ",
                           absl::BytesToHexString(Sha256(body == nullptr ? "" : *body))));
    if (body != nullptr) {
      AddHeader("Content-Type: application/octet-stream");
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
      Set(CURLOPT_POSTFIELDS, body->c_str());
    }
    Set(CURLOPT_HTTPHEADER, headers_);
    if (result_ == CURLE_OK) result_ = curl_easy_perform(easy_);
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status_);
  }

  // Whether the far end's answer came as a whole.
  bool answered() const { return result_ == CURLE_OK; }
  std::string Why() const { return error_[0] != '\0' ? error_ : curl_easy_strerror(result_); }
  long status() const { return status_; }
  // Whoever keeps an object tells its tag; a web server that says yes to anything doesn't.
  bool HasTag() const {
    curl_header* tag = nullptr;
    return curl_easy_header(easy_, "ETag", 0, CURLH_HEADER, -1, &tag) == CURLHE_OK;
  }
  // Of an error; empty if it has none.
  absl::string_view Code() const {
    const absl::string_view body = body_;
    const size_t begin = body.find("<Code>");
    const size_t end = body.find("</Code>");
    if (begin == body.npos || end == body.npos || end < begin) return "";
    return body.substr(begin + 6, end - begin - 6);
  }
  std::string TakeBody() { return std::move(body_); }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    const CURLcode result = curl_easy_setopt(easy_, option, value);
    if (result_ == CURLE_OK) result_ = result;
  }

  void AddHeader(const std::string& header) {
    curl_slist* longer = curl_slist_append(headers_, header.c_str());
    if (longer == nullptr) result_ = CURLE_OUT_OF_MEMORY;
    if (longer != nullptr) headers_ = longer;
  }

  // Keeps the connection.
  void Clear() {
    if (easy_ != nullptr) curl_easy_reset(easy_);
    curl_slist_free_all(std::exchange(headers_, nullptr));
    body_.clear();
    error_[0] = '\0';
    status_ = 0;
    result_ = easy_ == nullptr ? CURLE_OUT_OF_MEMORY : CURLE_OK;
  }

  void SetCommon() {
    Set(CURLOPT_ERRORBUFFER, error_);
    Set(CURLOPT_WRITEFUNCTION, &Request::TakeBytes);
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_PROXY, "");
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_QUICK_EXIT, 1L);
    Set(CURLOPT_TCP_NODELAY, 1L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_USERAGENT, "Porchlight");
    Set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(absl::ToInt64Milliseconds(options_.connect_limit)));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(options_.time_limit)));
    Set(CURLOPT_SSL_VERIFYPEER, 1L);
    Set(CURLOPT_SSL_VERIFYHOST, 2L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options_.ca_file.empty()) {
      Set(CURLOPT_CAINFO, options_.ca_file.c_str());
      Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    Set(CURLOPT_AWS_SIGV4, absl::StrCat("aws:amz:", options_.region, ":s3").c_str());
    Set(CURLOPT_USERNAME, options_.key_id.c_str());
    Set(CURLOPT_PASSWORD, options_.secret.c_str());
  }

  static size_t TakeBytes(char* bytes, size_t size, size_t count, void* self) {
    std::string& body = static_cast<Request*>(self)->body_;
    if (body.size() + size * count > kBlobBytesMax) return 0;
    body.append(bytes, size * count);
    return size * count;
  }

  const S3Options& options_;
  CURL* const easy_;
  curl_slist* headers_ = nullptr;
  CURLcode result_ = CURLE_OK;
  long status_ = 0;
  std::string body_;
  char error_[CURL_ERROR_SIZE] = {};
};

S3Blob::S3Blob(S3Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), reach_(clock, kPauseLongest) {
  static absl::once_flag once;
  absl::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

S3Blob::~S3Blob() = default;

std::unique_ptr<S3Blob::Request> S3Blob::Send(const char* method, const std::string& name,
                                              const std::string* body) {
  if (!reach_.MayTry(options_.time_limit).ok()) return nullptr;
  std::unique_ptr<Request> request = Take();
  const absl::Duration began = clock_.Steady();
  request->Send(method, name, body);
  if (request->answered()) {
    reach_.Reached();
  } else {
    reach_.Missed(absl::UnavailableError(request->Why()), clock_.Steady() - began);
  }
  return request;
}

std::unique_ptr<S3Blob::Request> S3Blob::Take() {
  absl::MutexLock lock(&mutex_);
  if (idle_.empty()) return std::make_unique<Request>(options_);
  std::unique_ptr<Request> taken = std::move(idle_.back());
  idle_.pop_back();
  return taken;
}

void S3Blob::Give(std::unique_ptr<Request> request) {
  absl::MutexLock lock(&mutex_);
  if (request != nullptr && idle_.size() < kIdleMax) idle_.push_back(std::move(request));
}

absl::Status S3Blob::Failed(absl::string_view what, absl::string_view name,
                            absl::string_view why) const {
  return absl::UnavailableError(absl::StrCat("can't ", what, " ", name, " in bucket ",
                                             options_.bucket, " at ", options_.endpoint, ": ",
                                             why));
}

absl::Status S3Blob::Refused(absl::string_view what, absl::string_view name,
                             const Request* request) const {
  if (request == nullptr) {
    return Failed(what, name, "it gave no answer a moment ago; it is tried again soon");
  }
  if (!request->answered()) {
    return Failed(what, name,
                  absl::StrCat(request->Why(), "; check the endpoint, and that it can be reached"));
  }
  const absl::string_view code = request->Code();
  for (const CodeText& known : kCodes) {
    if (code == known.code) return Failed(what, name, known.text);
  }
  if (code.empty()) {
    return Failed(what, name,
                  absl::StrCat("it answered ", request->status(),
                               ", and not as S3 does; check the endpoint"));
  }
  return Failed(what, name, absl::StrCat("it answered ", request->status(), " ", code));
}

absl::Status S3Blob::Put(const std::string& name, const std::string& sealed) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  std::unique_ptr<Request> request = Send("PUT", name, &sealed);
  const bool kept =
      request != nullptr && request->answered() && request->status() == 200 && request->HasTag();
  absl::Status status = kept ? absl::OkStatus() : Refused("write", name, request.get());
  Give(std::move(request));
  return status;
}

absl::StatusOr<std::string> S3Blob::Get(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  std::unique_ptr<Request> request = Send("GET", name, nullptr);
  absl::StatusOr<std::string> sealed = NoSuchBlob(name);
  const bool answered = request != nullptr && request->answered();
  if (answered && request->status() == 200 && request->HasTag()) {
    sealed = request->TakeBody();
  } else if (!answered || request->Code() != "NoSuchKey") {
    sealed = Refused("read", name, request.get());
  }
  Give(std::move(request));
  return sealed;
}

absl::Status S3Blob::Remove(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  std::unique_ptr<Request> request = Send("DELETE", name, nullptr);
  const bool removed = request != nullptr && request->answered() &&
                       (request->status() == 204 || request->Code() == "NoSuchKey");
  absl::Status status = removed ? absl::OkStatus() : Refused("remove", name, request.get());
  Give(std::move(request));
  return status;
}

}  // namespace porchlight
