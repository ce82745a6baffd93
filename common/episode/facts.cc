#include "common/episode/facts.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/episode/oddities.h"
#include "google/protobuf/util/message_differencer.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

void Add(absl::string_view name, std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

void Append(const std::vector<std::string>& more, std::vector<std::string>& names) {
  for (const std::string& name : more) Add(name, names);
}

bool SameField(const FieldDescriptor* field, const Message& a, const Message& b) {
  MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {field}, {field});
}

void CopyField(const FieldDescriptor* field, const Message& from, Message& to) {
  const google::protobuf::Reflection& reflection = *from.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&to, field, reflection.GetString(from, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&to, field, reflection.GetUInt32(from, field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.SetEnumValue(&to, field, reflection.GetEnumValue(from, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return reflection.MutableMessage(&to, field)->CopyFrom(reflection.GetMessage(from, field));
    default:
      return;
  }
}

// The fields of one value each that `from` has.
std::vector<const FieldDescriptor*> Told(const Message& from) {
  std::vector<const FieldDescriptor*> fields;
  from.GetReflection()->ListFields(from, &fields);
  fields.erase(std::remove_if(fields.begin(), fields.end(),
                              [](const FieldDescriptor* field) { return field->is_repeated(); }),
               fields.end());
  return fields;
}

void MergeText(absl::string_view name, const std::string& told, std::string& known,
               std::vector<std::string>& changed) {
  if (told.empty() || told == known) return;
  known = told;
  Add(name, changed);
}

bool IsKnown(const v1::YouthFacts& facts, const FieldDescriptor* field) {
  return facts.GetReflection()->HasField(facts, field);
}

bool IsKnown(const v1::YouthFacts& facts, const std::string& name) {
  const FieldDescriptor* field =
      facts.GetDescriptor()->FindFieldByName(name == "photo" ? "photo_id" : name);
  return field != nullptr && !field->is_repeated() && IsKnown(facts, field);
}

// A reason why something isn't available ends when it is known after all.
void MergeUnavailable(const v1::YouthFacts& told, v1::YouthFacts& known,
                      std::vector<std::string>& changed) {
  auto& reasons = *known.mutable_unavailable();
  for (const auto& [name, reason] : told.unavailable()) {
    if (reason.empty() || IsKnown(known, name)) continue;
    std::string& kept = reasons[name];
    if (kept != reason) Add("unavailable", changed);
    kept = reason;
  }
  for (const std::string& name : changed) reasons.erase(name);
}

void MergeCircumstances(const google::protobuf::RepeatedField<int>& told, absl::Time known_since,
                        v1::Episode& episode, std::vector<std::string>& changed) {
  for (const int circumstance : told) {
    const auto& known = episode.circumstances_known();
    if (std::any_of(known.begin(), known.end(), [&](const v1::KnownCircumstance& one) {
          return one.circumstance() == circumstance;
        })) {
      continue;
    }
    v1::KnownCircumstance& added = *episode.add_circumstances_known();
    added.set_circumstance(static_cast<v1::Circumstance>(circumstance));
    *added.mutable_known_since() = ToProto(known_since);
    Add("circumstances_known", changed);
  }
}

void MergeAnchors(const google::protobuf::RepeatedPtrField<v1::AnchorTime>& told,
                  v1::Episode& episode, std::vector<std::string>& changed) {
  for (const v1::AnchorTime& anchor : told) {
    auto& known = *episode.mutable_anchors();
    const auto found = std::find_if(known.begin(), known.end(), [&](const v1::AnchorTime& one) {
      return one.anchor() == anchor.anchor();
    });
    if (found == known.end()) {
      *episode.add_anchors() = anchor;
    } else if (FromProto(found->at()) == FromProto(anchor.at())) {
      continue;
    } else {
      *found = anchor;
    }
    Add("anchors", changed);
  }
}

void MergeStatus(const std::string& word, absl::Time received_at, v1::Episode& episode,
                 std::vector<std::string>& changed) {
  if (word.empty()) return;
  MergeText("status_word", word, *episode.mutable_status_word(), changed);
  episode.set_status(StatusOf(word));
  google::protobuf::RepeatedField<int> follows;
  if (episode.status() == v1::STATUS_KIND_TAKEN) follows.Add(v1::CIRCUMSTANCE_TAKEN);
  if (episode.status() == v1::STATUS_KIND_UNAPPROVED_PLACE)
    follows.Add(v1::CIRCUMSTANCE_UNAPPROVED_RISKY_PLACE);
  MergeCircumstances(follows, received_at, episode, changed);
}

size_t TextBytes(const v1::AddedFact& fact) { return fact.place().size() + fact.text().size(); }

void KeepFact(v1::AddedFact added, v1::Episode& episode) {
  auto& facts = *episode.mutable_facts();
  *facts.Add() = std::move(added);
  size_t bytes = 0;
  int kept = 0;
  while (kept < facts.size() && kept < kAddedFactsKeptMax) {
    bytes += TextBytes(facts[facts.size() - 1 - kept]);
    if (bytes > kAddedFactsBytesKeptMax && kept > 0) break;
    ++kept;
  }
  facts.DeleteSubrange(0, facts.size() - kept);
}

}  // namespace

std::vector<std::string> StillUnknown(const v1::Episode& episode) {
  const v1::YouthFacts& youth = episode.youth();
  std::vector<std::string> unknown;
  const auto ask = [&](bool known, absl::string_view name) {
    if (!known && !youth.unavailable().contains(std::string(name))) unknown.emplace_back(name);
  };
  ask(!youth.first_name().empty(), "first_name");
  ask(!youth.last_name().empty(), "last_name");
  ask(!youth.date_of_birth().empty(), "date_of_birth");
  ask(!youth.sex().empty(), "sex");
  ask(!youth.race().empty(), "race");
  ask(!youth.ethnicity().empty(), "ethnicity");
  ask(youth.height_cm() > 0, "height_cm");
  ask(youth.weight_kg() > 0, "weight_kg");
  ask(!youth.eyes().empty(), "eyes");
  ask(!youth.hair().empty(), "hair");
  ask(!youth.marks().empty() || !youth.physical_description().empty(), "marks");
  ask(!youth.photo_id().empty(), "photo");
  ask(!youth.clothing().empty(), "clothing");
  ask(!youth.endangerment().empty(), "endangerment");
  ask(!youth.health().empty(), "health");
  ask(!episode.placement().empty(), "placement");
  ask(!episode.last_seen_place().empty(), "last_seen_place");
  ask(episode.has_last_seen_at(), "last_seen_at");
  ask(!episode.circumstances().empty(), "circumstances");
  ask(!episode.jurisdiction().empty(), "jurisdiction");
  return unknown;
}

std::vector<std::string> MergeFacts(const v1::YouthFacts& told, v1::YouthFacts& known) {
  std::vector<std::string> changed;
  for (const FieldDescriptor* field : Told(told)) {
    if (SameField(field, told, known)) continue;
    CopyField(field, told, known);
    // Why there is no photo is told under this name too.
    Add(field->name() == "photo_id" ? "photo" : field->name(), changed);
  }
  MergeUnavailable(told, known, changed);
  return changed;
}

std::vector<std::string> MergeReport(const v1::ReportMissingRequest& report, absl::Time received_at,
                                     v1::Episode& episode) {
  std::vector<std::string> changed = MergeFacts(report.youth(), *episode.mutable_youth());
  MergeText("placement", report.placement(), *episode.mutable_placement(), changed);
  MergeText("last_seen_place", report.last_seen_place(), *episode.mutable_last_seen_place(),
            changed);
  if (report.has_last_seen_at() &&
      (!episode.has_last_seen_at() ||
       FromProto(report.last_seen_at()) != FromProto(episode.last_seen_at()))) {
    *episode.mutable_last_seen_at() = report.last_seen_at();
    Add("last_seen_at", changed);
  }
  MergeText("circumstances", report.circumstances(), *episode.mutable_circumstances(), changed);
  MergeText("jurisdiction", report.jurisdiction(), *episode.mutable_jurisdiction(), changed);
  MergeText("reporter_contact", report.reporter_contact(), *episode.mutable_reporter_contact(),
            changed);
  MergeStatus(report.status_word(), received_at, episode, changed);
  MergeCircumstances(report.circumstances_known(), received_at, episode, changed);
  MergeAnchors(report.anchors(), episode, changed);
  return changed;
}

std::vector<std::string> MergeAddition(const v1::AddToEpisodeRequest& addition,
                                       absl::Time received_at, v1::Episode& episode) {
  v1::AddedFact fact;
  fact.set_kind(addition.kind());
  *fact.mutable_received_at() = ToProto(received_at);
  if (addition.has_occurred_at()) *fact.mutable_occurred_at() = addition.occurred_at();
  fact.set_place(addition.place());
  fact.set_text(addition.text());
  fact.set_photo_id(addition.youth().photo_id());
  KeepFact(std::move(fact), episode);
  std::vector<std::string> changed = {"facts"};
  Append(MergeFacts(addition.youth(), *episode.mutable_youth()), changed);
  MergeCircumstances(addition.circumstances_known(), received_at, episode, changed);
  MergeAnchors(addition.anchors(), episode, changed);
  return changed;
}

std::vector<std::string> FillFromRoster(const v1::Youth& roster, const v1::Youth& before,
                                        v1::Episode& episode) {
  // What the episode has from nobody, or from the roster, is the roster's to tell.
  v1::YouthFacts told;
  for (const FieldDescriptor* field : Told(roster.facts())) {
    const v1::YouthFacts& known = episode.youth();
    if (!IsKnown(known, field) || SameField(field, known, before.facts()))
      CopyField(field, roster.facts(), told);
  }
  *told.mutable_unavailable() = roster.facts().unavailable();
  std::vector<std::string> changed = MergeFacts(told, *episode.mutable_youth());
  const auto fill = [&](absl::string_view name, const std::string& has, const std::string& had,
                        std::string& known) {
    if (known.empty() || known == had) MergeText(name, has, known, changed);
  };
  fill("placement", roster.placement(), before.placement(), *episode.mutable_placement());
  fill("jurisdiction", roster.jurisdiction(), before.jurisdiction(),
       *episode.mutable_jurisdiction());
  fill("caseworker_id", roster.caseworker_id(), before.caseworker_id(),
       *episode.mutable_caseworker_id());
  // The agency knew them before the youth was missing.
  MergeCircumstances(roster.circumstances_known(), FromProto(episode.received_at()), episode,
                     changed);
  return changed;
}

v1::YouthFacts LastingFacts(const v1::YouthFacts& facts) {
  v1::YouthFacts lasting = facts;
  lasting.clear_clothing();
  lasting.clear_vehicle();
  lasting.clear_unavailable();
  return lasting;
}

}  // namespace porchlight
