#include "tests/support/world.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/privacy/sealing.h"
#include "porchlight/v1/delivery.pb.h"

namespace porchlight {
namespace {

// What no caller waits for comes into a store a moment after it was decided.
constexpr absl::Duration kInTheStoreAfter = absl::Milliseconds(100);

}  // namespace

World::World()
    : World({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
             TestRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC),
             TestRecipient("supervisor", v1::RECIPIENT_KIND_SUPERVISOR)}) {}

World::World(std::vector<v1::Recipient> recipients)
    : notification_rules({.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}) {
  Restart();
  if (!recipients.empty()) SetDirectory(recipients);
}

void World::SetDirectory(const std::vector<v1::Recipient>& recipients) {
  v1::ChangeDirectoryRequest change;
  std::set<std::string> ids;
  for (const v1::Recipient& recipient : recipients) {
    *change.mutable_set()->add_recipients() = recipient;
    ids.insert(recipient.recipient_id());
  }
  const v1::Directory before = Directory();
  for (const v1::Recipient& recipient : before.recipients()) {
    if (!ids.contains(recipient.recipient_id())) {
      change.add_recipients_removed(recipient.recipient_id());
    }
  }
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
  intake.reset();
  notification.reset();
  directory.reset();
  WorkerOptions options{.agency_id = kTestAgency, .partitions = kPartitions, .dispatcher = {}};
  intake = std::make_unique<Worker>(
      intake_rules, WorkerPorts{log, intake_store, keys, clock, intake_outcomes_, {}}, options);
  notification = std::make_unique<Worker>(notification_rules,
                                          WorkerPorts{log,
                                                      notification_store,
                                                      keys,
                                                      clock,
                                                      notification_outcomes_,
                                                      {{v1::CHANNEL_KIND_FOLDER, channel}}},
                                          options);
  options.partitions = 1;
  directory = std::make_unique<Worker>(
      directory_rules, WorkerPorts{log, directory_store, keys, clock, directory_outcomes_, {}},
      options);
  ASSERT_EQ(directory->Start(), absl::OkStatus());
  ASSERT_EQ(intake->Start(), absl::OkStatus());
  ASSERT_EQ(notification->Start(), absl::OkStatus());
}

void World::Settle() {
  for (int quiet = 0, steps = 0; quiet < 2; ++steps) {
    ASSERT_LT(steps, 100'000) << "the services never come to rest";
    channel->Step();
    bool did = directory->Step();
    did = intake->Step() || did;
    quiet = notification->Step() || did ? 0 : quiet + 1;
  }
}

void World::Advance(absl::Duration by) {
  const absl::Time until = clock.Now() + by;
  Settle();
  while (clock.Now() < until) {
    const absl::Time due = std::min({until, directory->NextDue(), intake->NextDue(),
                                     notification->NextDue(), channel->next_step()});
    clock.Advance(std::max(due - clock.Now(), absl::Milliseconds(1)));
    Settle();
  }
}

absl::Status World::Submit(const std::string& service, Command command,
                           const google::protobuf::Message& payload,
                           google::protobuf::Message& reply) {
  const bool is_directory = service == "directory";
  Outcomes& outcomes = is_directory          ? directory_outcomes_
                       : service == "intake" ? intake_outcomes_
                                             : notification_outcomes_;
  // The edge would wait for the outcome while the workers run; here they run in between, so it is
  // asked twice.
  Commands commands(service, log, keys, outcomes, kTestAgency, is_directory ? 1 : kPartitions);
  command.received_at = clock.Now();
  command.longest_wait = absl::ZeroDuration();
  const std::string key = Outcomes::KeyOf(commands.IdOf(command.youth_id, command.request_id),
                                          ContentDigest(payload));
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
  Commands commands("intake", log, keys, intake_outcomes_, kTestAgency, kPartitions);
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

v1::NotificationState World::Notices(const std::string& episode_id) {
  Advance(kInTheStoreAfter);
  const auto aggregate =
      States(notification_rules, notification_store, keys, kPartitions).Load(episode_id);
  return aggregate.ok() ? static_cast<const v1::NotificationState&>(*aggregate->rules_state)
                        : v1::NotificationState();
}

std::vector<v1::DeliveryStatus> World::Deliveries(const std::string& episode_id) {
  Advance(kInTheStoreAfter);
  const auto aggregate =
      States(notification_rules, notification_store, keys, kPartitions).Load(episode_id);
  if (!aggregate.ok()) return {};
  return {aggregate->kept.deliveries().begin(), aggregate->kept.deliveries().end()};
}

std::vector<std::string> World::TakeSent() {
  std::vector<std::string> lines;
  const std::vector<MemoryChannel::Sent> sent = channel->sent();
  for (; sent_seen_ < sent.size(); ++sent_seen_) {
    const Outgoing& outgoing = sent[sent_seen_].outgoing;
    lines.push_back(
        absl::StrCat(outgoing.recipient.recipient_id(), ": ",
                     outgoing.message.subject().substr(0, outgoing.message.subject().find(" ("))));
  }
  return lines;
}

}  // namespace porchlight
