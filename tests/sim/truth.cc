#include "tests/sim/truth.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/directory/rota.h"
#include "common/privacy/sealing.h"
#include "common/processor/rules.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight::sim {
namespace {

// A command of another service, heard to see whether anybody decided it.
bool IsWatched(const v1::InputReference& input) {
  return input.type() == v1::ReportMissingRequest::descriptor()->full_name();
}

}  // namespace

Truth::Truth(Log& log, MemoryKeys& keys, const Clock& clock, Findings& findings, Counters& counters)
    : log_(log), keys_(keys), clock_(clock), findings_(findings), counters_(counters) {
  directories_[0];
  for (const char* service : kServices) {
    events_in_order_[service];
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition) {
      chains_[{EventsTopic(service), partition}].hash = std::string(32, '\0');
      commands_read_[{CommandsTopic(service), partition}] = 0;
    }
  }
}

bool Truth::Expect(bool right, const std::string& checker, const std::string& what) {
  if (!right) findings_.Add(checker, what);
  return right;
}

std::string Truth::Named(const Counted& counted) const {
  const v1::Transition& transition = counted.transition;
  return absl::StrCat("transition ", counted.record.sequence(), " of ", transition.service(),
                      " (aggregate ", transition.aggregate_id(), ", input ",
                      transition.input().input_id(), ") ");
}

const v1::Directory& Truth::directory() const { return directories_.rbegin()->second; }

const Truth::DecidedFact* Truth::FindDecided(const std::string& service,
                                             const std::string& command_id) const {
  const auto found = decided_.find(absl::StrCat(service, "/", command_id));
  return found == decided_.end() ? nullptr : &found->second;
}

// In the order of cause and effect.
void Truth::CatchUp() {
  for (auto& [where, read] : commands_read_) {
    while (log_.End(where).value() > read) ReadCommands(where);
  }
  for (const char* service : kServices) {
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition) {
      const TopicPartition where{EventsTopic(service), partition};
      Chain& chain = chains_.at(where);
      while (log_.End(where).value() > chain.next_offset && !findings_.any())
        ReadChain(chain, where);
    }
  }
}

void Truth::ReadCommands(const TopicPartition& where) {
  int64_t& offset = commands_read_.at(where);
  const auto read = log_.Read(where, offset, {.records_max = 10'000, .bytes_max = 1u << 30});
  for (const std::string& bytes : *read) {
    v1::Record record;
    v1::RecordHeader header;
    record.ParseFromString(bytes);
    header.ParseFromString(record.header());
    if (!command_ids_.emplace(where, header.record_id()).second)
      counters_.Count("repeated in the log");
    commands_by_digest_[Sha256(bytes)].push_back(commands_.size());
    commands_.push_back({.where = where, .offset = offset, .command_id = header.record_id()});
    ++offset;
  }
}

void Truth::ReadChain(Chain& chain, const TopicPartition& where) {
  const auto read =
      log_.Read(where, chain.next_offset, {.records_max = 10'000, .bytes_max = 1u << 30});
  for (const std::string& bytes : *read) {
    Counted next{.offset = chain.next_offset++, .record = {}, .transition = {}};
    const bool parsed = next.record.ParseFromString(bytes) &&
                        next.transition.ParseFromString(next.record.content());
    if (!Expect(parsed, "chain", absl::StrCat("a record of ", where.topic, " can't be parsed")))
      return;
    std::string sequence;
    for (int shift = 56; shift >= 0; shift -= 8)
      sequence += static_cast<char>(next.record.sequence() >> shift);
    const std::string tag = Sha256({"aggregate/", next.transition.aggregate_id()}).substr(0, 16);
    const std::string hash = Sha256({"porchlight.v1", next.record.previous_hash(), sequence, tag,
                                     Sha256(next.record.content())});
    Expect(hash == next.record.hash() && tag == next.record.aggregate_tag(), "chain",
           absl::StrCat(Named(next), "has a wrong hash or tag"));
    if (next.record.previous_hash() != chain.hash) {
      counters_.Count("record skipped");
      Expect(!log_.WritesOnlyWinners(), "chain",
             absl::StrCat(Named(next), "doesn't count, where only winners are written"));
      continue;
    }
    Expect(next.record.sequence() == chain.sequence + 1, "chain",
           absl::StrCat(Named(next), "has a wrong sequence"));
    chain.hash = next.record.hash();
    chain.sequence = next.record.sequence();
    Check(chain, where, next);
    chain.counted.push_back(std::move(next));
  }
}

void Truth::Check(Chain& chain, const TopicPartition& where, const Counted& counted) {
  const std::string& service = counted.transition.service();
  CheckAggregate(chain, counted);
  CheckPositions(chain, service, counted);
  if (counted.transition.input().kind() == v1::INPUT_KIND_COMMAND) CheckCommand(counted, where);
  if (counted.transition.input().kind() == v1::INPUT_KIND_EVENT) CheckEventInput(counted);
  Expect(counted.transition.has_outcome() ==
             (counted.transition.input().kind() == v1::INPUT_KIND_COMMAND),
         "one outcome for each command", Named(counted));
  CheckTimers(chain, counted);
  CheckDeliveries(counted);
  CheckAttempts(counted);
  if (service == "directory") FoldDirectoryEvents(counted);
  FoldEvents(where, counted);
}

void Truth::CheckAggregate(Chain& chain, const Counted& counted) {
  AggregateFact& fact = chain.aggregates[counted.transition.aggregate_id()];
  Expect(
      counted.transition.aggregate_sequence() == fact.sequence + 1 &&
          counted.transition.aggregate_previous_hash() == fact.hash &&
          counted.transition.aggregate_previous_offset() <= fact.offset,
      "decided on the newest state",
      absl::StrCat(Named(counted), "doesn't follow its aggregate's last, number ", fact.sequence));
  fact = {counted.transition.aggregate_sequence(), counted.record.hash(), counted.offset};
}

// No input is decided twice, none is skipped: each lies between where its source stood and where it
// stands now.
void Truth::CheckPositions(Chain& chain, const std::string& service, const Counted& counted) {
  const auto before = chain.positions;
  for (const v1::Position& position : counted.transition.positions()) {
    auto& at = chain.positions[{position.topic(), position.partition()}];
    const std::pair<int64_t, uint32_t> to(position.next_offset(), position.next_event());
    Expect(to > at, "positions", absl::StrCat(Named(counted), "sets a position back"));
    at = to;
  }
  const auto covered = [&](const TopicPartition& source, std::pair<int64_t, uint32_t> input) {
    const auto from = before.find(source);
    const auto to = chain.positions.find(source);
    return (from == before.end() || input >= from->second) && to != chain.positions.end() &&
           input < to->second;
  };
  const v1::InputReference& input = counted.transition.input();
  const auto covers_command = [&](const std::string& topic) {
    const std::vector<size_t>& commands = commands_by_digest_[input.digest()];
    return std::any_of(commands.begin(), commands.end(), [&](size_t index) {
      const CommandFact& command = commands_[index];
      return command.where.topic == topic && command.command_id == input.input_id() &&
             covered(command.where, {command.offset, 0});
    });
  };
  if (input.kind() == v1::INPUT_KIND_COMMAND) {
    Expect(covers_command(CommandsTopic(service)), "positions",
           absl::StrCat(Named(counted), "doesn't keep its command's position"));
  } else if (input.kind() == v1::INPUT_KIND_EVENT && IsWatched(input)) {
    Expect(covers_command(CommandsTopic("intake")), "positions",
           absl::StrCat(Named(counted), "doesn't keep a watched command's position"));
  } else if (input.kind() == v1::INPUT_KIND_EVENT) {
    const auto event = events_.find(input.input_id());
    Expect(event != events_.end() && covered(event->second.where, event->second.at), "positions",
           absl::StrCat(Named(counted), "doesn't keep its event's position"));
  }
}

void Truth::CheckCommand(const Counted& counted, const TopicPartition& where) {
  const v1::Outcome& outcome = counted.transition.outcome();
  const std::string key =
      absl::StrCat(counted.transition.service(), "/", counted.transition.input().input_id());
  Expect(!decided_.contains(key), "decided exactly once",
         absl::StrCat(Named(counted), "decides a command again"));
  DecidedFact& fact = decided_[key];
  fact.where = where;
  fact.outcome.set_command_id(outcome.command_id());
  fact.outcome.set_code(outcome.code());
  const auto body = OpenRecord(keys_, outcome.body());
  if (!Expect(body.ok(), "one outcome for each command", Named(counted))) return;
  fact.outcome.mutable_body()->CopyFrom(*body->payload);
  Expect(fact.outcome.body().error().find(kMarker) == std::string::npos, "need to know",
         absl::StrCat(Named(counted), "has personal data in an error text"));
}

void Truth::CheckEventInput(const Counted& counted) {
  const std::string& service = counted.transition.service();
  const v1::InputReference& input = counted.transition.input();
  Expect(heard_.insert({service, input.input_id()}).second, "decided exactly once",
         absl::StrCat(Named(counted), "decides an event again"));
  Expect(directories_.contains(counted.transition.reference_sequence()),
         "no effect of what doesn't count",
         absl::StrCat(Named(counted), "used a directory that never was"));
  if (IsWatched(input)) return;
  const auto found = events_.find(input.input_id());
  if (!Expect(found != events_.end(), "no effect of what doesn't count",
              absl::StrCat(Named(counted), "decides an event that doesn't count")))
    return;
  auto& last = last_heard_[{service, found->second.where}];
  Expect(found->second.at >= last, "causal order", absl::StrCat(Named(counted), "is out of order"));
  last = found->second.at;
  if (service == "notification") CheckWhoIsTold(counted, found->second);
}

// Of a report, the police of its kind (live or drill) at once; of a return, NCMEC too.
void Truth::CheckWhoIsTold(const Counted& counted, const EventFact& event) {
  const auto directory = directories_.find(counted.transition.reference_sequence());
  if (!Expect(directory != directories_.end(), "no effect of what doesn't count",
              absl::StrCat(Named(counted), "used a directory that never was")))
    return;
  const bool opened = event.type == v1::EpisodeOpened::descriptor()->full_name();
  const bool returned = event.type == v1::YouthReturned::descriptor()->full_name();
  if ((!opened && !returned) || !event.episode.same_as_episode_id().empty()) return;
  std::multiset<std::string> wanted;
  for (const v1::Recipient& recipient : directory->second.recipients()) {
    const bool hears = recipient.kind() == v1::RECIPIENT_KIND_LAW_ENFORCEMENT ||
                       (returned && recipient.kind() == v1::RECIPIENT_KIND_NCMEC);
    if (hears && recipient.exercise_only() == event.episode.exercise())
      wanted.insert(recipient.recipient_id());
  }
  std::multiset<std::string> told;
  for (const v1::Delivery& delivery : counted.transition.deliveries())
    told.insert(delivery.recipient_id());
  // What was due while nobody decided is told at once too.
  Expect(std::includes(told.begin(), told.end(), wanted.begin(), wanted.end()), "everybody is told",
         absl::StrCat(Named(counted), "tells ", told.size(), " recipients, but ", wanted.size(),
                      " should be told"));
}

void Truth::CheckTimers(Chain& chain, const Counted& counted) {
  const v1::Transition& transition = counted.transition;
  if (transition.input().kind() == v1::INPUT_KIND_TIMER) {
    const auto timer =
        transition.timers_removed_size() == 0
            ? chain.timers.end()
            : chain.timers.find({transition.aggregate_id(), *transition.timers_removed().rbegin()});
    Expect(timer != chain.timers.end() && timer->second <= FromProto(transition.decided_at()),
           "timers", absl::StrCat(Named(counted), "fires a timer that isn't set or not due"));
  }
  for (const std::string& timer_id : transition.timers_removed())
    chain.timers.erase({transition.aggregate_id(), timer_id});
  for (const v1::Timer& timer : transition.timers_set())
    chain.timers[{transition.aggregate_id(), timer.timer_id()}] = FromProto(timer.due_at());
}

void Truth::CheckDeliveries(const Counted& counted) {
  const v1::Transition& transition = counted.transition;
  const auto directory = directories_.find(transition.reference_sequence());
  for (int i = 0; i < transition.deliveries_size(); ++i) {
    const v1::Delivery& delivery = transition.deliveries(i);
    const auto header = ReadHeader(delivery.message());
    const std::string derived =
        absl::StrCat(transition.aggregate_id(), "_d",
                     Base32(Sha256(absl::StrCat("delivery/", transition.service(), "/",
                                                transition.input().input_id(), "/", i)))
                         .substr(0, 20));
    Expect(delivery.delivery_id() == derived && !deliveries_.contains(derived), "delivery ids",
           absl::StrCat(Named(counted), "makes a delivery with an id that its input doesn't give"));
    Expect(
        header->exercise() == delivery.exercise(), "drills",
        absl::StrCat(Named(counted), "has a drill's message in a live delivery, or the reverse"));
    for (const v1::Recipient& recipient : directory->second.recipients()) {
      if (recipient.recipient_id() != delivery.recipient_id()) continue;
      Expect(recipient.exercise_only() == delivery.exercise(), "drills",
             absl::StrCat(Named(counted), "is for ", recipient.recipient_id()));
    }
    if (transition.service() == "notification") ReadPacket(counted, delivery);
    deliveries_[delivery.delivery_id()] = {.service = transition.service(),
                                           .aggregate_id = transition.aggregate_id(),
                                           .recipient_id = delivery.recipient_id(),
                                           .exercise = delivery.exercise(),
                                           .answers = {}};
  }
}

void Truth::ReadPacket(const Counted& counted, const v1::Delivery& delivery) {
  Expect(delivery.recipient_kind() == v1::RECIPIENT_KIND_LAW_ENFORCEMENT ||
             delivery.recipient_kind() == v1::RECIPIENT_KIND_NCMEC,
         "need to know", absl::StrCat(Named(counted), "tells somebody whom no law names"));
  if (counted.transition.input().kind() == v1::INPUT_KIND_TIMER) counters_.Count("told later");
  const auto opened = OpenRecord(keys_, delivery.message());
  if (!Expect(opened.ok(), "events", absl::StrCat(Named(counted), "has a message unopened")))
    return;
  const auto* message = As<v1::Message>(opened->payload.get());
  v1::NoticePacket packet;
  const bool read = message != nullptr &&
                    google::protobuf::util::JsonStringToMessage(message->json(), &packet).ok();
  Expect(read, "events", absl::StrCat(Named(counted), "sends a packet that can't be read"));
  packets_[delivery.episode_id()].push_back(std::move(packet));
}

void Truth::CheckAttempts(const Counted& counted) {
  for (const v1::DeliveryAttempt& attempt : counted.transition.attempts()) {
    const auto found = deliveries_.find(attempt.delivery_id());
    if (!Expect(found != deliveries_.end(), "attempts",
                absl::StrCat(Named(counted), "no delivery")))
      return;
    DeliveryFact& fact = found->second;
    const bool replay = attempt.answer() == v1::DELIVERY_ANSWER_UNSPECIFIED;
    Expect(fact.state == (replay ? v1::DELIVERY_STATE_DEAD : v1::DELIVERY_STATE_PENDING),
           "attempts", absl::StrCat(Named(counted), "is on a delivery that is settled"));
    v1::DeliveryState wanted = attempt.state();
    if (attempt.answer() == v1::DELIVERY_ANSWER_ACCEPTED) wanted = v1::DELIVERY_STATE_DELIVERED;
    if (attempt.answer() == v1::DELIVERY_ANSWER_REFUSED) wanted = v1::DELIVERY_STATE_DEAD;
    if (attempt.answer() == v1::DELIVERY_ANSWER_EXPIRED) wanted = v1::DELIVERY_STATE_DEAD;
    if (attempt.answer() == v1::DELIVERY_ANSWER_WITHDRAWN) wanted = v1::DELIVERY_STATE_WITHDRAWN;
    if (replay) wanted = v1::DELIVERY_STATE_PENDING;
    Expect(attempt.state() == wanted && (attempt.answer() == v1::DELIVERY_ANSWER_ACCEPTED ||
                                         attempt.state() != v1::DELIVERY_STATE_DELIVERED),
           "attempts",
           absl::StrCat(Named(counted), "has answer ", v1::DeliveryAnswer_Name(attempt.answer()),
                        " but leads to ", v1::DeliveryState_Name(attempt.state())));
    if (replay) counters_.Count("replay");
    if (attempt.state() == v1::DELIVERY_STATE_WITHDRAWN) counters_.Count("withdrawn");
    if (attempt.answer() == v1::DELIVERY_ANSWER_EXPIRED) counters_.Count("expiry");
    if (attempt.state() == v1::DELIVERY_STATE_DEAD) counters_.Count("dead letter");
    if (attempt.state() == v1::DELIVERY_STATE_DELIVERED && fact.exercise)
      counters_.Count("drill told");
    fact.state = attempt.state();
    fact.attempts = attempt.attempt();
    ++fact.answers[attempt.answer()];
  }
}

void Truth::FoldDirectoryEvents(const Counted& counted) {
  v1::Directory after = directory();
  for (const v1::Record& record : counted.transition.events()) {
    const auto event = OpenRecord(keys_, record);
    if (!Expect(event.ok(), "events", absl::StrCat(Named(counted), "can't be opened"))) return;
    const auto* changed = As<v1::DirectoryChanged>(event->payload.get());
    if (!Expect(changed != nullptr, "events", absl::StrCat(Named(counted), "isn't a change")))
      return;
    counters_.Count("directory change");
    Apply(after, changed->change());
  }
  directories_[counted.record.sequence()] = std::move(after);
}

void Truth::FoldEvents(const TopicPartition& where, const Counted& counted) {
  for (int i = 0; i < counted.transition.events_size(); ++i) {
    auto event = OpenRecord(keys_, counted.transition.events(i));
    if (!Expect(event.ok(), "events", absl::StrCat(Named(counted), "can't be opened"))) return;
    EventFact fact;
    fact.where = where;
    fact.at = {counted.offset, static_cast<uint32_t>(i)};
    fact.type = event->header.type();
    fact.header = event->header;
    fact.payload = std::move(event->payload);
    if (const auto* opened = As<v1::EpisodeOpened>(fact.payload.get())) {
      fact.episode = opened->episode();
      fact.must_be_told = true;
    }
    if (const auto* returned = As<v1::YouthReturned>(fact.payload.get())) {
      fact.episode = returned->episode();
      fact.must_be_told = true;
    }
    if (const auto* closed = As<v1::EpisodeClosed>(fact.payload.get())) {
      fact.episode = closed->episode();
      fact.must_be_told = closed->episode().close_reason() != v1::CLOSE_REASON_RETURNED;
    }
    if (const auto* updated = As<v1::EpisodeUpdated>(fact.payload.get())) {
      fact.episode = updated->episode();
      fact.must_be_told =
          updated->episode().state() == v1::EPISODE_STATE_MISSING && !updated->changed().empty();
    }
    FoldEvent(fact, counted);
    const std::string record_id = fact.header.record_id();
    events_in_order_[counted.transition.service()].push_back(record_id);
    Expect(events_.emplace(record_id, std::move(fact)).second, "record ids",
           absl::StrCat(Named(counted), "makes an event with an id that is taken"));
  }
}

// Events with an alert or a team's notice have it as it stands after them.
void Truth::FoldEvent(const EventFact& fact, const Counted& counted) {
  if (const auto* made = As<v1::NoticesMade>(fact.payload.get())) {
    auto& notices = notices_[fact.header.episode_id()];
    notices.insert(notices.end(), made->notices().begin(), made->notices().end());
    if (!made->untold_duty_keys().empty()) counters_.Count("nobody to tell");
  }
  const google::protobuf::Descriptor& type = *fact.payload->GetDescriptor();
  if (const auto* field = type.FindFieldByName("alert")) {
    const auto& alert = static_cast<const v1::Alert&>(
        fact.payload->GetReflection()->GetMessage(*fact.payload, field));
    v1::Alert& known = alerts_[alert.alert_id()];
    CheckPages(known, alert, counted);
    alerts_seen_at_.try_emplace(alert.alert_id(), clock_.Now());
    if (known.state() == v1::ALERT_STATE_UNSPECIFIED)
      counters_.Count(absl::StrCat("alert: ", v1::AlertKind_Name(alert.kind())));
    if (alert.level() > known.level() && known.level() > 0) counters_.Count("escalated");
    if (alert.state() == v1::ALERT_STATE_ACKNOWLEDGED && known.state() != alert.state())
      counters_.Count("acknowledged");
    if (alert.state() == v1::ALERT_STATE_SILENCED && known.state() != alert.state())
      counters_.Count("silenced");
    known = alert;
  }
  if (const auto* field = type.FindFieldByName("notice");
      field != nullptr && field->message_type() == v1::TeamNotice::descriptor()) {
    const auto& notice = static_cast<const v1::TeamNotice&>(
        fact.payload->GetReflection()->GetMessage(*fact.payload, field));
    team_notices_[notice.notice_id()] = notice;
  }
}

// Whoever is paged is on call then, and nobody is once the alert is over.
void Truth::CheckPages(const v1::Alert& before, const v1::Alert& after, const Counted& counted) {
  const v1::Transition& transition = counted.transition;
  for (const v1::AlertPage& page : after.pages()) {
    const bool is_new = std::any_of(
        transition.deliveries().begin(), transition.deliveries().end(),
        [&](const auto& delivery) { return delivery.delivery_id() == page.delivery_id(); });
    if (!is_new) continue;
    Expect(before.state() == v1::ALERT_STATE_UNSPECIFIED || before.state() == v1::ALERT_STATE_OPEN,
           "no page after an acknowledgement",
           absl::StrCat(Named(counted), "pages for ", after.alert_id(), ", which is over"));
    if (page.level() == 0) continue;
    const auto directory = directories_.find(transition.reference_sequence());
    const std::vector<std::string> people = PeopleOnCall(
        directory->second, after.role(), page.level(), FromProto(transition.decided_at()));
    Expect(std::find(people.begin(), people.end(), page.person_id()) != people.end(),
           "only who is on call is paged",
           absl::StrCat(Named(counted), "pages ", page.person_id(), " at level ", page.level()));
  }
}

}  // namespace porchlight::sim
