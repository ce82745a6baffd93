#include "tests/support/world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/privacy/sealing.h"
#include "porchlight/v1/delivery.pb.h"

namespace porchlight {
namespace {

// What no caller waits for comes into a store a moment after it was decided.
constexpr absl::Duration kInTheStoreAfter = absl::Milliseconds(100);

std::vector<std::string> TakeFrom(const MemoryChannel& channel, size_t& seen) {
  std::vector<std::string> lines;
  const std::vector<MemoryChannel::Sent> sent = channel.sent();
  for (; seen < sent.size(); ++seen) {
    const Outgoing& outgoing = sent[seen].outgoing;
    lines.push_back(
        absl::StrCat(outgoing.recipient.recipient_id(), ": ",
                     outgoing.message.subject().substr(0, outgoing.message.subject().find(" ("))));
  }
  return lines;
}

}  // namespace

World::World()
    : World({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
             TestRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC),
             TestRecipient("supervisor", v1::RECIPIENT_KIND_SUPERVISOR)}) {}

World::World(std::vector<v1::Recipient> recipients)
    : notification_rules({.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}),
      mdt_rules({.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}),
      oncall_rules({.agency_name = "Example County",
                    .time_zone = absl::UTCTimeZone(),
                    .public_url = "https://porchlight.example"}) {
  Restart();
  if (!recipients.empty()) SetDirectory(recipients);
}

void World::SetDirectory(const std::vector<v1::Recipient>& recipients) {
  v1::Directory wanted;
  for (const v1::Recipient& recipient : recipients) *wanted.add_recipients() = recipient;
  SetDirectory(wanted);
}

void World::SetDirectory(const v1::Directory& wanted) {
  v1::ChangeDirectoryRequest change;
  *change.mutable_set() = wanted;
  const v1::Directory before = Directory();
  const auto remove = [](const auto& entries, const auto& kept, auto* removed) {
    for (const auto& entry : entries) {
      const bool stays = std::any_of(kept.begin(), kept.end(),
                                     [&](const auto& one) { return IdOf(one) == IdOf(entry); });
      if (!stays) removed->Add(std::string(IdOf(entry)));
    }
  };
  remove(before.recipients(), wanted.recipients(), change.mutable_recipients_removed());
  remove(before.rotas(), wanted.rotas(), change.mutable_rotas_removed());
  remove(before.overrides(), wanted.overrides(), change.mutable_overrides_removed());
  remove(before.rosters(), wanted.rosters(), change.mutable_rosters_removed());
  const auto changed = ChangeDirectory(absl::StrCat("directory-", ++directories_set_), change);
  ASSERT_TRUE(changed.ok()) << changed.status();
}

absl::StatusOr<v1::ChangeDirectoryReply> World::ChangeDirectory(
    const std::string& request_id, v1::ChangeDirectoryRequest request) {
  request.set_request_id(request_id);
  v1::ChangeDirectoryReply reply;
  const absl::Status status =
      Submit("directory", {.request_id = request_id, .youth_id = ""}, request, reply);
  if (!status.ok()) return status;
  return reply;
}

v1::Directory World::Directory() {
  Reference reference(log, keys);
  EXPECT_EQ(reference.Step(), absl::OkStatus());
  return reference.directory();
}

void World::Restart() {
  for (auto* worker : {&directory, &intake, &notification, &screening, &mdt, &oncall})
    worker->reset();
  const auto start = [&](const Rules& rules, Store& store, int32_t partitions) {
    const bool pages_people = rules.service() == "oncall";
    auto worker = std::make_unique<Worker>(
        rules,
        WorkerPorts{log,
                    store,
                    keys,
                    clock,
                    outcomes_[std::string(rules.service())],
                    {{v1::CHANNEL_KIND_FOLDER, pages_people ? pages : channel},
                     {v1::CHANNEL_KIND_SMS, pages_people ? pages : channel}},
                    &blob},
        WorkerOptions{.agency_id = kTestAgency, .partitions = partitions, .dispatcher = {}});
    EXPECT_EQ(worker->Start(), absl::OkStatus());
    return worker;
  };
  directory = start(directory_rules, directory_store, 1);
  intake = start(intake_rules, intake_store, kPartitions);
  notification = start(notification_rules, notification_store, kPartitions);
  screening = start(screening_rules, screening_store, kPartitions);
  mdt = start(mdt_rules, mdt_store, kPartitions);
  oncall = start(oncall_rules, oncall_store, kPartitions);
}

std::vector<Worker*> World::Workers() const {
  const std::vector<std::pair<const char*, Worker*>> all = {{"directory", directory.get()},
                                                            {"intake", intake.get()},
                                                            {"notification", notification.get()},
                                                            {"screening", screening.get()},
                                                            {"mdt", mdt.get()},
                                                            {"oncall", oncall.get()}};
  std::vector<Worker*> alive;
  for (const auto& [name, worker] : all) {
    if (dead_.count(name) == 0) alive.push_back(worker);
  }
  return alive;
}

void World::Settle() {
  for (int quiet = 0, steps = 0; quiet < 2; ++steps) {
    ASSERT_LT(steps, 100'000) << "the services never come to rest";
    channel->Step();
    pages->Step();
    bool did = false;
    for (Worker* worker : Workers()) did = worker->Step() || did;
    quiet = did ? 0 : quiet + 1;
  }
}

void World::Advance(absl::Duration by) {
  const absl::Time until = clock.Now() + by;
  Settle();
  while (clock.Now() < until) {
    absl::Time due = std::min({until, channel->next_step(), pages->next_step()});
    for (const Worker* worker : Workers()) due = std::min(due, worker->NextDue());
    clock.Advance(std::max(due - clock.Now(), absl::Milliseconds(1)));
    Settle();
  }
}

absl::Status World::Submit(const std::string& service, Command command,
                           const google::protobuf::Message& payload,
                           google::protobuf::Message& reply) {
  Outcomes& outcomes = outcomes_[service];
  // The edge would wait for the outcome while the workers run; here they run in between, so it is
  // asked twice.
  Commands commands(service, log, keys, outcomes, kTestAgency,
                    service == "directory" ? 1 : kPartitions);
  command.received_at = clock.Now();
  command.longest_wait = absl::ZeroDuration();
  const std::string key =
      Outcomes::KeyOf(commands.IdOf(command.youth_id, command.request_id), ContentDigest(payload));
  outcomes.Expect(key);
  absl::Status submitted = commands.Submit(command, payload, reply);
  if (!absl::IsUnavailable(submitted)) return submitted;
  Settle();
  submitted = commands.Submit(command, payload, reply);
  outcomes.Forget(key);
  Settle();
  return submitted;
}

absl::StatusOr<v1::ReportMissingReply> World::Report(const std::string& request_id,
                                                     v1::ReportMissingRequest request) {
  Commands commands("intake", log, keys, outcomes_["intake"], kTestAgency, kPartitions);
  request.set_request_id(request_id);
  if (request.youth_id().empty()) request.set_youth_id(commands.YouthFor(request_id));
  v1::ReportMissingReply reply;
  const absl::Status status = Submit(
      "intake",
      {.request_id = request_id, .youth_id = request.youth_id(), .exercise = request.exercise()},
      request, reply);
  if (!status.ok()) return status;
  return reply;
}

absl::StatusOr<v1::RecordReturnReply> World::Return(const std::string& request_id,
                                                    const std::string& episode_id) {
  v1::RecordReturnRequest request;
  request.set_request_id(request_id);
  request.set_episode_id(episode_id);
  v1::RecordReturnReply reply;
  const absl::Status status = Submit("intake",
                                     {.request_id = request_id,
                                      .youth_id = std::string(YouthOf(episode_id)),
                                      .episode_id = episode_id},
                                     request, reply);
  if (!status.ok()) return status;
  return reply;
}

absl::Status World::Replay(const std::string& request_id, const std::string& delivery_id) {
  v1::ReplayDeadLetterRequest request;
  request.set_request_id(request_id);
  request.set_delivery_id(delivery_id);
  v1::ReplayDeadLetterReply reply;
  return Submit("notification",
                {.request_id = request_id, .youth_id = std::string(YouthOf(delivery_id))}, request,
                reply);
}

template <typename State>
State World::Load(const Rules& rules, Store& store, const std::string& episode_id) {
  Advance(kInTheStoreAfter);
  const auto aggregate = States(rules, store, keys, kPartitions).Load(episode_id);
  return aggregate.ok() ? static_cast<const State&>(*aggregate->rules_state) : State();
}

v1::NotificationState World::Notices(const std::string& episode_id) {
  return Load<v1::NotificationState>(notification_rules, notification_store, episode_id);
}

v1::ScreeningState World::Screening(const std::string& episode_id) {
  return Load<v1::ScreeningState>(screening_rules, screening_store, episode_id);
}

v1::MdtState World::Team(const std::string& episode_id) {
  return Load<v1::MdtState>(mdt_rules, mdt_store, episode_id);
}

v1::OncallState World::Oncall(const std::string& youth_id) {
  return Load<v1::OncallState>(oncall_rules, oncall_store, youth_id);
}

std::vector<v1::DeliveryStatus> World::Deliveries(const std::string& episode_id) {
  Advance(kInTheStoreAfter);
  const auto aggregate =
      States(notification_rules, notification_store, keys, kPartitions).Load(episode_id);
  if (!aggregate.ok()) return {};
  return {aggregate->kept.deliveries().begin(), aggregate->kept.deliveries().end()};
}

std::vector<std::string> World::TakeSent() { return TakeFrom(*channel, sent_seen_); }

std::vector<std::string> World::TakePages() { return TakeFrom(*pages, pages_seen_); }

}  // namespace porchlight
