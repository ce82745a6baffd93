#include "tests/unit/evidence_log.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/privacy/sealing.h"
#include "gtest/gtest.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight::testing {

EvidenceLog::EvidenceLog(std::string narrative, std::vector<v1::PolicyPack> packs)
    : packs_(std::move(packs)) {
  partition = PartitionOf(youth, kTestPartitions);
  for (int i = 0; other_youth.empty(); ++i) {
    const std::string id = absl::StrCat("youth-other-", i);
    if (PartitionOf(id, kTestPartitions) == partition) other_youth = id;
  }
  signing_seed.fill(9);
  now_ = start;
  TellDirectory();
  TellIntake(narrative);
  TellNotification();
  if (!packs_.empty()) {
    TellProof();
    TellWatch();
  }
  v1::RecordReturnRequest waiting;
  waiting.set_circumstances(std::string(kOtherMarker));
  Command("intake", other_youth, "command-waiting", waiting);
}

void EvidenceLog::TellIntake(const std::string& narrative) {
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_first_name(std::string(kOwnMarker));
  report.set_circumstances(narrative);
  v1::EpisodeOpened opened;
  opened.mutable_episode()->mutable_youth()->set_first_name(std::string(kOwnMarker));
  v1::Transition first = Command("intake", youth, "command-report", report);
  const std::string repeated = Dump()[IntakeCommands()].back();
  AddEvent(first, opened);
  Append(first);

  report.clear_circumstances();
  report.mutable_youth()->set_first_name(std::string(kOtherMarker));
  opened.mutable_episode()->mutable_youth()->set_first_name(std::string(kOtherMarker));
  v1::Transition other = Command("intake", other_youth, "command-other", report);
  AddEvent(other, opened);
  Append(other);

  report.mutable_youth()->set_first_name(std::string(kOwnMarker));
  v1::Transition second = Command("intake", youth, "command-second-report", report);
  v1::EpisodeUpdated updated;
  updated.add_changed("clothing");
  AddEvent(second, updated);
  Append(second);

  AppendRecord(IntakeCommands(), repeated);
  v1::RecordReturnRequest back;
  back.set_circumstances(std::string(kOwnMarker));
  v1::Transition returned = Command("intake", youth, "command-return", back);
  v1::YouthReturned event;
  event.set_circumstances(std::string(kOwnMarker));
  AddEvent(returned, event);
  Append(returned);
}

void EvidenceLog::TellDirectory() {
  ChainTail tail;
  for (const v1::PolicyPack& pack : packs_) {
    v1::DirectoryChanged changed;
    *changed.mutable_change()->mutable_set()->add_packs() = pack;
    changed.mutable_change()->mutable_set()->add_recipients()->set_address("Directory-Marker");
    v1::RecordHeader header;
    header.set_record_id(absl::StrCat("directory-", tail.sequence));
    v1::Transition transition;
    transition.set_service("directory");
    transition.set_aggregate_id("_directory");
    *transition.add_events() = MakeRecord(*keys.GetOrCreate(KeyName("")), header, changed);
    const v1::TransitionRecord record = SealLink(tail, transition);
    AppendRecord({EventsTopic("directory"), 0}, record.SerializeAsString());
    tail = {record.hash(), record.sequence(), tail.next_offset + 1};
  }
}

void EvidenceLog::TellProof() {
  v1::FileProofRequest request;
  request.set_number(std::string(kCaseNumber));
  v1::Transition filed = Command("notification", episode, "command-proof", request);
  v1::ProofFiled event;
  v1::ProofFiling& filing = *event.mutable_filing();
  filing.set_filing_id(episode + "_f1");
  filing.add_duty_keys(std::string(kDutyKey));
  filing.set_kind(v1::EVIDENCE_KIND_POLICE_CASE_NUMBER);
  filing.set_number(std::string(kCaseNumber));
  filing.set_told_to("Officer Invented");
  filing.set_how(v1::REACHED_BY_PHONE);
  filing.mutable_actor()->set_actor_id("worker-7");
  *filing.mutable_done_at() = ToProto(now_);
  AddEvent(filed, event);
  Append(filed);
}

void EvidenceLog::TellWatch() {
  v1::AddToEpisodeRequest undecided;
  undecided.set_text(std::string(kOwnMarker));
  Command("intake", youth, "command-undecided", undecided);
  v1::Record record;
  ASSERT_TRUE(record.ParseFromString(log->Read(IntakeCommands(), 0)->back()));
  Append(OnEvent(episode, record));
}

void EvidenceLog::TellNotification() {
  if (!packs_.empty()) policy_hash_ = packs_[0].content_hash();
  const std::string other = other_youth + "_e1";
  const std::string police = episode + "_dpolice";
  const std::string center = episode + "_dcenter";
  v1::Transition made = OnEvent(episode, intake_events_[0]);
  v1::NoticesMade decided;
  v1::Notice& notice = *decided.add_notices();
  notice.set_notice_id(episode + "_n1");
  notice.set_kind(v1::NOTICE_KIND_MISSING);
  notice.set_recipient_id("desk-1");
  notice.set_recipient_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  notice.set_channel(v1::CHANNEL_KIND_WEBHOOK);
  notice.add_duty_keys(std::string(kDutyKey));
  notice.set_citation("42 USC 671(a)(35)(B)");
  notice.set_script(std::string(kOwnMarker));
  *notice.mutable_due_at() = ToProto(start + absl::Hours(24));
  AddEvent(made, decided);
  AddDelivery(made, police, "desk-1", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, v1::CHANNEL_KIND_WEBHOOK);
  AddDelivery(made, center, "center", v1::RECIPIENT_KIND_NCMEC, v1::CHANNEL_KIND_EMAIL);
  Append(made);
  Append(OnAttempt(episode, police, 1, v1::DELIVERY_ANSWER_RETRY, 503, v1::DELIVERY_STATE_PENDING));

  v1::Transition others = OnEvent(other, intake_events_[1]);
  AddDelivery(others, other + "_dpolice", "desk-1", v1::RECIPIENT_KIND_LAW_ENFORCEMENT,
              v1::CHANNEL_KIND_WEBHOOK);
  Append(others);

  v1::Transition told = OnAttempt(episode, police, 2, v1::DELIVERY_ANSWER_ACCEPTED, 202,
                                  v1::DELIVERY_STATE_DELIVERED);
  AddEvent(told, v1::NoticeDelivered());
  Append(told);
  Append(OnEvent(episode, intake_events_[2]));
  v1::Transition failed =
      OnAttempt(episode, center, 1, v1::DELIVERY_ANSWER_REFUSED, 550, v1::DELIVERY_STATE_DEAD);
  AddEvent(failed, v1::NoticeFailed());
  Append(failed);
  Append(OnAttempt(other, other + "_dpolice", 1, v1::DELIVERY_ANSWER_ACCEPTED, 200,
                   v1::DELIVERY_STATE_DELIVERED));

  v1::ReplayDeadLetterRequest replay;
  replay.set_delivery_id(center);
  v1::Transition again = Command("notification", episode, "command-replay", replay);
  v1::DeliveryAttempt& attempt = *again.add_attempts();
  attempt.set_delivery_id(center);
  attempt.set_attempt(1);
  attempt.set_state(v1::DELIVERY_STATE_PENDING);
  *attempt.mutable_answered_at() = ToProto(now_);
  Append(again);

  if (packs_.size() > 1) policy_hash_ = packs_[1].content_hash();
  v1::Transition last = OnEvent(episode, intake_events_[3]);
  AddEvent(last, v1::NoticesMade());
  AddDelivery(last, episode + "_dpolice-return", "desk-1", v1::RECIPIENT_KIND_LAW_ENFORCEMENT,
              v1::CHANNEL_KIND_WEBHOOK);
  Append(last);
}

v1::RecordHeader EvidenceLog::Header(const std::string& of_youth, const std::string& id,
                                     const std::string& cause) const {
  v1::RecordHeader header;
  header.set_record_id(id);
  header.set_agency_id("agency-1");
  header.set_youth_id(of_youth);
  header.set_episode_id(of_youth + "_e1");
  *header.mutable_occurred_at() = ToProto(now_ - absl::Hours(1));
  *header.mutable_received_at() = ToProto(now_);
  header.mutable_actor()->set_actor_id("worker-7");
  header.mutable_actor()->set_reached_by(v1::REACHED_BY_PHONE);
  header.set_cause_id(cause);
  header.set_policy_hash(policy_hash_);
  return header;
}

v1::Record EvidenceLog::Sealed(const std::string& of_youth, const std::string& id,
                               const std::string& cause, const google::protobuf::Message& payload) {
  return MakeRecord(*keys.GetOrCreate(KeyName(of_youth)), Header(of_youth, id, cause), payload);
}

v1::Transition EvidenceLog::Command(const std::string& service, const std::string& aggregate,
                                    const std::string& id,
                                    const google::protobuf::Message& payload) {
  now_ += absl::Minutes(1);
  const TopicPartition where{CommandsTopic(service), partition};
  const std::string bytes =
      Sealed(std::string(YouthOf(aggregate)), id, "", payload).SerializeAsString();
  AppendRecord(where, bytes);
  v1::Transition transition;
  transition.set_service(service);
  transition.set_aggregate_id(aggregate);
  transition.mutable_input()->set_kind(v1::INPUT_KIND_COMMAND);
  transition.mutable_input()->set_input_id(id);
  transition.mutable_input()->set_digest(Sha256(bytes));
  transition.mutable_input()->set_type(payload.GetDescriptor()->full_name());
  v1::Position& position = *transition.add_positions();
  position.set_topic(where.topic);
  position.set_partition(partition);
  position.set_next_offset(*log->End(where));
  AddOutcome(transition);
  return transition;
}

v1::Transition EvidenceLog::OnEvent(const std::string& aggregate, const v1::Record& event) {
  now_ += absl::Seconds(5);
  v1::RecordHeader header;
  header.ParseFromString(event.header());
  v1::Transition transition;
  transition.set_service("notification");
  transition.set_aggregate_id(aggregate);
  transition.mutable_input()->set_kind(v1::INPUT_KIND_EVENT);
  transition.mutable_input()->set_input_id(header.record_id());
  transition.mutable_input()->set_digest(Sha256(event.SerializeAsString()));
  transition.mutable_input()->set_type(header.type());
  // The event's sequence is its place among these, for intake writes one with each transition.
  v1::Position& position = *transition.add_positions();
  position.set_topic(IntakeEvents().topic);
  position.set_partition(partition);
  const std::vector<std::string> transitions = Dump()[IntakeEvents()];
  for (size_t i = 0; i < transitions.size(); ++i) {
    if (intake_events_[i].SerializeAsString() != event.SerializeAsString()) continue;
    v1::TransitionRecord record;
    record.ParseFromString(transitions[i]);
    position.set_next_offset(static_cast<int64_t>(i) + 1);
    position.set_chain_hash(record.hash());
    position.set_chain_sequence(record.sequence());
  }
  return transition;
}

v1::Transition EvidenceLog::OnAttempt(const std::string& aggregate, const std::string& delivery_id,
                                      uint32_t number, v1::DeliveryAnswer answer, int32_t code,
                                      v1::DeliveryState state) {
  now_ += absl::Seconds(20);
  v1::Transition transition;
  transition.set_service("notification");
  transition.set_aggregate_id(aggregate);
  transition.mutable_input()->set_kind(v1::INPUT_KIND_DELIVERY);
  transition.mutable_input()->set_input_id(absl::StrCat(delivery_id, "/", number));
  v1::DeliveryAttempt& attempt = *transition.add_attempts();
  attempt.set_delivery_id(delivery_id);
  attempt.set_attempt(number);
  *attempt.mutable_started_at() = ToProto(now_ - absl::Seconds(1));
  *attempt.mutable_answered_at() = ToProto(now_);
  attempt.set_answer(answer);
  attempt.set_code(code);
  attempt.set_state(state);
  v1::ChannelReply reply;
  reply.set_text("Answer of an invented desk");
  *attempt.mutable_reply() =
      Sealed(std::string(YouthOf(aggregate)), absl::StrCat(delivery_id, "-reply-", number),
             transition.input().input_id(), reply);
  return transition;
}

void EvidenceLog::AddEvent(v1::Transition& transition, const google::protobuf::Message& payload) {
  const std::string& cause = transition.input().input_id();
  *transition.add_events() = Sealed(std::string(YouthOf(transition.aggregate_id())),
                                    DeriveId("event", cause), cause, payload);
  if (transition.service() == "intake") intake_events_.push_back(transition.events(0));
}

void EvidenceLog::AddDelivery(v1::Transition& transition, const std::string& delivery_id,
                              const std::string& recipient, v1::RecipientKind kind,
                              v1::ChannelKind channel) {
  v1::Delivery& delivery = *transition.add_deliveries();
  delivery.set_delivery_id(delivery_id);
  delivery.set_episode_id(transition.aggregate_id());
  delivery.set_recipient_id(recipient);
  delivery.set_recipient_kind(kind);
  delivery.set_channel(channel);
  v1::Message message;
  message.set_subject("A notice");
  message.set_text(std::string(transition.aggregate_id() == episode ? kOwnMarker : kOtherMarker));
  message.set_json("{\"noticeId\":\"n1\"}");
  *delivery.mutable_message() = Sealed(std::string(YouthOf(transition.aggregate_id())), delivery_id,
                                       transition.input().input_id(), message);
}

void EvidenceLog::AddOutcome(v1::Transition& transition) {
  const std::string& id = transition.input().input_id();
  transition.mutable_outcome()->set_command_id(id);
  *transition.mutable_outcome()->mutable_body() = Sealed(
      std::string(YouthOf(transition.aggregate_id())), id + "-outcome", id, v1::OutcomeBody());
}

void EvidenceLog::Append(v1::Transition transition) {
  Service& service = services_[transition.service()];
  auto& [sequence, hash] = service.aggregates[transition.aggregate_id()];
  transition.set_agency_id("agency-1");
  transition.set_youth_id(std::string(YouthOf(transition.aggregate_id())));
  transition.set_aggregate_sequence(++sequence);
  transition.set_aggregate_previous_hash(hash);
  *transition.mutable_decided_at() = ToProto(now_ + absl::Milliseconds(3));
  const v1::TransitionRecord record = SealLink(service.tail, transition);
  AppendRecord({EventsTopic(transition.service()), partition}, record.SerializeAsString());
  hash = record.hash();
  service.tail.hash = record.hash();
  service.tail.sequence = record.sequence();
  ++service.tail.next_offset;
}

void EvidenceLog::AppendRecord(const TopicPartition& where, std::string bytes) {
  const std::vector<AppendResult> results = log->Append({{where, {std::move(bytes)}, {}}});
  ASSERT_EQ(results[0].outcome, AppendOutcome::kAccepted) << results[0].reason;
}

EvidenceLog::Content EvidenceLog::Dump() const {
  Content content;
  for (const TopicPartition& where :
       {IntakeCommands(), IntakeEvents(), NoticeCommands(), NoticeEvents()}) {
    content[where] = *log->Read(where, 0);
  }
  return content;
}

std::unique_ptr<MemoryLog> EvidenceLog::Restore(const Content& content, LostRaces lost_races) {
  auto restored = std::make_unique<MemoryLog>(lost_races);
  for (const auto& [where, records] : content) {
    if (!records.empty()) restored->Append({{where, records, {}}});
  }
  return restored;
}

ExportSources EvidenceLog::Sources() {
  return {.log = *log,
          .keys = keys,
          .services = {"intake", "notification"},
          .partitions = kTestPartitions,
          .signing_seed = signing_seed,
          .agency_id = "agency-1"};
}

VerifyLogOptions EvidenceLog::Options() {
  return {.services = {"intake", "notification"},
          .partitions = kTestPartitions,
          .checkpoints = {},
          .keys = &keys};
}

std::vector<StoreCheckpoint> EvidenceLog::Checkpoints() const {
  std::vector<StoreCheckpoint> checkpoints;
  for (const auto& [name, service] : services_) {
    StoreCheckpoint& at = checkpoints.emplace_back();
    at.service = name;
    at.partition = partition;
    at.checkpoint.set_sequence(service.tail.sequence);
    at.checkpoint.set_chain_hash(service.tail.hash);
    at.checkpoint.set_next_offset(service.tail.next_offset);
  }
  return checkpoints;
}

}  // namespace porchlight::testing
