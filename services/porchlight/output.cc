#include "services/porchlight/output.h"

#include <algorithm>
#include <iostream>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/base/time.h"
#include "common/base/utf8.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

constexpr size_t kColumnsMax = 100;

size_t Characters(absl::string_view text) {
  size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return characters;
}

absl::TimeZone& ShownZone() {
  static absl::TimeZone zone = absl::LocalTimeZone();
  return zone;
}

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kInvalidArgument:
      return kMisunderstood;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return kTryAgain;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return kRefused;
    default:
      return kFailed;
  }
}

int Fail(const absl::Status& status) {
  std::cerr << "porchlight: " << status.message() << "\n";
  return ExitCodeOf(status);
}

void PrintJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(message, &json, options);
  std::cout << (printed.ok() ? json : "{}\n");
}

std::string Short(absl::string_view text, size_t characters_max) {
  if (Characters(text) <= characters_max) return std::string(text);
  size_t size = 0;
  for (size_t taken = 0; taken + 1 < characters_max; ++taken)
    size += std::max<size_t>(1, Utf8CharacterBytes(text.substr(size)));
  return absl::StrCat(text.substr(0, size), "…");
}

void PrintTable(const std::vector<std::string>& header,
                std::vector<std::vector<std::string>> rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(Characters(cell));
  for (auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      // A line break in a cell would end the row.
      row[i] = absl::StrReplaceAll(row[i], {{"\r", ""}, {"\n", " "}, {"\t", " "}});
      widths[i] = std::max(widths[i], Characters(row[i]));
    }
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i]);
      if (i + 1 < row.size()) line.append(widths[i] + 2 - Characters(row[i]), ' ');
    }
    std::cout << Short(line, kColumnsMax) << "\n";
  };
  print(header);
  for (const auto& row : rows) print(row);
}

void ShowTimesIn(const std::string& time_zone) {
  absl::TimeZone zone;
  if (absl::LoadTimeZone(time_zone, &zone)) ShownZone() = zone;
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  return present ? absl::FormatTime("%Y-%m-%d %H:%M", FromProto(time), ShownZone()) : "";
}

absl::StatusOr<google::protobuf::Timestamp> ParseTime(absl::string_view option,
                                                      const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      absl::ParseTime("%Y-%m-%d %H:%M", text, ShownZone(), &time, &error)) {
    return ToProto(time);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(option,
                   " isn't a time; write it like \"2026-11-22 02:10\" (the agency's time zone) "
                   "or 2026-11-22T02:10:00-06:00"));
}

std::string Word(absl::string_view prefix, const std::string& enum_name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix)),
                             {{"_", " "}});
}

}  // namespace porchlight
