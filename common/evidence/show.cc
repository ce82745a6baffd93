#include "common/evidence/show.h"

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/evidence/words.h"
#include "common/policy/explain.h"
#include "common/policy/words.h"
#include "common/processor/rules.h"
#include "google/protobuf/util/json_util.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kNamePartBytesMax = 80;

// Safe as a part of a file's name, whatever the evidence says.
std::string NamePart(absl::string_view text) {
  std::string part(text.substr(0, kNamePartBytesMax));
  for (char& c : part) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  return part;
}

void ForEachMessage(const Message& message, const std::function<void(const Message&)>& visit) {
  visit(message);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      ForEachMessage(reflection.GetMessage(message, field), visit);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      ForEachMessage(reflection.GetRepeatedMessage(message, field, i), visit);
    }
  }
}

// Every duty that a record tells of, with the hash of the pack that it comes from.
using DutyVersions = std::map<std::string, std::set<std::string>>;

void AddDuties(const TimelineEntry& entry, DutyVersions& duties) {
  const auto add = [&](const std::string& duty_key, const std::string& policy_hash) {
    const std::string& hash = policy_hash.empty() ? entry.policy_hash : policy_hash;
    if (!duty_key.empty() && !hash.empty()) duties[duty_key].insert(hash);
  };
  ForEachMessage(*entry.payload, [&](const Message& message) {
    if (const auto* notice = As<v1::Notice>(&message)) {
      for (const std::string& duty_key : notice->duty_keys()) add(duty_key, "");
    } else if (const auto* task = As<v1::ScreeningTask>(&message)) {
      add(task->task_id(), task->policy_hash());
    } else if (const auto* call = As<v1::TeamNotice>(&message)) {
      add(call->duty_key(), call->policy_hash());
    } else if (const auto* alert = As<v1::Alert>(&message)) {
      add(alert->duty_key(), "");
    } else if (const auto* watched = As<v1::WatchedDuty>(&message)) {
      add(watched->duty_key(), "");
    }
  });
}

// What the rule of a duty said in one version of the pack.
std::string RuleText(const EvidenceReport& report, absl::string_view duty_key,
                     const std::string& hash) {
  const v1::PolicyPack* pack = FindPack(report, hash);
  if (pack == nullptr) {
    return absl::StrCat("The rules of version ", SafeText(hash), " are not in the file.\n");
  }
  const absl::string_view rule_id = duty_key.substr(0, duty_key.find('.'));
  for (const v1::PolicyRule& rule : pack->rules()) {
    if (rule.rule_id() != rule_id) continue;
    return absl::StrCat("By ", SafeText(pack->name()), " (", SafeText(pack->pack_id()),
                        "), version ", hash, ".\n", Explain(rule));
  }
  return absl::StrCat("Version ", SafeText(hash), " of ", SafeText(pack->pack_id()),
                      " has no such rule.\n");
}

class FolderMaker {
 public:
  FolderMaker(EvidenceReport& report, absl::TimeZone zone) : report_(report), zone_(zone) {}

  std::vector<ShownFile> Make() {
    DutyVersions duties;
    for (TimelineEntry& entry : report_.timeline) {
      if (entry.payload == nullptr) continue;
      switch (entry.kind) {
        case TimelineKind::kDeliveryMade:
          AddPacket(entry);
          break;
        case TimelineKind::kDeliveryAttempt:
          AddReply(entry);
          break;
        case TimelineKind::kCommand:
        case TimelineKind::kEvent:
          AddRecord(entry);
          AddTypedIn(entry);
          AddDuties(entry, duties);
      }
    }
    AddRules(duties);
    // Last: only now it is known where everything stands.
    files_["timeline.txt"] = ToText(report_, zone_);
    files_["README.txt"] = Guide();
    std::vector<ShownFile> files;
    for (auto& [name, content] : files_) files.push_back({name, std::move(content)});
    return files;
  }

 private:
  std::string Numbered(absl::string_view folder, absl::string_view rest) {
    return absl::StrFormat("%s/%03d-%s", folder, ++numbers_[std::string(folder)], rest);
  }
  static std::string WhoPart(const TimelineEntry& entry) {
    return absl::StrCat(WordOf(entry.recipient_kind), "-", NamePart(entry.recipient_id));
  }
  // What stands above every text.
  std::string Top(const TimelineEntry& entry) const {
    return absl::StrCat(
        "Recipient: ", PlainWord(entry.recipient_kind), " ", SafeText(entry.recipient_id), ", by ",
        PlainWord(entry.channel), "\nTime: ", TimeWords(entry.at, zone_),
        "\nDelivery: ", SafeText(entry.record_id), "\nIn the chain: ", SafeText(entry.service),
        " sequence ", entry.sequence, "\nDigest as stored: ", entry.digest_hex, "\n");
  }

  void AddPacket(TimelineEntry& entry) {
    const auto* message = As<v1::Message>(entry.payload.get());
    if (message == nullptr) return;
    const std::string base = Numbered("packets", WhoPart(entry));
    entry.file = base + ".txt";
    files_[entry.file] = absl::StrCat(Top(entry), "Subject: ", SafeText(message->subject()),
                                      "\n\nWhat was sent:\n\n", message->text(), "\n");
    if (!message->json().empty()) files_[base + ".json"] = message->json();
    for (int i = 0; i < message->attachments_size(); ++i) {
      const v1::Attachment& attachment = message->attachments(i);
      files_[absl::StrCat(base, "-attachment-", i + 1, "-", NamePart(attachment.file_name()))] =
          attachment.content();
    }
  }

  void AddReply(TimelineEntry& entry) {
    const auto* reply = As<v1::ChannelReply>(entry.payload.get());
    if (reply == nullptr) return;
    entry.file =
        Numbered("receipts", absl::StrCat(WhoPart(entry), "-attempt-", entry.attempt, ".txt"));
    files_[entry.file] =
        absl::StrCat(Top(entry), "Attempt: ", entry.attempt, ", ", PlainWord(entry.answer),
                     ", code ", entry.code, "\nSent to: ", SafeText(reply->address()),
                     "\n\nThe far end said:\n\n", reply->text(), "\n");
  }

  void AddRecord(TimelineEntry& entry) {
    google::protobuf::util::JsonPrintOptions options;
    options.add_whitespace = true;
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(*entry.payload, &json, options).ok()) return;
    entry.file =
        Numbered("records",
                 absl::StrCat(NamePart(absl::StripPrefix(entry.type, "porchlight.v1.")), ".json"));
    files_[entry.file] = std::move(json);
  }

  // What people were told by a recipient, and typed in.
  void AddTypedIn(TimelineEntry& entry) {
    const auto* filed = As<v1::ProofFiled>(entry.payload.get());
    if (filed == nullptr && As<v1::NoticeRefused>(entry.payload.get()) == nullptr) return;
    const std::string kind = filed == nullptr ? "refusal" : WordOf(filed->filing().kind());
    entry.file = Numbered("receipts", absl::StrCat("typed-in-", kind, ".txt"));
    files_[entry.file] = absl::StrCat(
        WordsOfType(entry.type), "\nTime: ", TimeWords(entry.at, zone_),
        "\nTyped in by: ", SafeText(entry.actor.actor_id()),
        "\nRecord: ", SafeText(entry.record_id), "\nIn the chain: ", SafeText(entry.service),
        " sequence ", entry.sequence, "\nDigest as stored: ", entry.digest_hex, "\n\n",
        absl::StrJoin(DetailsOf(*entry.payload, zone_), "\n"), "\n");
  }

  void AddRules(const DutyVersions& duties) {
    for (const auto& [duty_key, hashes] : duties) {
      std::string& text = files_[absl::StrCat("rules/duty-", NamePart(duty_key), ".txt")];
      absl::StrAppend(&text, "Duty ", SafeText(duty_key), "\n");
      for (const std::string& hash : hashes) {
        absl::StrAppend(&text, "\n", RuleText(report_, duty_key, hash));
      }
    }
    for (const v1::PolicyPack& pack : report_.packs) {
      files_[absl::StrCat("rules/pack-", NamePart(pack.pack_id()), "-",
                          NamePart(pack.content_hash().substr(0, 16)), ".txt")] =
          Explain(pack, v1::POLICY_TRIGGER_UNSPECIFIED);
    }
  }

  std::string Guide() const {
    const std::string verified =
        report_.fault.empty()
            ? "The evidence file that this was made from verifies. These files are copies and "
              "prove\n"
              "nothing by themselves: keep the evidence file, and check it with\n"
              "`porchlight evidence verify`.\n"
            : "THE EVIDENCE FILE THAT THIS WAS MADE FROM DOES NOT VERIFY. timeline.txt says why.\n"
              "These files show only what it seems to say, and prove nothing.\n";
    const std::string sealed =
        report_.sealed ? "\nThe record was sealed or expunged: what was sent and said can't be "
                         "read, and is not here.\n"
                       : "";
    const std::string exercise =
        report_.exercise ? "\nTHIS WAS AN EXERCISE: nobody was missing.\n" : "";
    return absl::StrCat(
        "Evidence of episode ", SafeText(report_.episode_id), ", exported ",
        TimeWords(report_.exported_at, zone_), ".\n\n", verified, exercise, sealed,
        "\nIt is about a young person, and names them: handle it like the case file.\n\n"
        "timeline.txt  What happened, by time: who, what, by which duty of which law. Where more "
        "is\n"
        "              kept of it, the line \"file\" says in which of the files below.\n"
        "packets/      Each message as it was sent: the text for people (.txt), the same for\n"
        "              machines (.json), and what was attached.\n"
        "receipts/     What the far end of each attempt answered, and the proofs and refusals "
        "that\n"
        "              people typed in.\n"
        "rules/        For each duty its rule: title, time allowed, what proves it, and the law "
        "that\n"
        "              says so (duty-...). Each version of the rules that was used, whole "
        "(pack-...).\n"
        "records/      Every report and decision as it was kept.\n\n"
        "Times are in the zone of the rules, or of the machine where this was made; each says its\n"
        "difference from UTC.\n");
  }

  EvidenceReport& report_;
  const absl::TimeZone zone_;
  std::map<std::string, std::string> files_;
  std::map<std::string, int> numbers_;  // by folder
};

}  // namespace

std::vector<ShownFile> FilesOf(EvidenceReport& report, absl::TimeZone zone) {
  return FolderMaker(report, zone).Make();
}

}  // namespace porchlight
