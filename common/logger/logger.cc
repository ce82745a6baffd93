// The only file that includes spdlog. Lines are written at once, in the caller's thread: the last
// one before a crash is the one that is needed.
#include "common/logger/logger.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "common/base/utf8.h"

namespace porchlight {
namespace {

constexpr size_t kValueBytesMax = 4000;

// Lines for each LogCapture that is alive.
struct Captures {
  absl::Mutex mutex;
  std::vector<std::pair<const LogCapture*, std::string>> lines ABSL_GUARDED_BY(mutex);
};

// Never destroyed, so that a line from a late destructor still has somewhere to go.
Captures& TheCaptures() {
  static auto& captures = *new Captures;
  return captures;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& TheLogger() {
  static auto& logger = *[] {
    auto made = new spdlog::logger("porchlight", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    // Time in UTC and the level, then the rest of the line, which LogLine makes.
    made->set_pattern(R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)",
                      spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

// Quoted and escaped; bytes that are no UTF-8 become U+FFFD, so that every line is valid JSON.
void AppendJsonString(std::string& out, absl::string_view text) {
  const bool cut = text.size() > kValueBytesMax;
  if (cut) text = text.substr(0, kValueBytesMax);
  out += '"';
  while (!text.empty()) {
    const size_t length = Utf8CharacterBytes(text);
    const char c = text[0];
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (cut) out += "…";
  out += '"';
}

}  // namespace

void InitLogger(LogLevel lowest) { TheLogger().set_level(ToSpdlog(lowest)); }

void LogLine(LogLevel level, absl::string_view text, std::initializer_list<LogField> fields) {
  const bool shown = TheLogger().should_log(ToSpdlog(level));
  Captures& captures = TheCaptures();
  {
    absl::MutexLock lock(&captures.mutex);
    if (!shown && captures.lines.empty()) return;
  }
  std::string line = "\"text\":";
  AppendJsonString(line, text);
  for (const LogField& field : fields) {
    line += ',';
    AppendJsonString(line, field.name);
    line += ':';
    AppendJsonString(line, field.value);
  }
  line += '}';
  if (shown) TheLogger().log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  absl::MutexLock lock(&captures.mutex);
  for (auto& [capture, lines] : captures.lines) {
    const auto name = spdlog::level::to_string_view(ToSpdlog(level));
    absl::StrAppend(&lines, "{\"level\":\"", absl::string_view(name.data(), name.size()), "\",",
                    line, "\n");
  }
}

LogCapture::LogCapture() {
  Captures& captures = TheCaptures();
  absl::MutexLock lock(&captures.mutex);
  captures.lines.emplace_back(this, "");
}

LogCapture::~LogCapture() {
  Captures& captures = TheCaptures();
  absl::MutexLock lock(&captures.mutex);
  std::erase_if(captures.lines, [this](const auto& entry) { return entry.first == this; });
}

std::string LogCapture::Lines() const {
  Captures& captures = TheCaptures();
  absl::MutexLock lock(&captures.mutex);
  for (const auto& [capture, lines] : captures.lines) {
    if (capture == this) return lines;
  }
  return "";
}

}  // namespace porchlight
