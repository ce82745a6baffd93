// See address.h. What passes can't carry a header, a command or a path of its own into a channel.
#include "common/channel/address.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace porchlight {
namespace {

constexpr size_t kUrlBytesMax = 2000;
constexpr size_t kEmailBytesMax = 254;
constexpr size_t kEmailLocalBytesMax = 64;
constexpr size_t kDomainLabelBytesMax = 63;
constexpr size_t kFolderBytesMax = 64;
constexpr size_t kPersonBytesMax = 200;
constexpr size_t kPhoneDigitsMin = 8;
constexpr size_t kPhoneDigitsMax = 15;

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

bool IsPhoneNumber(absl::string_view address) {
  return absl::ConsumePrefix(&address, "+") && !absl::StartsWith(address, "0") &&
         address.size() >= kPhoneDigitsMin && address.size() <= kPhoneDigitsMax &&
         AllOf(address, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

bool IsOneLine(absl::string_view address) {
  return !address.empty() && address.size() <= kPersonBytesMax &&
         AllOf(address, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
}

}  // namespace

absl::Status CheckUrl(absl::string_view what, absl::string_view url) {
  const absl::Status no_url = absl::InvalidArgumentError(
      absl::StrCat(what, " must be a URL such as https://host.example/path"));
  const bool plain = AllOf(url, [](char c) { return c > ' ' && c < '\x7f'; });
  if (url.empty() || url.size() > kUrlBytesMax || !plain) return no_url;
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parts(curl_url(), curl_url_cleanup);
  if (curl_url_set(parts.get(), CURLUPART_URL, std::string(url).c_str(), 0) != CURLUE_OK) {
    return no_url;
  }
  if (!UrlPart(parts.get(), CURLUPART_USER).empty() ||
      !UrlPart(parts.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " must not hold a user name or password: secrets are set in files of their own"));
  }
  const std::string scheme = UrlPart(parts.get(), CURLUPART_SCHEME);
  if (scheme == "https") return absl::OkStatus();
  if (scheme != "http") return no_url;
  const std::string host = UrlPart(parts.get(), CURLUPART_HOST);
  if (host == "127.0.0.1" || host == "[::1]" || host == "localhost") return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      what,
      " must begin with https://; http:// is for 127.0.0.1, [::1] and localhost only, since "
      "notices must not cross a network in clear"));
}

absl::Status CheckAddress(v1::ChannelKind kind, absl::string_view address) {
  switch (kind) {
    case v1::CHANNEL_KIND_WEBHOOK:
      return CheckUrl("the address of a webhook", address);
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
    case v1::CHANNEL_KIND_SMS:
    case v1::CHANNEL_KIND_VOICE:
      if (IsPhoneNumber(address)) return absl::OkStatus();
      return absl::InvalidArgumentError(
          "the address of a text message or call must be a telephone number with its country code "
          "and without blanks, such as +12025550123");
    case v1::CHANNEL_KIND_PERSON:
      if (IsOneLine(address)) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          "the address of a recipient whom a person tells must be what the person calls or opens, "
          "in one line of at most ",
          kPersonBytesMax, " bytes"));
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "channel ", v1::ChannelKind_Name(kind),
          " is not one that can be addressed: use webhook, email, folder, sms, voice or person"));
  }
}

}  // namespace porchlight
