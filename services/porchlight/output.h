// How the command line speaks: tables for people, protobuf JSON for scripts, one line on standard
// error when something is wrong.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace porchlight {

// The exit codes; told in --help.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kMisunderstood = 2,  // of options or fields
  kTryAgain = 3,       // the server or a part of it is away
  kRefused = 4,        // understood, and not possible
};

ExitCode ExitCodeOf(const absl::Status& status);

// Prints the error and returns its exit code.
int Fail(const absl::Status& status);

// The whole message as JSON, fields that are empty too: its names are a promise to scripts.
void PrintJson(const google::protobuf::Message& message);

// Left-aligned columns, at most 100 wide in all: the last one is cut.
void PrintTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows);

// In this machine's time zone; "" if absent.
std::string TimeText(bool present, const google::protobuf::Timestamp& time);

// "2026-11-22 02:10" in this machine's time zone, or RFC 3339 ("2026-11-22T02:10:00-06:00").
absl::StatusOr<google::protobuf::Timestamp> ParseTime(absl::string_view option,
                                                      const std::string& text);

// "NOTICE_KIND_MISSING" as "missing".
std::string Word(absl::string_view prefix, const std::string& enum_name);

}  // namespace porchlight
