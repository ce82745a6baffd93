// Diagnostics for the people who run Porchlight: one line of JSON each on standard error. (The Log
// is something else: the record of decisions.) Text and values never hold personal data: messages
// go through Redacted().
#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace porchlight {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// A name and an already printed value: {"partition", absl::StrCat(p)}.
struct LogField {
  absl::string_view name;
  std::string value;
};

// Call once, before any thread is started. Without it lines go to standard error at level info.
void InitLogger(LogLevel lowest);
// `text` is the same every time: what varies goes into fields. Thread-safe.
void LogLine(LogLevel level, absl::string_view text, std::initializer_list<LogField> fields = {});

// For tests: sends every line to `sink` as well until the returned guard is gone.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  std::string Lines() const;
};

}  // namespace porchlight
