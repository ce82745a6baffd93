// One record of every kind that was ever written to a log or store must still be read:
// tests/golden/ records has one of each, made when its kind was new. A golden file is never written
// again; where a kind has none yet, run the test with PORCHLIGHT_WRITE_GOLDEN=1 and add what it
// makes.
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "porchlight/v1/admin.pb.h"
#include "porchlight/v1/agency.pb.h"
#include "porchlight/v1/case.pb.h"
#include "porchlight/v1/delivery.pb.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/disclosure.pb.h"
#include "porchlight/v1/evidence.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/join.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/output.pb.h"
#include "porchlight/v1/policy.pb.h"
#include "porchlight/v1/record.pb.h"
#include "porchlight/v1/screening.pb.h"
#include "porchlight/v1/state.pb.h"
#include "tests/golden/golden_files.h"

namespace porchlight::testing::records_test {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;

// Every file of ours with messages. The test fails if the build has one more.
std::vector<const FileDescriptor*> Files() {
  return {
      v1::RebuildStoreRequest::descriptor()->file(),
      v1::GetAgencyReply::descriptor()->file(),
      v1::ReplayDeadLetterRequest::descriptor()->file(),
      v1::Recipient::descriptor()->file(),
      v1::CaseState::descriptor()->file(),
      v1::Disclosure::descriptor()->file(),
      v1::EvidenceBundle::descriptor()->file(),
      v1::Episode::descriptor()->file(),
      v1::JoinSideRequest::descriptor()->file(),
      v1::MdtState::descriptor()->file(),
      v1::Notice::descriptor()->file(),
      v1::Alert::descriptor()->file(),
      v1::FilesWritten::descriptor()->file(),
      v1::PolicyPack::descriptor()->file(),
      v1::Record::descriptor()->file(),
      v1::ScreeningState::descriptor()->file(),
      v1::Checkpoint::descriptor()->file(),
  };
}

// Only asks: neither the request nor the reply is kept.
bool IsQuestion(const std::string& method) {
  return absl::StartsWith(method, "List") || absl::StartsWith(method, "Get") ||
         absl::StartsWith(method, "Who") || method == "Export";
}

// Types that are kept. Replies of commands are kept in their outcomes.
std::vector<const Descriptor*> KeptTypes() {
  std::set<const Descriptor*> not_kept;
  for (const FileDescriptor* file : Files()) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto* method = file->service(s)->method(m);
        if (!IsQuestion(method->name())) continue;
        not_kept.insert(method->input_type());
        not_kept.insert(method->output_type());
      }
    }
  }
  std::vector<const Descriptor*> kept;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      if (!not_kept.contains(file->message_type(i))) kept.push_back(file->message_type(i));
    }
  }
  return kept;
}

std::unique_ptr<Message> New(const Descriptor* type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(type)->New());
}

void SetScalar(Message& message, const FieldDescriptor* field, int n) {
  const Reflection& reflection = *message.GetReflection();
  const bool add = field->is_repeated();
  const int number = field->number() * 10 + n;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = field->type() == FieldDescriptor::TYPE_BYTES
                                   ? absl::StrCat(field->name(), std::string("\x00\xff\x7f", 3), n)
                                   : absl::StrCat("Invented ", field->name(), " ", n);
      add ? reflection.AddString(&message, field, text)
          : reflection.SetString(&message, field, text);
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field->enum_type()->value(field->enum_type()->value_count() - n);
      add ? reflection.AddEnum(&message, field, value) : reflection.SetEnum(&message, field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, field, true);
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      reflection.SetInt32(&message, field, -number);
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, field, -number * 10'000'000'000);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      add ? reflection.AddUInt32(&message, field, 4'000'000'000U + static_cast<uint32_t>(number))
          : reflection.SetUInt32(&message, field, 4'000'000'000U + static_cast<uint32_t>(number));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection.SetUInt64(&message, field,
                           18'000'000'000'000'000'000U + static_cast<uint64_t>(number));
      break;
    default:
      FAIL() << field->full_name() << " is of a type that no golden record has yet: add it here";
  }
}

// Every field gets a value of its own, repeated ones two, maps one.
void Fill(Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const Reflection& reflection = *message.GetReflection();
  if (type.full_name() == "google.protobuf.Timestamp") {
    reflection.SetInt64(&message, type.FindFieldByName("seconds"), 1'769'911'800);
    reflection.SetInt32(&message, type.FindFieldByName("nanos"), 123'456'789);
    return;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const bool twice = field->is_repeated() && !field->is_map();
    for (int n = 1; n <= (twice ? 2 : 1); ++n) {
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        SetScalar(message, field, n);
      } else {
        Fill(field->is_repeated() ? *reflection.AddMessage(&message, field)
                                  : *reflection.MutableMessage(&message, field));
      }
    }
  }
}

// The first field, down to all messages in it, that this version doesn't know; empty: none.
std::string UnknownField(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) {
    return absl::StrCat(message.GetTypeName(), " field ",
                        reflection.GetUnknownFields(message).field(0).number());
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      const std::string unknown =
          UnknownField(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                            : reflection.GetMessage(message, field));
      if (!unknown.empty()) return unknown;
    }
  }
  return "";
}

TEST(GoldenRecordsTest, EveryKeptTypeHasAGoldenRecord) {
  for (const Descriptor* type : KeptTypes()) {
    const std::string name = absl::StrCat("records/", type->name());
    if (GoldenExists(name + ".bin")) continue;
    const std::unique_ptr<Message> message = New(type);
    Fill(*message);
    std::string text;
    ASSERT_TRUE(google::protobuf::TextFormat::PrintToString(*message, &text));
    if (WriteGolden(name + ".bin", message->SerializeAsString())) {
      WriteGolden(name + ".textproto",
                  absl::StrCat("# proto-file: proto/", type->file()->name(),
                               "\n# proto-message: ", type->full_name(), "\n", text));
    }
    EXPECT_TRUE(GoldenExists(name + ".bin"))
        << type->full_name() << " has no golden record. Run with PORCHLIGHT_WRITE_GOLDEN=1 and "
        << "add tests/golden/" << name << ".*";
  }
}

TEST(GoldenRecordsTest, EveryProtoFileIsCovered) {
  std::set<std::string> known = {"porchlight/v1/options.proto"};
  for (const FileDescriptor* file : Files()) known.insert(file->name());
  const std::filesystem::path folder = std::filesystem::path(SOURCE_DIR) / "proto/porchlight/v1";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_TRUE(known.contains("porchlight/v1/" + entry.path().filename().string()))
        << entry.path().filename() << " is new: add it to Files()";
  }
}

// A type that once was written may never go, for logs are kept for good.
TEST(GoldenRecordsTest, EveryGoldenRecordIsStillRead) {
  std::map<std::string, const Descriptor*> types;
  for (const Descriptor* type : KeptTypes()) types[type->name()] = type;
  const std::vector<std::string> names = GoldenFiles("records", ".bin");
  EXPECT_GE(names.size(), 40u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const auto type = types.find(name);
    ASSERT_NE(type, types.end()) << "this type was written to logs and is no longer known";
    const std::string bytes = ReadGolden(absl::StrCat("records/", name, ".bin"));
    const std::unique_ptr<Message> message = New(type->second);
    ASSERT_TRUE(message->ParseFromString(bytes));
    EXPECT_EQ(UnknownField(*message), "") << "this field was written and is no longer known";
    const std::unique_ptr<Message> expected = New(type->second);
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        ReadGolden(absl::StrCat("records/", name, ".textproto")), expected.get()));
    std::string difference;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    EXPECT_TRUE(differencer.Compare(*expected, *message)) << difference;
  }
}

// A newer version's field isn't lost when an older one reads a record and writes it again.
TEST(GoldenRecordsTest, FieldsOfALaterVersionSurvive) {
  for (const Descriptor* type : KeptTypes()) {
    SCOPED_TRACE(type->name());
    std::string bytes = ReadGolden(absl::StrCat("records/", type->name(), ".bin"));
    // Field 1000, of wire type 2, with 5 bytes.
    bytes += absl::StrCat("\xc2\x3e\x05", "later");
    const std::unique_ptr<Message> message = New(type);
    ASSERT_TRUE(message->ParseFromString(bytes));
    const std::unique_ptr<Message> again = New(type);
    ASSERT_TRUE(again->ParseFromString(message->SerializeAsString()));
    const auto& unknown = again->GetReflection()->GetUnknownFields(*again);
    ASSERT_EQ(unknown.field_count(), 1);
    EXPECT_EQ(unknown.field(0).number(), 1000);
    EXPECT_EQ(unknown.field(0).length_delimited(), "later");
    EXPECT_EQ(message->SerializeAsString().size(), bytes.size());
  }
}

}  // namespace
}  // namespace porchlight::testing::records_test
