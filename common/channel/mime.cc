// See mime.h. RFC 5322, 2045, 2047 and 2231, as little of each as is needed.
#include "common/channel/mime.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace porchlight {
namespace {

constexpr size_t kPlainSubjectBytesMax = 60;
constexpr size_t kSubjectBytesMax = 400;
constexpr size_t kEncodedWordBytesMax = 42;  // 56 characters of base64 in a line of 76
constexpr size_t kLineBytesMax = 76;
constexpr size_t kFileNameBytesMax = 120;

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// At most `bytes_max` from the front of `text`, never ending within a character.
absl::string_view Front(absl::string_view text, size_t bytes_max) {
  size_t end = std::min(text.size(), bytes_max);
  while (end > 0 && end < text.size() && IsContinuation(text[end])) --end;
  return text.substr(0, end == 0 ? std::min(text.size(), bytes_max) : end);
}

std::string WithoutControls(absl::string_view text) {
  std::string clean(text);
  std::replace_if(clean.begin(), clean.end(), IsControl, ' ');
  return clean;
}

std::string EncodeSubject(absl::string_view subject) {
  const std::string clean = WithoutControls(Front(subject, kSubjectBytesMax));
  const bool plain = clean.size() <= kPlainSubjectBytesMax &&
                     clean.find("=?") == std::string::npos &&
                     std::all_of(clean.begin(), clean.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (plain) return clean;
  std::string encoded;
  absl::string_view rest = clean;
  while (!rest.empty()) {
    const absl::string_view word = Front(rest, kEncodedWordBytesMax);
    absl::StrAppend(&encoded, encoded.empty() ? "" : "\r\n ", "=?utf-8?B?",
                    absl::Base64Escape(word), "?=");
    rest.remove_prefix(word.size());
  }
  return encoded;
}

// Appends one line of text, broken softly where it grows too long.
void AppendQuotedLine(absl::string_view line, std::string& out) {
  size_t length = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
    const std::string piece =
        plain ? std::string(1, c) : absl::StrFormat("=%02X", static_cast<unsigned char>(c));
    if (length + piece.size() > kLineBytesMax - 1) {
      out += "=\r\n";
      length = 0;
    }
    out += piece;
    length += piece.size();
  }
  out += "\r\n";
}

std::string QuotedPrintable(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    absl::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    AppendQuotedLine(line, out);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string Base64Lines(absl::string_view bytes) {
  constexpr size_t kBytesPerLine = kLineBytesMax / 4 * 3;
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += kBytesPerLine) {
    absl::StrAppend(&out, absl::Base64Escape(bytes.substr(i, kBytesPerLine)), "\r\n");
  }
  return out;
}

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::string_view("!#$&-^_.+").find(c) != absl::string_view::npos;
}

std::string MediaType(absl::string_view media_type) {
  const size_t slash = media_type.find('/');
  const bool shaped = slash != absl::string_view::npos && slash > 0 &&
                      slash + 1 < media_type.size() && media_type.size() <= 100;
  const bool clean = shaped && std::all_of(media_type.begin(), media_type.end(),
                                           [](char c) { return c == '/' || IsTokenCharacter(c); });
  // multipart/* and message/* may not be base64.
  const std::string small = absl::AsciiStrToLower(media_type);
  const bool single = small.rfind("multipart/", 0) != 0 && small.rfind("message/", 0) != 0;
  return clean && single ? std::string(media_type) : "application/octet-stream";
}

// Quoted if it is plain, otherwise in RFC 2231's form.
std::string FileNameParameter(absl::string_view name) {
  const absl::string_view front = Front(name, kFileNameBytesMax);
  if (front.empty()) return "filename=\"attachment\"";
  const auto is_plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  };
  if (std::all_of(front.begin(), front.end(), is_plain)) {
    return absl::StrCat("filename=\"", front, "\"");
  }
  std::string encoded;
  for (char c : front) {
    if (IsControl(c) || c == '/' || c == '\\') c = '_';
    if (is_plain(c)) {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return absl::StrCat("filename*=utf-8''", encoded);
}

std::string Headers(const Outgoing& outgoing, absl::string_view from) {
  const absl::string_view domain = from.substr(from.find('@') + 1);
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", outgoing.made_at, absl::UTCTimeZone());
  const std::string subject = EncodeSubject(
      absl::StrCat(outgoing.exercise ? "[EXERCISE] " : "", outgoing.message.subject()));
  return absl::StrCat("From: <", from, ">\r\nTo: <", outgoing.recipient.address(),
                      ">\r\nSubject: ", subject, "\r\nDate: ", date, "\r\nMessage-ID: <",
                      outgoing.delivery_id, "@", domain,
                      ">\r\nX-Porchlight-Delivery-Id: ", outgoing.delivery_id,
                      "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
}

std::string TextPart(absl::string_view text) {
  return absl::StrCat(
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
      QuotedPrintable(text));
}

}  // namespace

std::string WriteMail(const Outgoing& outgoing, absl::string_view from) {
  std::string mail = Headers(outgoing, from);
  const std::string text = TextPart(outgoing.message.text());
  if (outgoing.message.attachments().empty()) return mail + text;
  // "=_" can stand in neither quoted-printable nor base64, so no part can hold the boundary.
  const std::string boundary = absl::StrCat("=_", Front(outgoing.delivery_id, 60));
  absl::StrAppend(&mail, "Content-Type: multipart/mixed; boundary=\"", boundary, "\"\r\n\r\n--",
                  boundary, "\r\n", text);
  for (const v1::Attachment& attachment : outgoing.message.attachments()) {
    absl::StrAppend(
        &mail, "\r\n--", boundary, "\r\nContent-Type: ", MediaType(attachment.media_type()),
        "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n ",
        FileNameParameter(attachment.file_name()), "\r\n\r\n", Base64Lines(attachment.content()));
  }
  absl::StrAppend(&mail, "\r\n--", boundary, "--\r\n");
  return mail;
}

}  // namespace porchlight
