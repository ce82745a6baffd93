// Every line is one JSON object, whatever is in it.
#include "common/logger/logger.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight::logger_test {
namespace {

google::protobuf::Struct Parsed(const std::string& line) {
  google::protobuf::Struct parsed;
  const auto status = google::protobuf::util::JsonStringToMessage(line, &parsed);
  EXPECT_TRUE(status.ok()) << status.ToString() << " in " << line;
  return parsed;
}

std::string Value(const google::protobuf::Struct& line, const std::string& name) {
  const auto found = line.fields().find(name);
  return found == line.fields().end() ? "(none)" : found->second.string_value();
}

class LoggerTest : public ::testing::Test {
 protected:
  ~LoggerTest() override { InitLogger(LogLevel::kInfo); }
};

TEST_F(LoggerTest, WritesOneJsonObjectToStandardError) {
  ::testing::internal::CaptureStderr();
  LogLine(LogLevel::kWarning, "store is away", {{"partition", "3"}, {"reason", "no route"}});
  const std::string output = ::testing::internal::GetCapturedStderr();
  ASSERT_EQ(std::count(output.begin(), output.end(), '\n'), 1);
  const auto line = Parsed(output);
  EXPECT_EQ(Value(line, "level"), "warning");
  EXPECT_EQ(Value(line, "text"), "store is away");
  EXPECT_EQ(Value(line, "partition"), "3");
  EXPECT_EQ(Value(line, "reason"), "no route");
  const std::string time = Value(line, "ts");
  EXPECT_EQ(time.size(), std::string("2026-01-02T03:04:05.678Z").size()) << time;
  EXPECT_EQ(time.back(), 'Z');
}

TEST_F(LoggerTest, EscapesWhateverComes) {
  LogCapture capture;
  const std::string odd = absl::StrCat("q\" b\\ n\n t\t é 🙂 %v {} {\"a\":1} ",
                                       std::string(1, '\0'), "\x7f \xff \xc3");
  LogLine(LogLevel::kInfo, odd, {{"a\"b", odd}});
  const auto line = Parsed(capture.Lines());
  const std::string shown =
      absl::StrCat("q\" b\\ n\n t\t é 🙂 %v {} {\"a\":1} ", std::string(1, '\0'), "\x7f � �");
  EXPECT_EQ(Value(line, "text"), shown);
  EXPECT_EQ(Value(line, "a\"b"), shown);
}

TEST_F(LoggerTest, CutsLongValues) {
  LogCapture capture;
  LogLine(LogLevel::kInfo, "long", {{"value", std::string(1'000'000, 'x')}});
  EXPECT_LT(capture.Lines().size(), 5'000u);
  EXPECT_EQ(Value(Parsed(capture.Lines()), "value").size(), 4'000u + 3u);
}

TEST_F(LoggerTest, LeavesOutLowerLevels) {
  InitLogger(LogLevel::kWarning);
  ::testing::internal::CaptureStderr();
  LogLine(LogLevel::kDebug, "one");
  LogLine(LogLevel::kInfo, "two");
  LogLine(LogLevel::kWarning, "three");
  LogLine(LogLevel::kError, "four");
  const std::string output = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(output.find("one"), std::string::npos);
  EXPECT_EQ(output.find("two"), std::string::npos);
  EXPECT_NE(output.find("three"), std::string::npos);
  EXPECT_NE(output.find("four"), std::string::npos);
}

// What would be logged at any level must be clean, so captures see every level.
TEST_F(LoggerTest, CapturesEveryLevelWhileAlive) {
  LogCapture outer;
  LogLine(LogLevel::kDebug, "first");
  {
    LogCapture inner;
    LogLine(LogLevel::kInfo, "second");
    EXPECT_EQ(inner.Lines().find("first"), std::string::npos);
    EXPECT_NE(inner.Lines().find("second"), std::string::npos);
  }
  EXPECT_NE(outer.Lines().find("first"), std::string::npos);
  EXPECT_NE(outer.Lines().find("second"), std::string::npos);
}

TEST_F(LoggerTest, LinesOfSeveralThreadsStayWhole) {
  LogCapture capture;
  ::testing::internal::CaptureStderr();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) LogLine(LogLevel::kInfo, "line", {{"i", absl::StrCat(i)}});
    });
  }
  threads.clear();
  for (const std::string& output : {::testing::internal::GetCapturedStderr(), capture.Lines()}) {
    const std::vector<std::string> lines = absl::StrSplit(output, '\n', absl::SkipEmpty());
    EXPECT_EQ(lines.size(), 400u);
    for (const std::string& line : lines) EXPECT_EQ(Value(Parsed(line), "text"), "line");
  }
}

}  // namespace
}  // namespace porchlight::logger_test
