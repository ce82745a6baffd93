// What is sealed can't be read or changed without the key, and what is redacted shows nothing but
// fields of class "internal", however a message is built.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/keys/keys.h"
#include "common/privacy/redaction.h"
#include "common/privacy/sealing.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight::privacy_test {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::Message;

Key KeyOf(unsigned char byte) {
  Key key;
  key.fill(byte);
  return key;
}

v1::RecordHeader HeaderOf(const std::string& youth_id) {
  v1::RecordHeader header;
  header.set_record_id("r-1");
  header.set_youth_id(youth_id);
  return header;
}

v1::ReportMissingRequest Report() {
  v1::ReportMissingRequest report;
  report.set_request_id("request-1");
  report.mutable_youth()->set_first_name("Planted");
  report.set_placement("Planted House");
  report.mutable_last_seen_at()->set_seconds(1'700'000'000);
  report.mutable_actor()->set_actor_id("worker-1");
  report.mutable_actor()->set_reached_by(v1::REACHED_BY_WEB);
  return report;
}

// Knows the key of one youth.
class OneKey final : public Keys {
 public:
  absl::StatusOr<Key> GetOrCreate(const std::string& name) override { return Get(name); }
  absl::StatusOr<Key> Get(const std::string& name) override {
    if (name == "youth/y-1") return KeyOf(1);
    if (name == "youth/y-2") return absl::FailedPreconditionError("destroyed");
    return absl::NotFoundError("never created");
  }
  absl::Status Destroy(const std::string&) override { return absl::OkStatus(); }
};

TEST(Sealing, OpensWhatItSealed) {
  for (const std::string& plain : {std::string(), std::string("x"), std::string(100'000, '\0')}) {
    const std::string sealed = Seal(KeyOf(1), plain, "header");
    EXPECT_EQ(sealed.size(), plain.size() + 24 + 16);
    ASSERT_TRUE(Open(KeyOf(1), sealed, "header").ok());
    EXPECT_EQ(*Open(KeyOf(1), sealed, "header"), plain);
  }
}

TEST(Sealing, TheSamePlainTextNeverLooksTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(Seal(KeyOf(1), "same", "header"));
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Sealing, EveryChangedByteIsNoticed) {
  const std::string sealed = Seal(KeyOf(1), "payload", "header");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(Open(KeyOf(1), changed, "header").status().code(), absl::StatusCode::kDataLoss) << i;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(Open(KeyOf(1), sealed.substr(0, size), "header").status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_EQ(Open(KeyOf(1), sealed + "x", "header").status().code(), absl::StatusCode::kDataLoss);
}

TEST(Sealing, OtherHeaderOrOtherKeyDoesNotOpen) {
  const std::string sealed = Seal(KeyOf(1), "payload", "header");
  EXPECT_EQ(Open(KeyOf(1), sealed, "Header").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Open(KeyOf(2), sealed, "header").status().code(), absl::StatusCode::kDataLoss);
}

TEST(Records, OpenWithTheYouthsKey) {
  OneKey keys;
  const v1::Record record = MakeRecord(KeyOf(1), HeaderOf("y-1"), Report());
  EXPECT_EQ(record.SerializeAsString().find("Planted"), std::string::npos);
  const absl::StatusOr<OpenedRecord> opened = OpenRecord(keys, record);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->header.type(), "porchlight.v1.ReportMissingRequest");
  EXPECT_EQ(opened->header.record_id(), "r-1");
  const auto* report = dynamic_cast<const v1::ReportMissingRequest*>(opened->payload.get());
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->SerializeAsString(), Report().SerializeAsString());
}

TEST(Records, SayWhatKeysSaid) {
  OneKey keys;
  const v1::Record destroyed = MakeRecord(KeyOf(1), HeaderOf("y-2"), Report());
  EXPECT_EQ(OpenRecord(keys, destroyed).status().code(), absl::StatusCode::kFailedPrecondition);
  const v1::Record agency = MakeRecord(KeyOf(1), HeaderOf(""), Report());
  EXPECT_EQ(OpenRecord(keys, agency).status().code(), absl::StatusCode::kNotFound);
}

TEST(Records, APayloadMovedToAnotherHeaderDoesNotOpen) {
  const v1::Record one = MakeRecord(KeyOf(1), HeaderOf("y-1"), Report());
  v1::RecordHeader other_header = HeaderOf("y-1");
  other_header.set_exercise(true);
  v1::Record moved = MakeRecord(KeyOf(1), other_header, Report());
  moved.set_sealed(one.sealed());
  const absl::Status status = OpenRecord(KeyOf(1), moved).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("r-1"), absl::string_view::npos);
}

TEST(Records, UnknownOrForeignTypesAreRefused) {
  for (const char* type : {"porchlight.v1.OfALaterVersion", "google.protobuf.Timestamp", "", "x"}) {
    v1::RecordHeader header = HeaderOf("y-1");
    header.set_type(type);
    v1::Record record;
    record.set_header(header.SerializeAsString());
    record.set_sealed(Seal(KeyOf(1), "", record.header()));
    EXPECT_EQ(OpenRecord(KeyOf(1), record).status().code(), absl::StatusCode::kUnimplemented)
        << type;
  }
}

TEST(Records, DamagedHeadersAndPayloadsHaveTheirOwnCodes) {
  v1::Record record;
  record.set_header("\xff\xff not a header");
  EXPECT_EQ(ReadHeader(record).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenRecord(KeyOf(1), record).status().code(), absl::StatusCode::kInvalidArgument);

  v1::RecordHeader header = HeaderOf("y-1");
  header.set_type("porchlight.v1.ReportMissingRequest");
  record.set_header(header.SerializeAsString());
  record.set_sealed(Seal(KeyOf(1), "\xff\xff not a report", record.header()));
  EXPECT_EQ(OpenRecord(KeyOf(1), record).status().code(), absl::StatusCode::kDataLoss);
}

// A record of a later version passes through this one unharmed.
TEST(Records, UnknownFieldsSurvive) {
  v1::ReportMissingRequest report = Report();
  report.GetReflection()->MutableUnknownFields(&report)->AddLengthDelimited(900, "later");
  v1::RecordHeader header = HeaderOf("y-1");
  header.GetReflection()->MutableUnknownFields(&header)->AddVarint(901, 7);
  const v1::Record record = MakeRecord(KeyOf(1), header, report);
  v1::Record read;
  ASSERT_TRUE(read.ParseFromString(record.SerializeAsString()));
  const absl::StatusOr<OpenedRecord> opened = OpenRecord(KeyOf(1), read);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->payload->SerializeAsString(), report.SerializeAsString());
  EXPECT_EQ(opened->header.SerializeAsString(), record.header());
}

TEST(KeyNames, AreTheYouthsOrTheAgencys) {
  EXPECT_EQ(KeyName("y-1"), "youth/y-1");
  EXPECT_EQ(KeyName("agency"), "youth/agency");
  EXPECT_EQ(KeyName(""), "agency");
}

TEST(Redaction, ShowsInternalFieldsOnly) {
  EXPECT_EQ(Redacted(Report()),
            "request_id: \"request-1\" youth {…} placement: … last_seen_at: … "
            "actor {actor_id: \"worker-1\" reached_by: REACHED_BY_WEB}");
}

TEST(Redaction, ShowsTimesByTheClassOfTheirField) {
  v1::Episode episode;
  episode.mutable_received_at()->set_seconds(1'700'000'000);
  episode.mutable_returned_at()->set_seconds(1'700'000'000);
  EXPECT_EQ(Redacted(episode), "received_at: 2023-11-14T22:13:20+00:00 returned_at: …");
}

TEST(Redaction, GoesIntoRepeatedMessages) {
  v1::ListEpisodesReply reply;
  reply.add_episodes()->set_episode_id("y_e1");
  reply.add_episodes()->set_placement("Planted House");
  reply.mutable_episodes(0)->mutable_youth()->set_health("Planted");
  reply.mutable_episodes(0)->add_still_unknown("clothing");
  reply.mutable_episodes(0)->add_still_unknown("health");
  EXPECT_EQ(Redacted(reply),
            "episodes {episode_id: \"y_e1\" youth {…} still_unknown: \"clothing\" "
            "still_unknown: \"health\"} episodes {…}");
}

TEST(Redaction, KeepsInternalFieldsOnly) {
  v1::ReportMissingRequest report = Report();
  (*report.mutable_youth()->mutable_unavailable())["eyes"] = "Planted";
  report.GetReflection()->MutableUnknownFields(&report)->AddLengthDelimited(900, "Planted");
  KeepInternal(report);
  v1::ReportMissingRequest kept;
  kept.set_request_id("request-1");
  kept.mutable_actor()->CopyFrom(Report().actor());
  kept.mutable_youth();
  EXPECT_EQ(report.SerializeAsString(), kept.SerializeAsString());
  v1::ListEpisodesReply reply;
  reply.add_episodes()->set_episode_id("y_e1");
  reply.mutable_episodes(0)->set_placement("Planted House");
  reply.mutable_episodes(0)->mutable_received_at()->set_seconds(7);
  KeepInternal(reply);
  EXPECT_EQ(Redacted(reply),
            "episodes {episode_id: \"y_e1\" received_at: "
            "1970-01-01T00:00:07+00:00}");
}

TEST(Redaction, LeavesOutUnknownFields) {
  v1::Actor actor;
  actor.GetReflection()->MutableUnknownFields(&actor)->AddLengthDelimited(900, "Planted");
  EXPECT_EQ(Redacted(actor), "");
}

TEST(Redaction, IsOneLineOfBoundedLength) {
  v1::EpisodeUpdated updated;
  for (int i = 0; i < 1000; ++i) updated.add_changed("a\nb\"é");
  const std::string text = Redacted(updated);
  EXPECT_LE(text.size(), 1000u);
  EXPECT_GT(text.size(), 990u);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_NE(text.find(R"("a\nb\"é")"), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 3), "…");
  updated.Clear();
  updated.add_changed(std::string(100'000, 'x'));
  EXPECT_LE(Redacted(updated).size(), 1000u);
}

// A message that no proto of ours has: maps, foreign messages, classes on fields of messages.
class ForeignMessages : public ::testing::Test {
 protected:
  ForeignMessages() : pool_(DescriptorPool::generated_pool()), factory_(&pool_) {
    FileDescriptorProto file;
    file.set_name("test.proto");
    file.set_package("porchlight.test");
    file.set_syntax("proto3");
    file.add_dependency("google/protobuf/timestamp.proto");
    DescriptorProto& inner = *file.add_message_type();
    inner.set_name("Inner");
    AddField(inner, "open", FieldDescriptorProto::TYPE_STRING, v1::SENSITIVITY_INTERNAL);
    DescriptorProto& outer = *file.add_message_type();
    outer.set_name("Outer");
    AddField(outer, "unclassified", FieldDescriptorProto::TYPE_STRING);
    AddField(outer, "hidden", FieldDescriptorProto::TYPE_MESSAGE, v1::SENSITIVITY_IDENTITY)
        .set_type_name(".porchlight.test.Inner");
    AddField(outer, "plain", FieldDescriptorProto::TYPE_MESSAGE)
        .set_type_name(".porchlight.test.Inner");
    AddMap(outer, "counts", v1::SENSITIVITY_INTERNAL);
    AddMap(outer, "names", v1::SENSITIVITY_UNSPECIFIED);
    AddField(outer, "at", FieldDescriptorProto::TYPE_MESSAGE)
        .set_type_name(".google.protobuf.Timestamp");
    AddField(outer, "number", FieldDescriptorProto::TYPE_DOUBLE, v1::SENSITIVITY_INTERNAL);
    AddField(outer, "digest", FieldDescriptorProto::TYPE_BYTES, v1::SENSITIVITY_INTERNAL);
    EXPECT_NE(pool_.BuildFile(file), nullptr);
    type_ = pool_.FindMessageTypeByName("porchlight.test.Outer");
  }

  static FieldDescriptorProto& AddField(DescriptorProto& message, const std::string& name,
                                        FieldDescriptorProto::Type type,
                                        v1::Sensitivity sensitivity = v1::SENSITIVITY_UNSPECIFIED) {
    FieldDescriptorProto& field = *message.add_field();
    field.set_name(name);
    field.set_number(message.field_size());
    field.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
    field.set_type(type);
    if (sensitivity != v1::SENSITIVITY_UNSPECIFIED) {
      field.mutable_options()->SetExtension(v1::sensitivity, sensitivity);
    }
    return field;
  }

  static void AddMap(DescriptorProto& message, const std::string& name, v1::Sensitivity class_) {
    std::string entry_name = name + "Entry";
    entry_name[0] = static_cast<char>(entry_name[0] - 'a' + 'A');
    DescriptorProto& entry = *message.add_nested_type();
    entry.set_name(entry_name);
    entry.mutable_options()->set_map_entry(true);
    AddField(entry, "key", FieldDescriptorProto::TYPE_STRING);
    AddField(entry, "value", FieldDescriptorProto::TYPE_STRING);
    FieldDescriptorProto& field =
        AddField(message, name, FieldDescriptorProto::TYPE_MESSAGE, class_);
    field.set_label(FieldDescriptorProto::LABEL_REPEATED);
    field.set_type_name(absl::StrCat(".porchlight.test.Outer.", entry_name));
  }

  const FieldDescriptor* Field(const std::string& name) { return type_->FindFieldByName(name); }

  void SetInner(Message& outer, const std::string& name, const std::string& value) {
    Message* inner = outer.GetReflection()->MutableMessage(&outer, Field(name));
    inner->GetReflection()->SetString(inner, inner->GetDescriptor()->field(0), value);
  }

  void AddEntry(Message& outer, const std::string& name, const std::string& value) {
    Message* entry = outer.GetReflection()->AddMessage(&outer, Field(name));
    entry->GetReflection()->SetString(entry, entry->GetDescriptor()->field(0), "k");
    entry->GetReflection()->SetString(entry, entry->GetDescriptor()->field(1), value);
  }

  DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const Descriptor* type_ = nullptr;
};

TEST_F(ForeignMessages, AreDeniedByDefault) {
  const std::unique_ptr<Message> outer(factory_.GetPrototype(type_)->New());
  outer->GetReflection()->SetString(outer.get(), Field("unclassified"), "Planted");
  SetInner(*outer, "hidden", "Planted");
  SetInner(*outer, "plain", "shown");
  AddEntry(*outer, "counts", "shown");
  AddEntry(*outer, "names", "Planted");
  Message* at = outer->GetReflection()->MutableMessage(outer.get(), Field("at"));
  at->GetReflection()->SetInt64(at, at->GetDescriptor()->FindFieldByName("seconds"), 12345);
  outer->GetReflection()->SetDouble(outer.get(), Field("number"), 1.5);
  outer->GetReflection()->SetString(outer.get(), Field("digest"), "\x01\xff");
  EXPECT_EQ(Redacted(*outer),
            "unclassified: … hidden {…} plain {open: \"shown\"} "
            "counts {key: \"k\" value: \"shown\"} names {…} at: … number: 1.5 digest: 01ff");
}

void ExpectClassified(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const bool holds_ours = field.message_type() != nullptr && !field.is_map() &&
                            field.message_type()->full_name().rfind("porchlight.", 0) == 0;
    EXPECT_TRUE(holds_ours || SensitivityOf(field) != v1::SENSITIVITY_UNSPECIFIED)
        << field.full_name() << " has no (sensitivity)";
  }
  for (int i = 0; i < type.nested_type_count(); ++i) {
    if (!type.nested_type(i)->options().map_entry()) ExpectClassified(*type.nested_type(i));
  }
}

// Also: every proto is linked in, so that OpenRecord knows all of its types.
TEST(Schema, EveryFieldHasASensitivity) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/proto/porchlight/v1")) {
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(
        absl::StrCat("porchlight/v1/", entry.path().filename().string()));
    ASSERT_NE(file, nullptr) << entry.path();
    ++files;
    for (int i = 0; i < file->message_type_count(); ++i) ExpectClassified(*file->message_type(i));
  }
  EXPECT_GE(files, 7);
}

}  // namespace
}  // namespace porchlight::privacy_test
