// See address.h. What passes can't carry a header, a command or a path of its own into a channel.
#include "common/channel/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight {
namespace {

constexpr size_t kUrlBytesMax = 2000;
constexpr size_t kEmailBytesMax = 254;
constexpr size_t kEmailLocalBytesMax = 64;
constexpr size_t kDomainLabelBytesMax = 63;
constexpr size_t kFolderBytesMax = 64;

bool AllOf(absl::string_view text, bool (*allowed)(char)) {
  return std::all_of(text.begin(), text.end(), allowed);
}

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

absl::Status CheckUrl(absl::string_view address) {
  const absl::Status no_url = absl::InvalidArgumentError(
      "the address of a webhook must be a URL such as https://host.example/path");
  const bool plain = AllOf(address, [](char c) { return c > ' ' && c < '\x7f'; });
  if (address.empty() || address.size() > kUrlBytesMax || !plain) return no_url;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(address).c_str(), 0) != CURLUE_OK) {
    return no_url;
  }
  if (!UrlPart(url.get(), CURLUPART_USER).empty() ||
      !UrlPart(url.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "the address of a webhook must not hold a user name or password: requests are signed, "
        "set the recipient's secret instead");
  }
  const std::string scheme = UrlPart(url.get(), CURLUPART_SCHEME);
  if (scheme == "https") return absl::OkStatus();
  if (scheme != "http") return no_url;
  const std::string host = UrlPart(url.get(), CURLUPART_HOST);
  if (host == "127.0.0.1" || host == "[::1]" || host == "localhost") return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the address of a webhook must begin with https://; http:// is for 127.0.0.1, [::1] and "
      "localhost only, since notices must not cross a network in clear");
}

bool IsDomainLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kDomainLabelBytesMax && label.front() != '-' &&
         label.back() != '-' && AllOf(label, [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
         });
}

bool IsLocalAtom(absl::string_view atom) {
  return !atom.empty() && AllOf(atom, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != absl::string_view::npos;
  });
}

bool IsEmail(absl::string_view address) {
  const size_t at = address.find('@');
  if (address.size() > kEmailBytesMax || at == absl::string_view::npos ||
      at > kEmailLocalBytesMax) {
    return false;
  }
  for (absl::string_view atom : absl::StrSplit(address.substr(0, at), '.')) {
    if (!IsLocalAtom(atom)) return false;
  }
  for (absl::string_view label : absl::StrSplit(address.substr(at + 1), '.')) {
    if (!IsDomainLabel(label)) return false;
  }
  return true;
}

bool IsFolderName(absl::string_view address) {
  return !address.empty() && address.size() <= kFolderBytesMax && AllOf(address, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

}  // namespace

absl::Status CheckAddress(v1::ChannelKind kind, absl::string_view address) {
  switch (kind) {
    case v1::CHANNEL_KIND_WEBHOOK:
      return CheckUrl(address);
    case v1::CHANNEL_KIND_EMAIL:
      if (IsEmail(address)) return absl::OkStatus();
      return absl::InvalidArgumentError(
          "the address of an e-mail recipient must be one plain address such as "
          "desk@agency.example, without a display name, in ASCII");
    case v1::CHANNEL_KIND_FOLDER:
      if (IsFolderName(address)) return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat("the address of a folder recipient must be the name of a sub-folder: 1 to ",
                       kFolderBytesMax, " characters of A-Z, a-z, 0-9, - and _"));
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("channel ", v1::ChannelKind_Name(kind),
                       " is not one that can be addressed: use webhook, email or folder"));
  }
}

}  // namespace porchlight
