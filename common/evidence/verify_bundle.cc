#include "common/evidence/verify_bundle.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/evidence/bundle.h"
#include "common/evidence/packs.h"
#include "common/evidence/read_bundle.h"
#include "common/log/chain.h"
#include "common/policy/loader.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What is not read is not checked, so nothing may be hidden in fields that this version can't read.
bool HasUnknownFields(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (HasUnknownFields(reflection.GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (HasUnknownFields(reflection.GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

class Verifier {
 public:
  Verifier(const SignedEvidence& evidence, Telling telling)
      : bundle_(evidence.bundle), telling_(telling), report_(ReportOf(evidence)) {}

  absl::StatusOr<EvidenceReport> Verify() {
    absl::Status status = CheckFrame();
    for (int i = 0; status.ok() && i < bundle_.chains_size(); ++i) {
      status = CheckChain(static_cast<size_t>(i));
    }
    if (status.ok()) status = IndexCommands();
    if (status.ok()) status = IndexEvents();
    for (size_t i = 0; status.ok() && i < transitions_.size(); ++i) {
      status = CheckTransition(transitions_[i]);
    }
    if (status.ok()) status = CheckNoCommandAdded();
    if (status.ok()) status = CheckPacks();
    if (status.ok() && transitions_.empty()) {
      status = Wrong("the file", "it holds nothing of its episode");
    }
    if (!status.ok()) return status;
    FillTimeline(
        {.transitions = transitions_, .commands = commands_, .key = key_, .telling = telling_},
        report_);
    return report_;
  }

 private:
  static absl::Status Wrong(absl::string_view where, absl::string_view meaning) {
    return absl::DataLossError(absl::StrCat(where, ": ", meaning));
  }

  std::string Place(size_t chain, uint64_t sequence) const {
    const v1::EvidenceChain& in = bundle_.chains(static_cast<int>(chain));
    return absl::StrCat(absl::CHexEscape(in.topic()), "/", in.partition(), ", sequence ", sequence);
  }
  std::string Place(const WholeTransition& whole) const {
    const v1::InputReference& input = whole.transition.input();
    return absl::StrCat(Place(whole.chain, whole.sequence), " (decided ",
                        absl::CHexEscape(input.type().empty() ? "input" : input.type()), " ",
                        absl::CHexEscape(input.input_id()), ")");
  }
  static std::string Place(absl::string_view what, const v1::RecordHeader& header) {
    return absl::StrCat(what, " ", absl::CHexEscape(header.type()), " ",
                        absl::CHexEscape(header.record_id()));
  }

  absl::Status CheckFrame() {
    if (HasUnknownFields(bundle_)) {
      return Wrong("the file",
                   "it holds fields that this version doesn't know, which can't be checked. Use a "
                   "newer version of this program; if there is none, they were added.");
    }
    if (bundle_.youth_id().empty() || bundle_.youth_id() != YouthOf(bundle_.episode_id()) ||
        bundle_.youth_id() == bundle_.episode_id()) {
      return Wrong("the file", "its episode is not one of its youth");
    }
    if (!report_.sealed) {
      key_ = YouthKeyOf(bundle_);
      if (!key_) return Wrong("the file", "its youth_key is not a key");
    }
    own_tags_ = {AggregateTag(bundle_.youth_id()), AggregateTag(bundle_.episode_id())};
    std::set<std::string> topics;
    for (const v1::EvidenceChain& chain : bundle_.chains()) {
      if (chain.partition() != bundle_.chains(0).partition()) {
        return Wrong(absl::CHexEscape(chain.topic()),
                     "it is of another partition than the first chain, so of other youths");
      }
      if (!topics.insert(chain.topic()).second) {
        return Wrong(absl::CHexEscape(chain.topic()), "this chain is in the file twice");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckChain(size_t index) {
    const v1::EvidenceChain& chain = bundle_.chains(static_cast<int>(index));
    ChainTail tail;
    AggregateTails aggregates;
    for (const v1::EvidenceLink& link : chain.links()) {
      const std::string place = Place(index, tail.sequence + 1);
      const bool own = own_tags_.contains(link.aggregate_tag());
      if (own && link.content().empty()) {
        return Wrong(place,
                     "the file must hold what was decided here, for it is of this episode, "
                     "but it was left out: something is hidden");
      }
      if (!own && !link.content().empty()) {
        return Wrong(place,
                     "the file holds what was decided here, but the place in the chain is "
                     "of something else: it was added, or changed");
      }
      if (own && Sha256(link.content()) != link.content_digest()) {
        return Wrong(place, "what was decided here was changed: its digest is another one");
      }
      if (link.hash() !=
          ChainHash(tail.hash, tail.sequence + 1, link.aggregate_tag(), link.content_digest())) {
        return Wrong(place,
                     "it doesn't follow the one before it: one of the two was changed or moved, or "
                     "one was removed or inserted between them");
      }
      tail.hash = link.hash();
      ++tail.sequence;
      if (!own) continue;
      const absl::Status taken = TakeContent(index, tail.sequence, link, aggregates);
      if (!taken.ok()) return taken;
    }
    report_.links += static_cast<size_t>(chain.links_size());
    report_.heads.push_back(
        {chain.topic(), chain.partition(), tail.sequence, absl::BytesToHexString(tail.hash)});
    return absl::OkStatus();
  }

  // Of each aggregate, its last transition so far.
  struct AggregateTail {
    uint64_t sequence = 0;
    std::string hash;
  };
  using AggregateTails = std::map<std::string, AggregateTail>;

  absl::Status TakeContent(size_t chain, uint64_t sequence, const v1::EvidenceLink& link,
                           AggregateTails& aggregates) {
    WholeTransition whole{.chain = chain, .sequence = sequence, .transition = {}};
    v1::Transition& transition = whole.transition;
    if (!transition.ParseFromString(link.content())) {
      return Wrong(Place(chain, sequence), "what stands here is not a transition");
    }
    if (AggregateTag(transition.aggregate_id()) != link.aggregate_tag()) {
      return Wrong(Place(whole), "it is of another aggregate than its place in the chain says");
    }
    if (transition.youth_id() != bundle_.youth_id() ||
        transition.agency_id() != bundle_.agency_id() ||
        EventsTopic(transition.service()) != bundle_.chains(static_cast<int>(chain)).topic()) {
      return Wrong(Place(whole), "it is of another youth, agency or service than the file says");
    }
    AggregateTail& tail = aggregates[transition.aggregate_id()];
    if (transition.aggregate_sequence() != tail.sequence + 1 ||
        transition.aggregate_previous_hash() != tail.hash) {
      return Wrong(Place(whole),
                   absl::StrCat("it says that it is number ", transition.aggregate_sequence(),
                                " of its aggregate, but ", tail.sequence,
                                " came before it: one was left out or added"));
    }
    tail = {.sequence = transition.aggregate_sequence(), .hash = link.hash()};
    transitions_.push_back(std::move(whole));
    return absl::OkStatus();
  }

  absl::Status IndexCommands() {
    for (const v1::Record& command : bundle_.commands()) {
      v1::RecordHeader header;
      if (!header.ParseFromString(command.header())) {
        return Wrong("a command", "it has no header that can be read: it was changed");
      }
      if (!commands_.emplace(Sha256(command.SerializeAsString()), command).second) {
        return Wrong(Place("command", header), "it is in the file twice: one was added");
      }
    }
    for (const std::string& digest : bundle_.commands_removed()) {
      const bool follows = removed_commands_.empty() || *removed_commands_.rbegin() < digest;
      if (commands_.contains(digest) || !follows) {
        return Wrong("the list of commands no longer kept",
                     "one is in the file all the same, or is listed twice: the list was changed");
      }
      removed_commands_.insert(digest);
    }
    report_.commands_removed = removed_commands_.size();
    return absl::OkStatus();
  }

  absl::Status IndexEvents() {
    for (const WholeTransition& whole : transitions_) {
      for (const v1::Record& event : whole.transition.events()) {
        v1::RecordHeader header;
        if (!header.ParseFromString(event.header())) {
          return Wrong(Place(whole), "an event of it has no header that can be read");
        }
        events_[Sha256(event.SerializeAsString())] = std::move(header);
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckTransition(const WholeTransition& whole) {
    // First what it has consumed: where a source was cut or rewritten, that says more than that the
    // input isn't there.
    absl::Status status = CheckPositions(whole);
    if (status.ok()) status = CheckInput(whole);
    if (status.ok()) status = CheckEvents(whole);
    if (status.ok()) status = CheckDeliveries(whole);
    if (status.ok() && whole.transition.has_outcome()) {
      const v1::Outcome& outcome = whole.transition.outcome();
      if (outcome.command_id() != whole.transition.input().input_id()) {
        return Wrong(Place(whole), "its outcome is of another command");
      }
      v1::RecordHeader header;
      // After the youth's key was destroyed, commands are refused, sealed with the agency's key.
      const bool of_agency = report_.sealed && header.ParseFromString(outcome.body().header()) &&
                             header.youth_id().empty();
      if (outcome.has_body() && !of_agency) {
        status = CheckRecord(Place(whole), "the outcome", outcome.body());
      }
    }
    return status;
  }

  absl::Status CheckInput(const WholeTransition& whole) {
    const v1::InputReference& input = whole.transition.input();
    const bool is_command = input.kind() == v1::INPUT_KIND_COMMAND;
    if (input.kind() == v1::INPUT_KIND_TIMER || input.kind() == v1::INPUT_KIND_DELIVERY) {
      return absl::OkStatus();
    }
    if (!is_command && input.kind() != v1::INPUT_KIND_EVENT) {
      return Wrong(Place(whole), "it doesn't say what led to it");
    }
    v1::RecordHeader header;
    const auto event = events_.find(input.digest());
    const auto command = commands_.find(input.digest());
    if (event == events_.end() && removed_commands_.contains(input.digest())) {
      named_commands_.insert(input.digest());
      return absl::OkStatus();
    }
    if (is_command && command == commands_.end()) return MissingCommand(whole);
    // A service that watches another one hears of its commands too.
    if (is_command || (event == events_.end() && command != commands_.end())) {
      header.ParseFromString(command->second.header());
      const absl::Status checked =
          CheckRecord(Place("command", header), "the command", command->second);
      if (!checked.ok()) return checked;
      named_commands_.insert(input.digest());
    } else if (event == events_.end()) {
      return Wrong(Place(whole),
                   "the event that led to it is in no chain of the file: it was changed or "
                   "removed there, or never was");
    } else {
      header = event->second;
    }
    if (header.record_id() != input.input_id() || header.type() != input.type()) {
      return Wrong(Place(whole), absl::StrCat("the record with the digest that it names is another "
                                              "one: ",
                                              Place(is_command ? "command" : "event", header)));
    }
    return absl::OkStatus();
  }

  absl::Status MissingCommand(const WholeTransition& whole) const {
    for (const auto& [digest, command] : commands_) {
      v1::RecordHeader header;
      header.ParseFromString(command.header());
      if (header.record_id() == whole.transition.input().input_id()) {
        return Wrong(Place("command", header),
                     absl::StrCat("it is not what was decided: its digest is not the one that ",
                                  Place(whole), " names. It was changed."));
      }
    }
    return Wrong(Place(whole),
                 "the command that led to it is not in the file: it was removed or changed");
  }

  absl::Status CheckPositions(const WholeTransition& whole) const {
    for (const v1::Position& position : whole.transition.positions()) {
      if (!absl::EndsWith(position.topic(), ".events") ||
          position.partition() != bundle_.chains(0).partition()) {
        continue;
      }
      const auto chain =
          std::find_if(bundle_.chains().begin(), bundle_.chains().end(),
                       [&](const v1::EvidenceChain& c) { return c.topic() == position.topic(); });
      if (chain == bundle_.chains().end()) {
        return Wrong(absl::CHexEscape(position.topic()),
                     absl::StrCat("this chain is not in the file, but ", Place(whole),
                                  " has acted on it: it was removed"));
      }
      const uint64_t sequence = position.chain_sequence();
      const std::string place =
          Place(static_cast<size_t>(chain - bundle_.chains().begin()), sequence);
      if (sequence > static_cast<uint64_t>(chain->links_size())) {
        return Wrong(
            place, absl::StrCat("it is missing: the chain was cut off after sequence ",
                                chain->links_size(), ", but ", Place(whole), " has acted on more"));
      }
      const std::string& hash =
          sequence == 0 ? zero_hash_ : chain->links(static_cast<int>(sequence - 1)).hash();
      if (position.chain_hash() != hash && !(sequence == 0 && position.chain_hash().empty())) {
        return Wrong(place, absl::StrCat("it, or one before it, is not what it was when ",
                                         Place(whole), " acted on it: it was rewritten later"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckEvents(const WholeTransition& whole) const {
    const v1::InputReference& input = whole.transition.input();
    for (const v1::Record& event : whole.transition.events()) {
      v1::RecordHeader header;
      header.ParseFromString(event.header());
      const absl::Status status =
          CheckRecord(absl::StrCat(Place(whole), ", ", Place("event", header)), "the event", event);
      if (!status.ok()) return status;
      if (header.cause_id() != input.input_id()) {
        return Wrong(absl::StrCat(Place(whole), ", ", Place("event", header)),
                     "it says that something else led to it than its transition says");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckDeliveries(const WholeTransition& whole) {
    for (const v1::Delivery& delivery : whole.transition.deliveries()) {
      const std::string place =
          absl::StrCat(Place(whole), ", delivery ", absl::CHexEscape(delivery.delivery_id()));
      if (!deliveries_.insert(delivery.delivery_id()).second) {
        return Wrong(place, "it was made before: one of the two was added");
      }
      const absl::Status status = CheckRecord(place, "the message", delivery.message());
      if (!status.ok()) return status;
    }
    for (const v1::DeliveryAttempt& attempt : whole.transition.attempts()) {
      const std::string place =
          absl::StrCat(Place(whole), ", attempt ", attempt.attempt(), " of delivery ",
                       absl::CHexEscape(attempt.delivery_id()));
      if (!deliveries_.contains(attempt.delivery_id())) {
        return Wrong(place,
                     "no such delivery was made before: it was removed, or the attempt added");
      }
      if (!attempt.has_reply()) continue;
      const absl::Status status = CheckRecord(place, "the far end's reply", attempt.reply());
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // That the record is about this youth, and that its payload belongs to its header.
  absl::Status CheckRecord(const std::string& place, absl::string_view what,
                           const v1::Record& record) const {
    v1::RecordHeader header;
    if (!header.ParseFromString(record.header()) || header.youth_id() != bundle_.youth_id() ||
        header.agency_id() != bundle_.agency_id()) {
      return Wrong(place, absl::StrCat(what, " is of another youth or agency than the file says"));
    }
    if (key_ && !Open(*key_, record.sealed(), record.header()).ok()) {
      return Wrong(place, absl::StrCat("the payload of ", what,
                                       " doesn't belong to its header, or can't be opened with the "
                                       "youth's key: it was changed or swapped"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckNoCommandAdded() const {
    for (const v1::Record& command : bundle_.commands()) {
      if (named_commands_.contains(Sha256(command.SerializeAsString()))) continue;
      v1::RecordHeader header;
      header.ParseFromString(command.header());
      return Wrong(Place("command", header),
                   "no transition was decided from it: it was added to the file");
    }
    for (const std::string& digest : removed_commands_) {
      if (named_commands_.contains(digest)) continue;
      return Wrong("the list of commands no longer kept",
                   "no transition was decided from one of them: it was added");
    }
    return absl::OkStatus();
  }

  // By their hashes, which the records name and the chains cover.
  absl::Status CheckPacks() {
    std::set<std::string> named;
    for (const WholeTransition& whole : transitions_) AddPolicyHashes(whole.transition, named);
    std::set<std::string> here;
    for (const v1::PolicyPack& pack : bundle_.packs()) {
      const std::string place = absl::StrCat("policy pack ", absl::CHexEscape(pack.pack_id()),
                                             ", version ", absl::CHexEscape(pack.content_hash()));
      if (ContentHash(pack) != pack.content_hash()) {
        return Wrong(place, "its content is not what its content_hash says: it was changed");
      }
      if (!here.insert(pack.content_hash()).second) {
        return Wrong(place, "it is in the file twice: one was added");
      }
      if (named.erase(pack.content_hash()) == 0) {
        return Wrong(place, "no record of the episode names it: it was added to the file");
      }
    }
    report_.packs_missing.assign(named.begin(), named.end());
    return absl::OkStatus();
  }

  const v1::EvidenceBundle& bundle_;
  const Telling telling_;
  const std::string zero_hash_ = ZeroHash();
  std::optional<Key> key_;
  std::set<std::string> own_tags_;
  std::vector<WholeTransition> transitions_;
  CommandsByDigest commands_;
  std::set<std::string> removed_commands_;          // digests
  std::set<std::string> named_commands_;            // digests, of those too
  std::map<std::string, v1::RecordHeader> events_;  // by digest
  std::set<std::string> deliveries_;
  EvidenceReport report_;
};

}  // namespace

absl::StatusOr<EvidenceReport> VerifyEvidence(absl::string_view file, Telling telling) {
  const absl::StatusOr<SignedEvidence> evidence = OpenEvidence(file);
  if (!evidence.ok()) return evidence.status();
  const absl::StatusOr<EvidenceReport> report = Verifier(*evidence, telling).Verify();
  if (evidence->signature_fits) return report;
  constexpr absl::string_view kChanged =
      "the signature doesn't fit: the file was damaged or changed after it was signed. Nothing in "
      "it can be relied on. ";
  return absl::DataLossError(
      report.ok() ? absl::StrCat(kChanged,
                                 "Its records are whole: the change is in the signature, or in "
                                 "what the file says of itself.")
                  : absl::StrCat(kChanged, "The first that is wrong: ", report.status().message()));
}

}  // namespace porchlight
