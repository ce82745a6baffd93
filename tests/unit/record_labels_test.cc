// What stands beside a record on a cluster, for other programs.

#include "common/log/record_labels.h"

#include <map>
#include <string>

#include "common/log/chain.h"
#include "gmock/gmock.h"

namespace porchlight::record_labels_test {
namespace {

using ::testing::IsEmpty;
using ::testing::MatchesRegex;

std::map<std::string, std::string> HeadersOf(const RecordLabels& labels) {
  return {labels.headers.begin(), labels.headers.end()};
}

std::string Command(const std::string& id, const std::string& correlation_id) {
  v1::RecordHeader header;
  header.set_record_id(id);
  header.set_type("porchlight.v1.ReportMissing");
  header.set_agency_id("example-county");
  header.set_youth_id("y-100");
  header.set_correlation_id(correlation_id);
  header.mutable_received_at()->set_seconds(0);
  v1::Record record;
  header.SerializeToString(record.mutable_header());
  record.set_sealed("sealed");
  return record.SerializeAsString();
}

std::string Decided(const std::string& correlation_id) {
  v1::Transition transition;
  transition.set_agency_id("example-county");
  transition.set_aggregate_id("y-100_e1");
  transition.set_youth_id("y-100");
  transition.mutable_decided_at()->set_seconds(1);
  transition.add_deliveries()->set_correlation_id(correlation_id);
  return SealLink(ChainTail(), transition).SerializeAsString();
}

TEST(RecordLabels, OfACommandAreThoseOfItsHeader) {
  const RecordLabels labels = LabelsOf("porchlight.intake.commands", Command("c-1", ""));
  EXPECT_EQ(labels.key, "y-100");
  const auto headers = HeadersOf(labels);
  EXPECT_EQ(headers.at("ce_specversion"), "1.0");
  EXPECT_EQ(headers.at("ce_id"), "c-1");
  EXPECT_EQ(headers.at("ce_type"), "porchlight.v1.ReportMissing");
  EXPECT_EQ(headers.at("ce_source"), "/example-county/porchlight.intake.commands");
  EXPECT_EQ(headers.at("ce_time"), "1970-01-01T00:00:00Z");
  EXPECT_THAT(headers.at("traceparent"), MatchesRegex("00-[0-9a-f]+-[0-9a-f]+-01"));
}

TEST(RecordLabels, OfATransitionAreItsHashAndWhoDecided) {
  const RecordLabels labels = LabelsOf("porchlight.intake.events", Decided("c-1"));
  EXPECT_EQ(labels.key, "y-100");
  const auto headers = HeadersOf(labels);
  EXPECT_EQ(headers.at("ce_id").size(), 64u);
  EXPECT_EQ(headers.at("ce_type"), "porchlight.v1.Transition");
  EXPECT_EQ(headers.at("ce_time"), "1970-01-01T00:00:01Z");
}

TEST(RecordLabels, AllThatFollowsFromOneCommandIsOneTrace) {
  const auto trace_of = [](const RecordLabels& labels) {
    return HeadersOf(labels).at("traceparent").substr(0, 35);
  };
  const std::string command = trace_of(LabelsOf("a.commands", Command("c-1", "")));
  EXPECT_EQ(trace_of(LabelsOf("a.events", Decided("c-1"))), command);
  EXPECT_EQ(trace_of(LabelsOf("b.commands", Command("c-2", "c-1"))), command);
  EXPECT_NE(trace_of(LabelsOf("a.commands", Command("c-3", ""))), command);
}

TEST(RecordLabels, WhatIsNoRecordHasNone) {
  for (const std::string topic : {"a.commands", "a.events"}) {
    for (const std::string record : {"", "no record", "\x0a\xff"}) {
      EXPECT_THAT(LabelsOf(topic, record).headers, IsEmpty());
      EXPECT_THAT(LabelsOf(topic, record).key, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace porchlight::record_labels_test
