// Evidence holds the rules that it was decided by, each once and unchanged, and says what is
// missing; its timeline tells in plain words what was done without telling of whom; and all of it
// can be written out as files, for the caller's user alone.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/evidence/read_bundle.h"
#include "common/evidence/show.h"
#include "common/evidence/verify_bundle.h"
#include "common/policy/loader.h"
#include "common/privacy/sealing.h"
#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "gtest/gtest.h"
#include "porchlight/v1/notification.pb.h"
#include "tests/unit/evidence_log.h"

namespace porchlight::testing::evidence_show_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// The first two packs that the directory set are named by records, the third one isn't.
std::vector<v1::PolicyPack> ThreeVersions() {
  std::vector<v1::PolicyPack> packs;
  for (const char* name : {"Texas, first", "Texas, second", "Texas, in force now"}) {
    v1::PolicyPack& pack = packs.emplace_back(*LoadPacks({})->Find("us"));
    pack.set_pack_id("us-tx");
    pack.set_time_zone("America/Chicago");
    pack.set_name(name);
    pack.mutable_rules()->DeleteSubrange(1, pack.rules_size() - 1);
    pack.clear_holidays();
    pack.set_content_hash(ContentHash(pack));
  }
  return packs;
}

// In one line, as a person reads it.
std::string Words(std::string text) {
  absl::RemoveExtraAsciiWhitespace(&text);
  return text;
}

class EvidenceShowTest : public ::testing::Test {
 protected:
  v1::EvidenceBundle Export() {
    const absl::StatusOr<v1::EvidenceBundle> bundle =
        ExportEvidence(world_.Sources(), world_.episode, world_.start + absl::Hours(5));
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    return bundle.ok() ? *bundle : v1::EvidenceBundle();
  }
  absl::StatusOr<EvidenceReport> Verify(const v1::EvidenceBundle& bundle,
                                        Telling telling = Telling::kInternalOnly) {
    return VerifyEvidence(SignEvidence(bundle, world_.signing_seed), telling);
  }
  std::string Fault(const v1::EvidenceBundle& bundle) {
    const absl::StatusOr<EvidenceReport> report = Verify(bundle);
    if (report.ok()) return "no fault found";
    EXPECT_TRUE(absl::IsDataLoss(report.status())) << report.status();
    return std::string(report.status().message());
  }
  static std::map<std::string, std::string> Files(EvidenceReport report) {
    std::map<std::string, std::string> files;
    for (const ShownFile& file : FilesOf(report, absl::UTCTimeZone())) {
      EXPECT_TRUE(files.emplace(file.name, file.content).second) << file.name << " comes twice";
    }
    return files;
  }

  const std::vector<v1::PolicyPack> packs_ = ThreeVersions();
  EvidenceLog world_{"", packs_};
  google::protobuf::LogSilencer silencer_;  // damaged bytes are parsed on purpose
};

TEST_F(EvidenceShowTest, HoldsEachPackThatRecordsNameAndNothingElseOfTheDirectory) {
  const v1::EvidenceBundle bundle = Export();
  ASSERT_EQ(bundle.packs_size(), 2);
  EXPECT_EQ(bundle.packs(0).name(), "Texas, first");
  EXPECT_EQ(bundle.packs(1).name(), "Texas, second");
  EXPECT_THAT(bundle.SerializeAsString(), Not(HasSubstr("Directory-Marker")));
  const absl::StatusOr<EvidenceReport> report = Verify(bundle);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->packs_missing.empty());
  EXPECT_EQ(ZoneOf(*report, absl::UTCTimeZone()).name(), "America/Chicago");
  const std::string text = Words(ToText(*report, absl::UTCTimeZone()));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("By the rules of Texas, first (us-tx), version ",
                                           packs_[0].content_hash())));
  EXPECT_THAT(text, Not(HasSubstr("not in the file")));
}

TEST_F(EvidenceShowTest, EveryChangedByteOfAPackIsFound) {
  const v1::EvidenceBundle bundle = Export();
  ASSERT_EQ(bundle.packs_size(), 2);
  std::string bytes = bundle.packs(1).SerializeAsString();
  int tried = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char was = bytes[i];
    bytes[i] = static_cast<char>(was ^ (1 << (i % 8)));
    v1::EvidenceBundle changed = bundle;
    if (changed.mutable_packs(1)->ParseFromString(bytes)) {
      EXPECT_NE(Fault(changed), "no fault found") << "byte " << i;
      ++tried;
    }
    bytes[i] = was;
  }
  EXPECT_GT(tried, 100);
}

TEST_F(EvidenceShowTest, TheFirstPackThatDoesNotFitIsNamed) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_packs(0)->mutable_rules(0)->set_citation("another law");
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(packs_[0].content_hash()), HasSubstr("us-tx"),
                                   HasSubstr("not what its content_hash says")));
  // Also where the hash is made anew: then no record names it.
  bundle.mutable_packs(0)->set_content_hash(ContentHash(bundle.packs(0)));
  EXPECT_THAT(Fault(bundle), HasSubstr("no record of the episode names it"));
  bundle = Export();
  *bundle.add_packs() = bundle.packs(1);
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(packs_[1].content_hash()), HasSubstr("twice")));
  bundle = Export();
  *bundle.add_packs() = packs_[2];
  EXPECT_THAT(Fault(bundle), AllOf(HasSubstr(packs_[2].content_hash()), HasSubstr("was added")));
}

TEST_F(EvidenceShowTest, APackThatIsMissingIsSaid) {
  v1::EvidenceBundle bundle = Export();
  bundle.mutable_packs()->DeleteSubrange(0, 1);
  const absl::StatusOr<EvidenceReport> report = Verify(bundle, Telling::kEverything);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(Words(ToText(*report, absl::UTCTimeZone())),
              HasSubstr(absl::StrCat("The rules of version ", packs_[0].content_hash(),
                                     ", by which something was decided, are not in the file")));
  EXPECT_THAT(Files(*report).at(absl::StrCat("rules/duty-", kDutyKey, ".txt")),
              HasSubstr(absl::StrCat("version ", packs_[0].content_hash(), " are not in")));
}

TEST_F(EvidenceShowTest, WhereTheDirectoryCannotBeReadAnyMoreTheRestIsExported) {
  ASSERT_TRUE(world_.keys.Destroy(KeyName("")).ok());
  const v1::EvidenceBundle bundle = Export();
  EXPECT_EQ(bundle.packs_size(), 0);
  const absl::StatusOr<EvidenceReport> report = Verify(bundle);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->packs_missing.size(), 2u);
}

TEST_F(EvidenceShowTest, TheTimelineTellsInPlainWordsAndNamesNobody) {
  const std::string told = ToText(*Verify(Export()), absl::UTCTimeZone());
  for (absl::string_view line : absl::StrSplit(told, '\n')) EXPECT_LE(line.size(), 100u) << line;
  const std::string text = Words(told);
  EXPECT_THAT(text, HasSubstr("Decided who must be told; on the word of worker-7 notice "
                              "youth-own_e1_n1 (missing) to law enforcement desk-1 by webhook, for "
                              "duty police.law_enforcement.1.1 (42 USC 671(a)(35)(B)), due "
                              "2026-02-02 02:10:00 +0000"));
  EXPECT_THAT(text, HasSubstr("Proof typed in; on the word of worker-7 police case number typed in "
                              "by worker-7, told by phone, done 2026-02-01"));
  for (absl::string_view secret : {kOwnMarker, kCaseNumber, absl::string_view("Officer")}) {
    EXPECT_THAT(text, Not(HasSubstr(std::string(secret))));
  }
}

TEST_F(EvidenceShowTest, ACommandThatNobodyDecidedIsToldOnce) {
  const absl::StatusOr<EvidenceReport> report = Verify(Export());
  ASSERT_TRUE(report.ok()) << report.status();
  int undecided = 0;
  for (const TimelineEntry& entry : report->timeline) {
    if (entry.decided) continue;
    EXPECT_EQ(entry.record_id, "command-undecided");
    ++undecided;
  }
  EXPECT_EQ(undecided, 1);
  EXPECT_THAT(Words(ToText(*report, absl::UTCTimeZone())),
              HasSubstr("something new is known; told by worker-7, phone; nobody had decided it"));
  // It is proof as any other: without it the watch has nothing to stand on.
  v1::EvidenceBundle bundle = Export();
  for (int i = 0; i < bundle.commands_size(); ++i) {
    v1::RecordHeader header;
    ASSERT_TRUE(header.ParseFromString(bundle.commands(i).header()));
    if (header.record_id() == "command-undecided") {
      bundle.mutable_commands()->DeleteSubrange(i, 1);
      break;
    }
  }
  EXPECT_THAT(Fault(bundle), HasSubstr("is in no chain of the file"));
}

TEST_F(EvidenceShowTest, ShowsPacketsReceiptsRulesRecordsAndTheWholeTimeline) {
  const auto files = Files(*Verify(Export(), Telling::kEverything));
  EXPECT_THAT(files.at("packets/001-law_enforcement-desk-1.txt"),
              AllOf(HasSubstr("Subject: A notice"), HasSubstr(std::string(kOwnMarker)),
                    HasSubstr("Delivery: youth-own_e1_dpolice")));
  EXPECT_EQ(files.at("packets/001-law_enforcement-desk-1.json"), "{\"noticeId\":\"n1\"}");
  EXPECT_THAT(files.at("receipts/002-law_enforcement-desk-1-attempt-2.txt"),
              AllOf(HasSubstr("accepted, code 202"), HasSubstr("Answer of an invented desk")));
  EXPECT_THAT(files.at("receipts/004-typed-in-police_case_number.txt"),
              AllOf(HasSubstr(std::string(kCaseNumber)), HasSubstr("Officer Invented")));
  EXPECT_THAT(files.at(absl::StrCat("rules/duty-", kDutyKey, ".txt")),
              AllOf(HasSubstr("Report to police"), HasSubstr("24 hours from received"),
                    HasSubstr("42 USC 671(a)(35)(B)"), HasSubstr(packs_[0].content_hash())));
  EXPECT_THAT(
      files.at(absl::StrCat("rules/pack-us-tx-", packs_[1].content_hash().substr(0, 16), ".txt")),
      HasSubstr("Texas, second"));
  EXPECT_THAT(files.at("records/001-ReportMissingRequest.json"),
              HasSubstr(std::string(kOwnMarker)));
  EXPECT_THAT(Words(files.at("timeline.txt")),
              AllOf(HasSubstr(absl::StrCat("police case number ", kCaseNumber, " typed in")),
                    HasSubstr("file packets/001-law_enforcement-desk-1.txt")));
  EXPECT_THAT(files.at("README.txt"), HasSubstr("verifies"));
  for (const auto& [name, content] : files) {
    EXPECT_THAT(name + content, Not(HasSubstr(std::string(kOtherMarker)))) << name;
    EXPECT_THAT(name + content, Not(HasSubstr(world_.other_youth))) << name;
  }
}

TEST_F(EvidenceShowTest, OfASealedRecordOnlyTheTimelineAndTheRulesAreLeft) {
  ASSERT_TRUE(world_.keys.Destroy(KeyName(world_.youth)).ok());
  const auto files = Files(*Verify(Export(), Telling::kEverything));
  EXPECT_EQ(files.size(), 4u);
  EXPECT_THAT(files.at("README.txt"), HasSubstr("sealed or expunged"));
  EXPECT_THAT(Words(files.at("timeline.txt")), HasSubstr("Proof typed in"));
}

TEST_F(EvidenceShowTest, WhatDoesNotVerifyIsShownOnlyWithItsFault) {
  std::string file = SignEvidence(Export(), world_.signing_seed);
  file[60] ^= 1;  // of the signature
  const absl::Status fault = VerifyEvidence(file).status();
  ASSERT_TRUE(absl::IsDataLoss(fault));
  EvidenceReport report = ReadUnverified(OpenEvidence(file).value(), std::string(fault.message()),
                                         Telling::kEverything);
  EXPECT_TRUE(report.packs_missing.empty());
  const auto files = Files(report);
  EXPECT_THAT(Words(files.at("timeline.txt")),
              AllOf(HasSubstr("THIS FILE DOES NOT VERIFY: the signature doesn't fit"),
                    Not(HasSubstr("Verified:"))));
  EXPECT_THAT(files.at("README.txt"), HasSubstr("DOES NOT VERIFY"));
  EXPECT_THAT(files.at("packets/001-law_enforcement-desk-1.txt"),
              HasSubstr(std::string(kOwnMarker)));
}

TEST_F(EvidenceShowTest, NoNameOfAFileComesFromTextThatCouldLeadElsewhere) {
  EvidenceReport report = *Verify(Export(), Telling::kEverything);
  for (TimelineEntry& entry : report.timeline) {
    entry.recipient_id = "../../etc/x\n";
    entry.type = "../../etc/y";
  }
  report.packs[0].set_pack_id("../up");
  for (const auto& [name, content] : Files(report)) {
    const std::vector<std::string> parts = absl::StrSplit(name, '/');
    EXPECT_LE(parts.size(), 2u) << name;
    for (const std::string& part : parts) EXPECT_NE(part[0], '.') << name;
  }
}

// A folder of this test's own, removed with it.
class WriteFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/show-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(base_); }
  static mode_t ModeOf(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }
  std::string base_;
  const std::vector<ShownFile> files_ = {{"README.txt", "read\n"}, {"packets/001.txt", "sent\n"}};
};

TEST_F(WriteFolderTest, OnlyTheCallersUserCanReadIt) {
  const std::string folder = base_ + "/out";
  ASSERT_TRUE(WriteFolder(folder, files_).ok());
  EXPECT_EQ(ModeOf(folder), 0700u);
  EXPECT_EQ(ModeOf(folder + "/packets"), 0700u);
  EXPECT_EQ(ModeOf(folder + "/packets/001.txt"), 0600u);
  std::ifstream in(folder + "/README.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "read\n");
}

TEST_F(WriteFolderTest, AFolderThatHoldsSomethingIsRefusedAndAnEmptyOneIsTaken) {
  const std::string folder = base_ + "/out";
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  ASSERT_TRUE(WriteFolder(folder, files_).ok());
  EXPECT_EQ(ModeOf(folder), 0700u);
  const absl::Status again = WriteFolder(folder, files_);
  EXPECT_TRUE(absl::IsFailedPrecondition(again)) << again;
  EXPECT_THAT(std::string(again.message()), AllOf(HasSubstr(folder), HasSubstr("name a new one")));
  EXPECT_TRUE(absl::IsFailedPrecondition(WriteFolder(folder + "/README.txt", files_)));
  EXPECT_TRUE(absl::IsNotFound(WriteFolder(base_ + "/no/such", files_)));
}

}  // namespace
}  // namespace porchlight::testing::evidence_show_test
