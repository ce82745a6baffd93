// Shows that each house rule bites, and that it lets good code pass.
#include "tests/tidy/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace porchlight::tidy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct IncludeCase {
  const char* path;
  const char* include;
  bool allowed;
};

void PrintTo(const IncludeCase& c, std::ostream* out) { *out << c.path << " " << c.include; }

class Includes : public testing::TestWithParam<IncludeCase> {};

TEST_P(Includes, AreJudged) {
  const IncludeCase& c = GetParam();
  const File file{c.path, absl::StrCat("// A file.\n#include ", c.include, "\n")};
  const std::string found = Print(CheckIncludes(file));
  if (c.allowed) {
    EXPECT_EQ(found, "");
  } else {
    EXPECT_THAT(found, HasSubstr(absl::StrCat(c.path, ":2: includes ")));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Includes,
    testing::ValuesIn(std::vector<IncludeCase>{
        {"services/intake/rules.h", "<string>", true},
        {"services/intake/rules.h", "\"absl/time/time.h\"", true},
        {"services/intake/rules.cc", "\"services/intake/rules.h\"", true},
        {"services/intake/rules.cc", "\"porchlight/v1/intake.pb.h\"", true},
        {"services/intake/rules.cc", "\"common/base/ids.h\"", true},
        {"services/intake/rules.cc", "\"common/processor/rules.h\"", true},
        {"services/intake/rules.cc", "\"porchlight/v1/intake.grpc.pb.h\"", false},
        {"services/intake/rules.cc", "\"services/intake/service.h\"", false},
        {"services/intake/rules.cc", "\"common/log/log.h\"", false},
        {"services/intake/rules.cc", "\"common/base/clock.h\"", false},
        {"services/intake/rules.cc", "<unistd.h>", false},
        {"services/intake/rules.cc", "<grpcpp/grpcpp.h>", false},
        {"services/intake/service.cc", "<grpcpp/grpcpp.h>", true},
        {"services/intake/service.cc", "\"services/notification/rules.h\"", false},
        {"services/porchlight/serve.cc", "\"services/notification/service.h\"", true},
        {"services/porchlight/main.cc", "<CLI/CLI.hpp>", true},
        {"services/intake/main.cc", "<CLI/CLI.hpp>", false},
        {"common/rpc/server.cc", "\"services/intake/service.h\"", false},
        {"common/rpc/server.cc", "\"tests/support/fakes.h\"", false},
        {"common/log/log.h", "\"common/base/signal.h\"", true},
        {"common/log/log.h", "\"common/sqlite/database.h\"", false},
        {"common/log/log.h", "\"common/log/memory_log.h\"", false},
        {"common/base/ids.cc", "\"common/base/hash.h\"", true},
        {"common/base/ids.cc", "\"common/log/log.h\"", false},
        {"common/log/sqlite_log.cc", "<sqlite3.h>", true},
        {"common/rpc/server.cc", "<sqlite3.h>", false},
        {"common/channel/curl_sender.cc", "<curl/curl.h>", true},
        {"common/rpc/client.cc", "<curl/curl.h>", false},
        {"common/logger/logger.cc", "<spdlog/spdlog.h>", true},
        {"common/rpc/server.cc", "<spdlog/spdlog.h>", false},
        {"common/config/config.cc", "<yaml-cpp/yaml.h>", true},
        {"services/porchlight/serve.cc", "<yaml-cpp/yaml.h>", false},
        {"common/metrics/metrics_server.cc", "<prometheus/exposer.h>", true},
        {"common/host/host.cc", "<prometheus/exposer.h>", false},
        {"common/privacy/sealing.cc", "<sodium.h>", true},
        {"common/log/sqlite_log.cc", "<sodium.h>", false},
        {"common/delivery/dispatcher.cc", "\"porchlight/v1/intake.grpc.pb.h\"", false},
        {"common/log/chain.cc", "<gtest/gtest.h>", false},
    }));

Findings Calls(const char* path, const char* code) { return CheckBannedCalls({path, code}); }

TEST(BannedCalls, AreFoundOutsideTheirPorts) {
  for (const char* call :
       {"auto t = std::chrono::system_clock::now();", "auto t = std::chrono::steady_clock::now();",
        "clock_gettime(CLOCK_REALTIME, &t);", "gettimeofday(&t, nullptr);", "t = time(nullptr);",
        "t = absl::Now();", "std::this_thread::sleep_for(1s);", "sleep_until(t);", "usleep(10);",
        "absl::SleepFor(absl::Seconds(1));", "int r = rand();", "std::random_device device;",
        "std::mt19937 engine(1);", "std::thread t(Run);", "std::jthread t(Run);",
        "auto f = std::async(Run);", "pthread_create(&t, nullptr, Run, nullptr);"}) {
    EXPECT_EQ(Calls("common/log/sqlite_log.cc", call).size(), 1u) << call;
  }
}

TEST(BannedCalls, ArePermittedWhereTheyAreWrapped) {
  EXPECT_THAT(Calls("common/base/system_clock.cc", "clock_gettime(CLOCK_REALTIME, &t);"),
              IsEmpty());
  EXPECT_THAT(Calls("common/processor/worker.cc", "std::thread t(Run);"), IsEmpty());
  EXPECT_THAT(Calls("tests/contract/log_contract_test.cc", "std::thread t(Run);"), IsEmpty());
  EXPECT_THAT(Calls("tests/contract/log_contract_test.cc", "std::mt19937 engine(1);"), IsEmpty());
  EXPECT_THAT(Calls("tests/bench/load.cc", "absl::SleepFor(pause);"), IsEmpty());
  EXPECT_THAT(Calls("tests/bench/bench.cc", "auto t = std::chrono::steady_clock::now();"),
              IsEmpty());
}

TEST(BannedCalls, AreBannedFromTestsAndMainsToo) {
  EXPECT_EQ(Calls("tests/unit/a_test.cc", "absl::SleepFor(absl::Seconds(1));").size(), 1u);
  EXPECT_EQ(Calls("tests/unit/a_test.cc", "absl::Now();").size(), 1u);
  EXPECT_EQ(Calls("tests/unit/a_test.cc", "std::random_device device;").size(), 1u);
  EXPECT_EQ(Calls("tests/faults/a_test.cc", "usleep(1);").size(), 1u);
  EXPECT_EQ(Calls("services/porchlight/serve.cc", "absl::Now();").size(), 1u);
}

TEST(BannedCalls, InCommentsTextsAndLongerWordsAreNone) {
  EXPECT_THAT(Calls("common/log/log.cc",
                    "// absl::Now() is not for us\nf(\"absl::Now()\");\n"
                    "/* std::thread */ int x = operand(1); runtime(nullptr);"),
              IsEmpty());
}

TEST(CodeOnly, BlanksCommentsAndLiteralsAndKeepsLines) {
  EXPECT_EQ(CodeOnly("a; // b\nc(\"d\\\"e\", 'f');\n/* g\nh */ i; 1'000; R\"x(j)y\")x\" k"),
            "a;     \nc(      ,    );\n    \n     i; 1'000;             k");
}

std::string FunctionOf(int lines) {
  std::string text = "int F(int a) {\n";
  for (int i = 0; i < lines - 2; ++i) absl::StrAppend(&text, "  if (a) { a = 1; }\n");
  return text + "}\n";
}

TEST(Sizes, AFunctionMayHave70Lines) {
  const std::string scope = "namespace porchlight {\nnamespace {\n\n";
  EXPECT_EQ(Print(CheckSizes({"common/a/a.cc", scope + FunctionOf(70) + "\n}\n}\n"})), "");
  EXPECT_EQ(Print(CheckSizes({"common/a/a.cc", scope + FunctionOf(71) + "\n}\n}\n"})),
            "common/a/a.cc:4: a function of 71 lines; at most 70\n");
}

TEST(Sizes, SmallFunctionsInARowAndMembersAreCountedEachByItself) {
  std::string text = "class A final : public B {\n public:\n  A(int x) : x_{x}, y_(x) {}\n";
  for (int i = 0; i < 40; ++i) absl::StrAppend(&text, "  int F() const { return x_; }\n\n");
  absl::StrAppend(&text, "};\n\nconst char* const kTable[] = {\n");
  for (int i = 0; i < 80; ++i) absl::StrAppend(&text, "    \"row (\",\n");
  EXPECT_EQ(Print(CheckSizes({"common/a/a.h", text + "};\n"})), "");
}

TEST(Sizes, AConstructorIsCountedWithItsInitializers) {
  std::string text = "A::A(int x)\n    : x_{x},\n      y_{x} {\n";
  for (int i = 0; i < 70; ++i) absl::StrAppend(&text, "  F(x);\n");
  EXPECT_THAT(Print(CheckSizes({"common/a/a.cc", text + "}\n"})),
              HasSubstr("common/a/a.cc:1: a function of 74 lines"));
}

TEST(Sizes, AFileMayHave500Lines) {
  EXPECT_EQ(CheckSizes({"services/a/rules.cc", std::string(500, '\n')}).size(), 0u);
  EXPECT_EQ(CheckSizes({"services/a/rules.cc", std::string(501, '\n')}).size(), 1u);
  EXPECT_EQ(CheckSizes({"tests/unit/a_test.cc", std::string(501, '\n')}).size(), 0u);
}

TEST(LineLength, IsCountedInCharacters) {
  std::string accents;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&accents, "é");
  EXPECT_EQ(Print(CheckLineLength({"common/a.cc", accents + "\n"})), "");
  EXPECT_EQ(Print(CheckLineLength({"common/a.cc", "\n" + accents + "e\n"})),
            "common/a.cc:2: 101 columns; run `make format`\n");
}

TEST(Leftovers, AreFound) {
  for (const char* line : {"// TODO: later", "# FIXME", "XXX", "/* HACK */",
                           "cd /wor"
                           "k/main",
                           "see \"/ro"
                           "ot/.cache\"",
                           "CCACHE_DIR=/tm"
                           "p/ccache",
                           "/home/robin"}) {
    EXPECT_EQ(CheckLeftovers({"deploy/a.sh", line}).size(), 1u) << line;
  }
  for (const char* line : {"mktemp /tmp/a.XXXXXX", "toDo", "framework/work", "docs/root/a"}) {
    EXPECT_THAT(CheckLeftovers({"deploy/a.sh", line}), IsEmpty()) << line;
  }
}

TEST(PersonalData, IsFound) {
  for (const char* line : {"robin@gmail.com", "desk@police.city.gov", "(512) 867-5309",
                           "+1 512-555-0234", "512.867.0142", "123-45-6789"}) {
    EXPECT_EQ(CheckPersonalData({"tests/unit/a_test.cc", line}).size(), 1u) << line;
  }
  for (const char* line : {"desk@police.invalid", "robin@city.example", "a@example.org",
                           "(512) 555-0142", "512-555-0199", "2026-08-01", "1-2-3 @ 4.5",
                           "0123456789-0123-4567", "offset 100 200 3000 1.5"}) {
    EXPECT_EQ(Print(CheckPersonalData({"tests/unit/a_test.cc", line})), "") << line;
  }
}

TEST(Title, IsOne) {
  EXPECT_THAT(CheckTitle({"a.md", "# A\n\n```\n# not a title\n```\n## B\n"}), IsEmpty());
  EXPECT_EQ(CheckTitle({"a.md", "A\n"}).size(), 1u);
  EXPECT_EQ(CheckTitle({"a.md", "# A\n# B\n"}).size(), 1u);
}

std::vector<File> ServiceFiles() {
  std::vector<File> tree;
  for (const char* name : {"rules.h", "rules.cc", "service.h", "service.cc", "main.cc"}) {
    tree.push_back({absl::StrCat("services/intake/", name), ""});
  }
  return tree;
}

TEST(ServiceFiles, AreTheSameFive) {
  std::vector<File> tree = ServiceFiles();
  tree.push_back({"services/porchlight/anything.cc", ""});
  tree.push_back({"services/CMakeLists.txt", ""});
  EXPECT_EQ(Print(CheckServiceFiles(tree)), "");
  tree.push_back({"services/intake/helpers.cc", ""});
  EXPECT_THAT(Print(CheckServiceFiles(tree)), HasSubstr("services/intake/helpers.cc:0:"));
  tree = ServiceFiles();
  tree.erase(tree.begin());
  EXPECT_EQ(Print(CheckServiceFiles(tree)), "services/intake/rules.h:0: is missing\n");
}

TEST(Readme, ListsEveryServiceInATable) {
  std::vector<File> tree = ServiceFiles();
  EXPECT_EQ(Print(CheckReadme(tree)), "README.md:0: is missing\n");
  tree.push_back({"README.md", "# Porchlight\nThe `intake` service.\n"});
  EXPECT_EQ(Print(CheckReadme(tree)), "README.md:0: no table row for `intake`\n");
  tree.back().text = "# Porchlight\n| `intake` | hears reports |\n";
  EXPECT_EQ(Print(CheckReadme(tree)), "");
}

std::string SensitivityOfField(const std::string& field) {
  return Print(CheckSensitivity(
      {{"proto/porchlight/v1/a.proto",
        absl::StrCat("enum Kind {\n  KIND_ONE = 1;\n}\nmessage Part {\n}\nmessage A {\n", field,
                     "\n}\nservice S {\n  rpc F(A) returns (Part);\n}\n")}}));
}

TEST(Sensitivity, IsWantedOfEveryFieldButMessagesOfOurs) {
  EXPECT_EQ(SensitivityOfField("  string a = 1 [(sensitivity) = SENSITIVITY_INTERNAL];"), "");
  EXPECT_EQ(SensitivityOfField("  string a = 1\n      [(sensitivity) = SENSITIVITY_HEALTH];"), "");
  EXPECT_EQ(SensitivityOfField("  repeated Part parts = 1;  // of ours"), "");
  const char* bad[] = {"  string a = 1;",
                       "  repeated string a = 1;",
                       "  Kind a = 1;",
                       "  google.protobuf.Timestamp a = 1;",
                       "  map<string, string> a = 1;",
                       "  oneof b {\n  bytes a = 1 [(sensitivity) = SENSITIVITY_UNSPECIFIED];\n}"};
  for (const char* field : bad) {
    EXPECT_THAT(SensitivityOfField(field), HasSubstr("field a has no sensitivity")) << field;
  }
}

}  // namespace
}  // namespace porchlight::tidy
