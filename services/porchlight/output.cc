#include "services/porchlight/output.h"

#include <algorithm>
#include <iostream>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/base/time.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

constexpr size_t kColumnsMax = 100;

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

void PrintTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(cell.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i]);
      if (i + 1 < row.size()) line.append(widths[i] + 2 - row[i].size(), ' ');
    }
    while (line.size() > kColumnsMax &&
           (static_cast<unsigned char>(line[kColumnsMax]) & 0xC0) == 0x80)
      line.pop_back();
    std::cout << line.substr(0, kColumnsMax) << "\n";
  };
  print(header);
  for (const auto& row : rows) print(row);
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  return present ? absl::FormatTime("%Y-%m-%d %H:%M", FromProto(time), absl::LocalTimeZone()) : "";
}

absl::StatusOr<google::protobuf::Timestamp> ParseTime(absl::string_view option,
                                                      const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
      absl::ParseTime("%Y-%m-%d %H:%M", text, absl::LocalTimeZone(), &time, &error)) {
    return ToProto(time);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(option,
                   " isn't a time; write it like \"2026-11-22 02:10\" (this machine's time zone) "
                   "or 2026-11-22T02:10:00-06:00"));
}

std::string Word(absl::string_view prefix, const std::string& enum_name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix)),
                             {{"_", " "}});
}

}  // namespace porchlight
