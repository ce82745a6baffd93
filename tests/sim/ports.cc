#include "tests/sim/ports.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace porchlight::sim {
namespace {

constexpr const char* kPortNames[] = {"log append", "log read", "log end",
                                      "store",      "keys",     "channel"};

}  // namespace

bool Power::Alive(Port port) {
  if (dead_) return false;
  if (environment_.faults && calls_left_ > 0 && --calls_left_ == 0) {
    dead_ = true;
    environment_.counters.Count(absl::StrCat("crash: ", kPortNames[static_cast<int>(port)]));
  }
  return !dead_;
}

void Power::Call(Port port) {
  if (!Alive(port)) throw Crash{};
  if (port != Port::kKeys && environment_.meanwhile) environment_.meanwhile();
}

std::vector<AppendResult> SimLog::Append(std::vector<AppendRequest> requests) {
  power_.Call(Port::kLogAppend);
  std::vector<AppendResult> results = log_.Append(std::move(requests));
  for (const AppendResult& result : results) {
    if (result.outcome == AppendOutcome::kLostRace) environment_.counters.Count("lost race");
    if (result.outcome == AppendOutcome::kRefused) environment_.counters.Count("refused append");
  }
  return results;
}

absl::StatusOr<std::vector<std::string>> SimLog::Read(const TopicPartition& where, int64_t from,
                                                      ReadLimits limits) {
  power_.Call(Port::kLogRead);
  return log_.Read(where, from, limits);
}

absl::StatusOr<int64_t> SimLog::End(const TopicPartition& where) {
  power_.Call(Port::kLogEnd);
  return log_.End(where);
}

absl::StatusOr<v1::Checkpoint> SimStore::Where(int32_t partition) {
  power_.Call(Port::kStore);
  return store_.Where(partition);
}

absl::Status SimStore::Apply(int32_t partition, const StoreBatch& batch) {
  power_.Call(Port::kStore);
  return store_.Apply(partition, batch);
}

absl::StatusOr<StoredAggregate> SimStore::Load(int32_t partition, const std::string& aggregate_id) {
  power_.Call(Port::kStore);
  absl::StatusOr<StoredAggregate> loaded = store_.Load(partition, aggregate_id);
  const auto& aggregates = environment_.truth.chain(service_, partition).aggregates;
  const auto known = aggregates.find(aggregate_id);
  if (known != aggregates.end() && (!loaded.ok() || loaded->offset < known->second.offset))
    environment_.counters.Count("load by back-links");
  return loaded;
}

absl::StatusOr<v1::Checkpoint> SimStore::Visit(int32_t partition, StoreVisitor& visitor) {
  power_.Call(Port::kStore);
  return store_.Visit(partition, visitor);
}

absl::StatusOr<std::vector<v1::Timer>> SimStore::Timers(int32_t partition,
                                                        const std::string& aggregate_id) {
  power_.Call(Port::kStore);
  return store_.Timers(partition, aggregate_id);
}

absl::StatusOr<std::vector<StoredAggregate>> SimStore::List(int32_t partition,
                                                            const ListOptions& options) {
  power_.Call(Port::kStore);
  return store_.List(partition, options);
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> SimStore::DeadLetters(int32_t partition,
                                                                      size_t limit) {
  power_.Call(Port::kStore);
  return store_.DeadLetters(partition, limit);
}

absl::Status SimStore::Wipe(int32_t partition) {
  power_.Call(Port::kStore);
  return store_.Wipe(partition);
}

bool SimKeys::Away() {
  power_.Call(Port::kKeys);
  if (!environment_.Fault(environment_.options.key_away)) return false;
  environment_.counters.Count("key away");
  return true;
}

absl::StatusOr<Key> SimKeys::GetOrCreate(const std::string& name) {
  if (Away()) return absl::UnavailableError("planned fault: the keys are away");
  return environment_.keys.GetOrCreate(name);
}

absl::StatusOr<Key> SimKeys::Get(const std::string& name) {
  if (Away()) return absl::UnavailableError("planned fault: the keys are away");
  return environment_.keys.Get(name);
}

absl::Status SimKeys::Destroy(const std::string& name) { return environment_.keys.Destroy(name); }

void SimChannel::Check(const Outgoing& outgoing) {
  Findings& findings = environment_.findings;
  environment_.truth.CatchUp();
  const auto& deliveries = environment_.truth.deliveries();
  const auto fact = deliveries.find(outgoing.delivery_id);
  if (fact == deliveries.end()) {
    findings.Add("no effect of what doesn't count",
                 absl::StrCat("delivery ", outgoing.delivery_id, " is sent but doesn't count"));
    return;
  }
  if (fact->second.recipient_id != outgoing.recipient.recipient_id())
    findings.Add("repetitions are equal", "a delivery is sent to another recipient");
  if (outgoing.recipient.exercise_only() != outgoing.exercise ||
      outgoing.exercise != fact->second.exercise ||
      absl::StrContains(outgoing.message.text(), "THIS IS AN EXERCISE") != outgoing.exercise) {
    findings.Add("drills", absl::StrCat("delivery ", outgoing.delivery_id, " crosses the line"));
  }
  const std::string content = outgoing.message.SerializeAsString();
  const auto [first, is_first] = environment_.first_sent.emplace(outgoing.delivery_id, content);
  if (!is_first) environment_.counters.Count("sent again");
  if (first->second != content) {
    findings.Add("repetitions are equal",
                 absl::StrCat("delivery ", outgoing.delivery_id, " is sent with other content"));
  }
}

// Never throws, and swallows what a dead process would send: its caller can't be unwound.
void SimChannel::Send(Outgoing outgoing, Answered done) {
  if (!power_.Alive(Port::kChannel)) return;
  Check(outgoing);
  const std::string recipient_id = outgoing.recipient.recipient_id();
  const std::string delivery_id = outgoing.delivery_id;
  environment_.channel.Next(recipient_id, environment_.DrawScript(recipient_id));
  environment_.channel.Send(std::move(outgoing),
                            [environment = &environment_, failures = failures_, recipient_id,
                             delivery_id, done = std::move(done)](ChannelAnswer answer) mutable {
                              ++environment->answers[delivery_id][answer.answer];
                              const bool answered = answer.answer == v1::DELIVERY_ANSWER_ACCEPTED ||
                                                    answer.answer == v1::DELIVERY_ANSWER_REFUSED;
                              int& in_a_row = (*failures)[recipient_id];
                              in_a_row = answered ? 0 : in_a_row + 1;
                              if (in_a_row == 5) environment->counters.Count("breaker opened");
                              done(std::move(answer));
                            });
}

MemoryChannel::Script Environment::DrawScript(const std::string& recipient_id) {
  MemoryChannel::Script script = MemoryChannel::Accept();
  if (Fault(options.retry)) script = MemoryChannel::Retry();
  if (Fault(options.unknown_arrived)) script = MemoryChannel::UnknownThoughArrived();
  if (Fault(options.unknown_lost)) script = MemoryChannel::UnknownAndLost();
  if (Fault(options.refused)) script = MemoryChannel::Refuse();
  if (faults && recipient_id == dead_recipient) script = MemoryChannel::Retry(0);
  script.answer.text = absl::StrCat("no ", kMarker, " here");
  if (Fault(options.slow))
    script = script.After(absl::Milliseconds(static_cast<int64_t>(1 + random.Below(40'000))));
  if (Fault(options.never)) script = script.Held();
  return script;
}

}  // namespace porchlight::sim
