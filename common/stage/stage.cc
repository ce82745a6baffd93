#include "common/stage/stage.h"

#include <algorithm>
#include <utility>

#include "common/base/hash.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

constexpr int kStepsMax = 100'000;

}  // namespace

Stage::Stage(std::string agency_id, absl::Time begins, LostRaces lost_races, uint64_t seed)
    : clock(begins), log(lost_races), keys(seed), agency_id_(std::move(agency_id)) {}

void Stage::Add(const Rules& rules, int32_t partitions, const std::string& channel) {
  const std::string service(rules.service());
  if (!channels_.contains(channel)) channels_[channel] = std::make_shared<MemoryChannel>(clock);
  auto part = std::make_unique<Part>();
  part->rules = &rules;
  part->partitions = partitions;
  part->channel = channel;
  Start(*part);
  parts_[service] = std::move(part);
  order_.push_back(service);
}

void Stage::Start(Part& part) {
  part.worker.reset();
  part.outcomes = std::make_unique<Outcomes>();
  Dispatcher::Channels channels;
  for (const auto kind : {v1::CHANNEL_KIND_WEBHOOK, v1::CHANNEL_KIND_EMAIL, v1::CHANNEL_KIND_FOLDER,
                          v1::CHANNEL_KIND_SMS, v1::CHANNEL_KIND_VOICE}) {
    channels[kind] = channels_.at(part.channel);
  }
  part.worker = std::make_unique<Worker>(
      *part.rules, WorkerPorts{log, part.store, keys, clock, *part.outcomes, std::move(channels)},
      WorkerOptions{.agency_id = agency_id_, .partitions = part.partitions, .dispatcher = {}});
  rests_ = part.worker->Start().ok() && rests_;
}

void Stage::Restart() {
  for (const std::string& service : order_) parts_.at(service)->worker.reset();
  for (const std::string& service : order_) Start(*parts_.at(service));
}

void Stage::LeaveOut(const std::string& service, bool left_out) {
  part(service).left_out = left_out;
}

void Stage::Settle() {
  for (int quiet = 0, steps = 0; quiet < 2; ++steps) {
    rests_ = rests_ && steps < kStepsMax;
    if (!rests_) return;
    for (const auto& [name, channel] : channels_) channel->Step();
    bool did = false;
    for (const std::string& service : order_) {
      Part& next = *parts_.at(service);
      did = (!next.left_out && next.worker->Step()) || did;
    }
    quiet = did ? 0 : quiet + 1;
  }
}

void Stage::Advance(absl::Duration by) {
  const absl::Time until = clock.Now() + by;
  Settle();
  while (clock.Now() < until && rests_) {
    absl::Time due = until;
    for (const auto& [name, channel] : channels_) due = std::min(due, channel->next_step());
    for (const auto& [service, next] : parts_) {
      if (!next->left_out) due = std::min(due, next->worker->NextDue());
    }
    clock.Advance(std::max(due - clock.Now(), absl::Milliseconds(1)));
    Settle();
  }
}

// The edge would wait for the outcome while the workers run; here they run in between, so it is
// asked twice.
absl::Status Stage::Submit(const std::string& service, Command command,
                           const google::protobuf::Message& payload,
                           google::protobuf::Message& reply) {
  Part& owner = part(service);
  Commands commands(service, log, keys, *owner.outcomes, agency_id_, owner.partitions);
  command.received_at = clock.Now();
  command.longest_wait = absl::ZeroDuration();
  const std::string key =
      Outcomes::KeyOf(commands.IdOf(command.youth_id, command.request_id), ContentDigest(payload));
  owner.outcomes->Expect(key);
  absl::Status submitted = commands.Submit(command, payload, reply);
  if (!absl::IsUnavailable(submitted)) return submitted;
  Settle();
  submitted = commands.Submit(command, payload, reply);
  owner.outcomes->Forget(key);
  Settle();
  return submitted;
}

States Stage::states(const std::string& service) {
  Part& of = part(service);
  return {*of.rules, of.store, keys, of.partitions};
}

}  // namespace porchlight
