// The command line of intake against the real server: what is typed, what is printed, and the names
// in --json that scripts were promised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/photo/jpeg.h"
#include "common/photo/raster.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/support/far_ends.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::command_line_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CommandLine : public ::testing::Test {
 protected:
  CommandLine()
      : server_({.program = BINARY_DIR "/porchlight",
                 .data = data_.path() + "/data",
                 .error_file = data_.path() + "/errors"}) {
    EXPECT_TRUE(server_.WaitUntilReady()) << server_.errors();
  }

  RunResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), BINARY_DIR "/porchlight");
    arguments.insert(arguments.end(), {"--server", server_.address()});
    return RunProgram(arguments);
  }
  // What it prints with --json.
  google::protobuf::Struct Json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const RunResult run = Run(std::move(arguments));
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    google::protobuf::Struct json;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(run.output, &json).ok()) << run.output;
    return json;
  }
  std::string File(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(data_.path(), "/", name);
    WriteTextFile(path, content);
    return path;
  }
  void ImportSample() {
    const RunResult run = Run({"import", SOURCE_DIR "/deploy/sample/roster.csv"});
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    EXPECT_THAT(run.output, HasSubstr("12 rows: 12 youths added"));
  }
  static void ExpectFits(const std::string& table) {
    for (const absl::string_view line : absl::StrSplit(table, '\n')) EXPECT_LE(line.size(), 110u);
  }

  DataFolder data_;
  ServerProcess server_;
};

std::string Text(const google::protobuf::Struct& json, const std::string& name) {
  const auto found = json.fields().find(name);
  return found == json.fields().end() ? "(none)" : found->second.string_value();
}

TEST_F(CommandLine, ACaseFromTheRosterToTheEnd) {
  ImportSample();
  const RunResult youths = Run({"youths"});
  EXPECT_THAT(youths.output, AllOf(HasSubstr("y-100"), HasSubstr("Robin Example")));
  ExpectFits(youths.output);

  const google::protobuf::Struct reported = Json({"report",
                                                  "--youth",
                                                  "y-100",
                                                  "--first-name",
                                                  "Robin",
                                                  "--last-name",
                                                  "Example",
                                                  "--last-seen-place",
                                                  "the bus stop",
                                                  "--last-seen-at",
                                                  "2026-11-22 02:10",
                                                  "--jurisdiction",
                                                  "us-tx",
                                                  "--request-id",
                                                  "report-1",
                                                  "--circumstance",
                                                  "indian-child",
                                                  "--anchor",
                                                  "departure=2026-11-22 02:05",
                                                  "--unavailable",
                                                  "photo=none was ever taken",
                                                  "--status",
                                                  "runaway"});
  EXPECT_EQ(Text(reported, "requestId"), "report-1");
  EXPECT_EQ(Text(reported, "youthId"), "y-100");
  EXPECT_EQ(Text(reported, "episodeId"), "y-100_e1");
  EXPECT_NE(Text(reported, "receivedAt"), "(none)");
  EXPECT_EQ(Json({"episodes"}).fields().at("episodes").list_value().values_size(), 1);

  Raster raster;
  raster.Resize(40, 30);
  const std::string photo = File("photo.jpg", *EncodeJpeg(raster, 90));
  EXPECT_EQ(Run({"add", "y-100_e1", "--kind", "photo", "--photo", photo}).exit_code, 0);
  EXPECT_EQ(Run({"add", "y-100_e1", "--kind", "sighting", "--place", "the mall", "--at",
                 "2026-11-22 10:40", "--text", "with two friends", "--hair", "dyed blue"})
                .exit_code,
            0);
  const RunResult shown = Run({"episode", "y-100_e1"});
  EXPECT_THAT(shown.output,
              AllOf(HasSubstr("dyed blue"), HasSubstr("2026-11-22 02:10"), HasSubstr("the mall"),
                    HasSubstr("with two friends"), HasSubstr("indian child"),
                    HasSubstr("runaway (left)"), HasSubstr("departure")));
  EXPECT_EQ(Run({"return", "y-100_e1", "--where", "self-returned"}).exit_code, 0);
  EXPECT_EQ(Run({"close", "y-100_e1", "--reason", "returned"}).exit_code, 0);
  EXPECT_THAT(Run({"episodes"}).output, HasSubstr("No open episodes"));
  const RunResult all = Run({"episodes", "--all"});
  EXPECT_THAT(all.output, AllOf(HasSubstr("y-100_e1"), HasSubstr("closed")));
  ExpectFits(all.output);
}

TEST_F(CommandLine, AYouthReportedByNameIsJoined) {
  ImportSample();
  const google::protobuf::Struct reported = Json({"report", "--first-name", "Kai"});
  const RunResult joined =
      Run({"join", "--reported", Text(reported, "episodeId"), "--youth", "y-104"});
  EXPECT_EQ(joined.exit_code, 0) << joined.errors;
  EXPECT_THAT(joined.output, HasSubstr(Text(reported, "episodeId")));
  EXPECT_EQ(Text(Json({"report", "--youth", "y-104"}), "episodeId"), Text(reported, "episodeId"));
}

TEST_F(CommandLine, ARosterWithMistakesIsImportedButForThem) {
  const std::string roster = File("roster.csv",
                                  "youth_id,first_name,date_of_birth,height_cm\n"
                                  "y-1,Robin,2010-05-13,165\n"
                                  "y-2,Alex,13/05/2010,\n"
                                  "y-3,Sam,,tall\n"
                                  "y-4,Kai,,\n");
  const RunResult run = Run({"import", roster});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.output, HasSubstr("4 rows: 2 youths added, 0 changed, 0 as they were, 2 rows"));
  EXPECT_THAT(run.errors, AllOf(HasSubstr("roster.csv:3: date_of_birth isn't a date"),
                                HasSubstr("roster.csv:4: height_cm isn't a whole number")));
  EXPECT_THAT(Run({"import", roster}).output, HasSubstr("0 youths added, 0 changed, 2 as they"));
  EXPECT_THAT(Run({"import", File("other.csv", "name\nRobin\n")}).errors,
              AllOf(HasSubstr("column 1 has a name"), HasSubstr("Nothing was imported")));
  EXPECT_THAT(Run({"import", data_.path() + "/none.csv"}).errors, HasSubstr("can't read"));
}

struct MistakeRow {
  std::vector<std::string> typed;
  int exit_code;
  std::string said;
};

TEST_F(CommandLine, WhatCannotBeUnderstoodIsToldWithWhatToDo) {
  ASSERT_EQ(Run({"report", "--youth", "y-1"}).exit_code, 0);
  const std::vector<MistakeRow> rows = {
      {{"report"}, 2, "give at least a name, a placement or a youth id"},
      {{"report", "--youth", "Robin Example"}, 2, "youth_id"},
      {{"report", "--first-name", "\xC3("}, 2, "first_name has bytes that are no text"},
      {{"report", "--youth", "y-1", "--last-seen-at", "two o'clock"}, 2, "write it like"},
      {{"report", "--youth", "y-1", "--circumstance", "sad"}, 2, "--circumstance isn't one of"},
      {{"report", "--youth", "y-1", "--anchor", "departure"}, 2, "--anchor must be NAME=VALUE"},
      {{"add", "y-1_e1"}, 2, "nothing is told"},
      {{"add", "y-1_e1", "--kind", "rumour", "--text", "x"}, 2, "--kind isn't one of sighting"},
      {{"add", "y-1_e1", "--kind", "photo", "--photo", "/none.jpg"}, 2, "can't read --photo"},
      {{"add", "y-9_e1", "--text", "x"}, 4, "there is no such episode"},
      {{"add", "y-1_e1", "--text", std::string(70'000, 'x')}, 2, "text has 70000 bytes; at most"},
      {{"return", "y-9_e1"}, 4, "report that first, then the return"},
      {{"close", "y-1_e1", "--reason", "tired"}, 2, "--reason isn't one of returned, aged_out"},
      {{"close", "y-1_e1", "--reason", "returned"}, 4, "Record the return first"},
      {{"join", "--reported", "y-1", "--youth", "y-9"}, 4, "`porchlight youths` lists"},
      {{"episode", "robin"}, 2, "episode_id is not an episode's id"},
  };
  for (const MistakeRow& row : rows) {
    SCOPED_TRACE(row.said);
    const RunResult run = Run(row.typed);
    EXPECT_EQ(run.exit_code, row.exit_code);
    EXPECT_THAT(run.errors, HasSubstr(row.said));
    EXPECT_EQ(run.output, "");
  }
  const RunResult broken = Run({"add", "y-1_e1", "--kind", "photo", "--photo",
                                File("broken.jpg", "\xFF\xD8\xFF and no more")});
  EXPECT_EQ(broken.exit_code, 2) << broken.errors;
}

}  // namespace
}  // namespace porchlight::testing::command_line_test
