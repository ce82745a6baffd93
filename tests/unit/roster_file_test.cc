// Comma-separated values as people's programs write them, and a roster in them.
#include "common/roster/roster_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/csv/csv.h"

namespace porchlight::roster_file_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "LINE:cell|cell" or "LINE!error" of each row.
std::vector<std::string> Rows(const std::string& text) {
  CsvReader reader(text);
  CsvRow row;
  std::vector<std::string> rows;
  while (reader.Next(row)) {
    rows.push_back(row.error.ok() ? absl::StrCat(row.line, ":", absl::StrJoin(row.cells, "|"))
                                  : absl::StrCat(row.line, "!", row.error.message()));
  }
  EXPECT_EQ(reader.position(), text.size());
  return rows;
}

TEST(Csv, CellsQuotesAndLineEnds) {
  EXPECT_THAT(Rows(""), ElementsAre());
  EXPECT_THAT(Rows("a,b\n"), ElementsAre("1:a|b"));
  EXPECT_THAT(Rows("\xEF\xBB\xBF"
                   "a,b\r\nc,\r\n"),
              ElementsAre("1:a|b", "2:c|"));
  EXPECT_THAT(Rows("a\n\n\nb"), ElementsAre("1:a", "4:b"));
  EXPECT_THAT(Rows(R"("a, ""b""",c)"), ElementsAre(R"(1:a, "b"|c)"));
  EXPECT_THAT(Rows("\"one\r\ntwo\",x\ny\n"), ElementsAre("1:one\r\ntwo|x", "3:y"));
  EXPECT_THAT(Rows("a\rb\n"), ElementsAre("1:a\rb"));
  EXPECT_THAT(Rows(",\n"), ElementsAre("1:|"));
}

TEST(Csv, ABrokenRowIsToldAndTheNextOnesAreRead) {
  EXPECT_THAT(Rows("a\n\"b\nc\n"), ElementsAre("1:a", HasSubstr("2!a quote is opened"), "3:c"));
  EXPECT_THAT(Rows("\"a\"b,c\nd\n"), ElementsAre(HasSubstr("1!there is text after"), "2:d"));
  EXPECT_THAT(Rows("a\"b\nd\n"), ElementsAre(HasSubstr("1!there is a quote"), "2:d"));
  EXPECT_THAT(Rows("\xC3(\nd\n"), ElementsAre(HasSubstr("1!it has bytes that are no text"), "2:d"));
}

TEST(Csv, WhateverIsWrittenIsReadAgain) {
  std::mt19937 random(1);
  const std::string characters = "a,\"\n\r ;é";
  for (int round = 0; round < 2000; ++round) {
    std::string cell;
    for (unsigned i = random() % 8; i > 0; --i) {
      const char c = characters[random() % (characters.size() - 2)];
      cell += c;
    }
    const std::string quoted =
        absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
    CsvReader reader(quoted);
    CsvRow row;
    ASSERT_TRUE(reader.Next(row));
    ASSERT_TRUE(row.error.ok()) << quoted;
    ASSERT_THAT(row.cells, ElementsAre(cell));
  }
}

TEST(Csv, AnyBytesComeToAnEnd) {
  std::mt19937 random(2);
  const std::string characters("a,\"\n\r\0\xFF\xC3", 8);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (unsigned i = random() % 40; i > 0; --i) text += characters[random() % characters.size()];
    const auto rows = Rows(text);
    ASSERT_LE(rows.size(), text.size());
  }
}

// "LINE:youth_id" or "LINE!error" of each row; the error of the header alone.
std::vector<std::string> Roster(const std::string& text) {
  absl::StatusOr<RosterFile> file = RosterFile::Open(text);
  if (!file.ok()) return {std::string(file.status().message())};
  RosterRow row;
  std::vector<std::string> rows;
  while (file->Next(row)) {
    rows.push_back(row.error.ok() ? absl::StrCat(row.line, ":", row.youth.youth_id())
                                  : absl::StrCat(row.line, "!", row.error.message()));
  }
  EXPECT_EQ(file->percent_read(), 100);
  return rows;
}

TEST(RosterFile, NamesTheLineAndColumnOfEachMistake) {
  EXPECT_THAT(Roster("Youth ID,First-Name,height_cm,circumstances_known\n"
                     "y-1,Robin,165,indian_child; medical-need\n"
                     "y-2,Alex,five feet,\n"
                     ",Sam,,\n"
                     "y-1,Kai,,\n"
                     "y-3,\"June\n,\n"
                     "y-4,Tala\n"
                     "y-5,\"two\nlines\",,\n"
                     "y-6,ding\a,,\n"
                     "y-7,Lou,,tall\n"
                     "y-8,Ines,,\n"),
              ElementsAre("2:y-1", HasSubstr("3!height_cm isn't a whole number"),
                          HasSubstr("4!youth_id is empty"),
                          HasSubstr("5!youth_id stands in an earlier row"), HasSubstr("6!"),
                          HasSubstr("7!the row has 2 cells, the first row 4"),
                          HasSubstr("8!the row has 2 cells"), "9:y-5",
                          HasSubstr("11!first_name has control characters"),
                          HasSubstr("12!circumstances_known has a word"), "13:y-8"));
}

TEST(RosterFile, AHeaderThatIsNoneIsToldWithWhatItMayBe) {
  EXPECT_THAT(Roster(""), ElementsAre(HasSubstr("the file is empty; the first row must name")));
  EXPECT_THAT(Roster("youth_id,frist_name\n"), ElementsAre(HasSubstr("column 2 has a name")));
  EXPECT_THAT(Roster("first_name\n"), ElementsAre(HasSubstr("column youth_id is missing")));
  EXPECT_THAT(Roster("youth_id,sex,Sex\n"), ElementsAre(HasSubstr("column sex is there twice")));
  EXPECT_THAT(Roster("youth_id,photo_id\n"), ElementsAre(HasSubstr("column 2 has a name")));
}

TEST(RosterFile, TheSampleIsWhole) {
  std::ifstream file(SOURCE_DIR "/deploy/sample/roster.csv");
  std::ostringstream text;
  text << file.rdbuf();
  const std::vector<std::string> rows = Roster(text.str());
  EXPECT_EQ(rows.size(), 12u);
  for (const std::string& row : rows) EXPECT_THAT(row, HasSubstr(":y-1"));
}

}  // namespace
}  // namespace porchlight::roster_file_test
