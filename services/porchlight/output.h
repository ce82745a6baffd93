// How the command line speaks: tables for people, protobuf JSON for scripts, one line on standard
// error when something is wrong.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/policy/words.h"
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

// Left-aligned columns, at most 100 characters wide in all: the last one is cut.
void PrintTable(const std::vector<std::string>& header, std::vector<std::vector<std::string>> rows);

// At most so many characters: the rest is cut, and a mark shows it.
std::string Short(absl::string_view text, size_t characters_max);

// The zone of all times from then on, where this machine knows it; at first it is the machine's
// own.
void ShowTimesIn(const std::string& time_zone);

// "" if absent.
std::string TimeText(bool present, const google::protobuf::Timestamp& time);

// "2026-11-22 02:10" in that zone, or RFC 3339 ("2026-11-22T02:10:00-06:00").
absl::StatusOr<google::protobuf::Timestamp> ParseTime(absl::string_view option,
                                                      const std::string& text);

// The value of an enum by its word as it is typed: "aged-out" or "aged_out". InvalidArgument: none
// of them; the text lists them.
template <typename Enum>
absl::StatusOr<Enum> EnumOf(absl::string_view option, std::string text) {
  std::vector<std::string> words = WordsOf<Enum>();
  for (char& c : text) c = c == '-' ? '_' : c;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<Enum>(i + 1);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(option, " isn't one of ", absl::StrJoin(words, ", ")));
}

// "NOTICE_KIND_MISSING" as "missing".
std::string Word(absl::string_view prefix, const std::string& enum_name);

}  // namespace porchlight
