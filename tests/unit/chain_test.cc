// The chain rule by itself; over logs it is in tests/contract/log_contract_test.cc.

#include "common/log/chain.h"

#include <functional>
#include <string>

#include "absl/strings/escaping.h"
#include "common/base/hash.h"
#include "common/log/memory_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::chain_test {
namespace {

using ::testing::HasSubstr;

v1::Transition TransitionOf(const std::string& aggregate_id) {
  v1::Transition transition;
  transition.set_service("intake");
  transition.set_aggregate_id(aggregate_id);
  return transition;
}

ChainTail TailAfter(const v1::TransitionRecord& record) {
  return {.hash = record.hash(), .sequence = record.sequence(), .next_offset = 1};
}

TEST(ChainHash, IsWhatTheProtoFileSays) {
  const std::string content_digest = Sha256("content");
  const std::string tag = AggregateTag("y1_e1");
  EXPECT_EQ(tag.size(), kAggregateTagBytes);
  EXPECT_EQ(tag, Sha256("aggregate/y1_e1").substr(0, 16));
  EXPECT_EQ(ChainHash(ZeroHash(), 258, tag, content_digest),
            Sha256(absl::StrCat("porchlight.v1", ZeroHash(),
                                absl::string_view("\0\0\0\0\0\0\1\2", 8), tag, content_digest)));
}

TEST(SealLink, MakesTheFirstLinkFollowNothing) {
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  EXPECT_EQ(first.sequence(), 1u);
  EXPECT_EQ(first.previous_hash(), std::string(32, '\0'));
  EXPECT_EQ(first.content(), TransitionOf("y1_e1").SerializeAsString());
  EXPECT_EQ(*CheckLink(ChainTail(), first), Link::kCounts);
}

TEST(CheckLink, CountsWhatFollowsAndNothingElse) {
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  const v1::TransitionRecord rival = SealLink(ChainTail(), TransitionOf("y2_e1"));
  const v1::TransitionRecord second = SealLink(TailAfter(first), TransitionOf("y1_e1"));
  const v1::TransitionRecord skipping =
      SealLink({.hash = first.hash(), .sequence = 5, .next_offset = 0}, TransitionOf("y1_e1"));
  struct Row {
    std::string what;
    ChainTail tail;
    v1::TransitionRecord record;
    Link link;
  };
  for (const Row& row : {
           Row{"the first of a chain", ChainTail(), first, Link::kCounts},
           Row{"the next", TailAfter(first), second, Link::kCounts},
           Row{"the same again", TailAfter(first), first, Link::kDoesNotCount},
           Row{"a rival that came second", TailAfter(first), rival, Link::kDoesNotCount},
           Row{"one whose forerunner is missing", ChainTail(), second, Link::kDoesNotCount},
           Row{"one of another chain", TailAfter(rival), second, Link::kDoesNotCount},
           Row{"one that leaves numbers out", TailAfter(first), skipping, Link::kDoesNotCount},
       }) {
    const absl::StatusOr<Link> link = CheckLink(row.tail, row.record);
    ASSERT_TRUE(link.ok()) << row.what;
    EXPECT_EQ(*link, row.link) << row.what;
  }
}

TEST(CheckLink, NoticesAnyChange) {
  struct Row {
    std::string what;
    std::function<void(v1::TransitionRecord&)> change;
  };
  for (const Row& row : {
           Row{"content", [](v1::TransitionRecord& r) { r.mutable_content()->back() ^= 1; }},
           Row{"content cut short",
               [](v1::TransitionRecord& r) { r.mutable_content()->pop_back(); }},
           Row{"sequence", [](v1::TransitionRecord& r) { r.set_sequence(2); }},
           Row{"tag", [](v1::TransitionRecord& r) { r.set_aggregate_tag(AggregateTag("other")); }},
           Row{"previous hash", [](v1::TransitionRecord& r) { r.set_previous_hash(Sha256("x")); }},
           Row{"hash", [](v1::TransitionRecord& r) { r.mutable_hash()->front() ^= 1; }},
           Row{"no hash", [](v1::TransitionRecord& r) { r.clear_hash(); }},
       }) {
    v1::TransitionRecord record = SealLink(ChainTail(), TransitionOf("y1_e1"));
    row.change(record);
    EXPECT_TRUE(absl::IsDataLoss(CheckLink(ChainTail(), record).status())) << row.what;
  }
}

class ChainReaderTest : public ::testing::Test {
 protected:
  void Append(std::string record) {
    std::vector<AppendRequest> requests;
    requests.push_back({.where = where_, .records = {std::move(record)}, .expected_end = {}});
    log_.Append(std::move(requests));
  }

  const TopicPartition where_ = {EventsTopic("intake"), 0};
  MemoryLog log_{LostRaces::kWritten};
};

TEST_F(ChainReaderTest, SkipsWhatDoesNotCount) {
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  Append(first.SerializeAsString());
  Append(SealLink(ChainTail(), TransitionOf("y2_e1")).SerializeAsString());
  Append(SealLink(TailAfter(first), TransitionOf("y3_e1")).SerializeAsString());
  ChainReader reader(log_, where_, ChainTail());
  const auto counted = reader.Next();
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_EQ(counted->size(), 2u);
  EXPECT_EQ(counted->at(0).transition.aggregate_id(), "y1_e1");
  EXPECT_EQ(counted->at(1).transition.aggregate_id(), "y3_e1");
  EXPECT_EQ(counted->at(1).offset, 2);
  EXPECT_EQ(reader.skipped(), 1u);
  EXPECT_EQ(reader.tail().next_offset, 3);
  EXPECT_EQ(reader.tail().sequence, 2u);
  EXPECT_TRUE(reader.Next()->empty());
}

TEST_F(ChainReaderTest, PassesOverWhatItsOwnProcessAppended) {
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  const v1::TransitionRecord second = SealLink(TailAfter(first), TransitionOf("y1_e1"));
  Append(first.SerializeAsString());
  Append(second.SerializeAsString());
  Append(SealLink(TailAfter(second), TransitionOf("y3_e1")).SerializeAsString());
  ChainReader reader(log_, where_, ChainTail());
  reader.Follow(second, 2);
  const auto counted = reader.Next();
  ASSERT_TRUE(counted.ok()) << counted.status();
  ASSERT_EQ(counted->size(), 1u);
  EXPECT_EQ(counted->at(0).offset, 2);
}

TEST_F(ChainReaderTest, StopsAtDamageAndStaysWhereItWas) {
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  // Sealed rightly, but not for the aggregate that its content is about.
  v1::TransitionRecord mislabelled = SealLink(TailAfter(first), TransitionOf("y2_e1"));
  mislabelled.set_aggregate_tag(AggregateTag("y9_e1"));
  mislabelled.set_hash(ChainHash(mislabelled.previous_hash(), mislabelled.sequence(),
                                 mislabelled.aggregate_tag(), Sha256(mislabelled.content())));
  v1::TransitionRecord damaged = SealLink(TailAfter(first), TransitionOf("y2_e1"));
  damaged.mutable_content()->back() ^= 1;
  for (const std::string& bytes : {std::string("\xff not a record"), damaged.SerializeAsString(),
                                   mislabelled.SerializeAsString()}) {
    MemoryLog log(LostRaces::kWritten);
    std::vector<AppendRequest> requests;
    requests.push_back(
        {.where = where_, .records = {first.SerializeAsString(), bytes}, .expected_end = {}});
    log.Append(std::move(requests));
    ChainReader reader(log, where_, ChainTail());
    const absl::Status status = reader.Next().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("record 1 of porchlight.intake.events/0"));
    EXPECT_EQ(reader.tail().next_offset, 0);
    EXPECT_EQ(reader.Next({.records_max = 1})->size(), 1u);
  }
}

TEST(ChainReader, WhereOnlyWinnersAreWrittenALinkThatDoesNotCountIsDamage) {
  MemoryLog log(LostRaces::kNotWritten);
  std::vector<AppendRequest> requests;
  const TopicPartition where = {EventsTopic("intake"), 0};
  const v1::TransitionRecord first = SealLink(ChainTail(), TransitionOf("y1_e1"));
  requests.push_back({.where = where,
                      .records = {first.SerializeAsString(),
                                  SealLink(ChainTail(), TransitionOf("y2_e1")).SerializeAsString()},
                      .expected_end = {}});
  log.Append(std::move(requests));
  ChainReader reader(log, where, ChainTail());
  EXPECT_TRUE(absl::IsDataLoss(reader.Next().status()));
}

}  // namespace
}  // namespace porchlight::chain_test
