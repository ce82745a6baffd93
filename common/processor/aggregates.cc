#include "common/processor/aggregates.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/delivery/delivery.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

// Settled deliveries remembered in one aggregate; those pending and dead all are.
constexpr int kSettledDeliveriesKeptMax = 50;

// The state of one aggregate can't be put in the place of another's.
std::string Associated(absl::string_view aggregate_id) {
  return absl::StrCat("state/", aggregate_id);
}

absl::StatusOr<Key> StateKey(Keys& keys, absl::string_view aggregate_id) {
  return keys.GetOrCreate(KeyName(YouthOf(aggregate_id)));
}

bool IsSettled(const v1::DeliveryStatus& delivery) {
  return delivery.state() == v1::DELIVERY_STATE_DELIVERED ||
         delivery.state() == v1::DELIVERY_STATE_WITHDRAWN;
}

// The oldest first: what sends for months stays small.
void ForgetOldDeliveries(v1::AggregateState& kept) {
  auto& deliveries = *kept.mutable_deliveries();
  auto surplus =
      std::count_if(deliveries.begin(), deliveries.end(), IsSettled) - kSettledDeliveriesKeptMax;
  if (surplus <= 0) return;
  deliveries.erase(std::remove_if(deliveries.begin(), deliveries.end(),
                                  [&](const v1::DeliveryStatus& delivery) {
                                    return IsSettled(delivery) && surplus-- > 0;
                                  }),
                   deliveries.end());
}

}  // namespace

const v1::RememberedOutcome* Aggregate::FindOutcome(absl::string_view command_id) const {
  for (const v1::RememberedOutcome& outcome : kept.outcomes()) {
    if (outcome.command_id() == command_id) return &outcome;
  }
  return nullptr;
}

std::optional<v1::RememberedOutcome> Aggregate::OutcomeFor(
    absl::string_view command_id, const std::string& content_digest) const {
  const v1::RememberedOutcome* before = FindOutcome(command_id);
  if (before == nullptr) return std::nullopt;
  v1::RememberedOutcome outcome = *before;
  if (content_digest.empty() || before->body().content_digest() == content_digest) return outcome;
  outcome.clear_body();
  outcome.set_code(static_cast<int>(absl::StatusCode::kAlreadyExists));
  outcome.mutable_body()->set_content_digest(content_digest);
  outcome.mutable_body()->set_error(
      "this request id was used before with other content; nothing was changed. Use a new "
      "request id for a new report.");
  return outcome;
}

v1::DeliveryStatus* Aggregate::FindDelivery(absl::string_view delivery_id) {
  for (v1::DeliveryStatus& delivery : *kept.mutable_deliveries()) {
    if (delivery.delivery_id() == delivery_id) return &delivery;
  }
  return nullptr;
}

Aggregate AggregateFolder::Empty() const {
  return {.kept = {}, .rules_state = rules_.NewState(), .offset = -1};
}

Aggregate AggregateFolder::Copy(const Aggregate& aggregate) const {
  Aggregate copy{
      .kept = aggregate.kept, .rules_state = rules_.NewState(), .offset = aggregate.offset};
  copy.rules_state->CopyFrom(*aggregate.rules_state);
  return copy;
}

absl::Status AggregateFolder::Fold(Aggregate& aggregate, const Counted& counted) const {
  const v1::Transition& transition = counted.transition;
  for (const v1::Record& record : transition.events()) {
    const absl::StatusOr<OpenedRecord> event = OpenRecord(keys_, record);
    if (absl::IsFailedPrecondition(event.status())) continue;  // its key was destroyed
    if (!event.ok()) return event.status();
    rules_.Evolve(*aggregate.rules_state, {event->header, *event->payload});
  }
  if (transition.has_outcome()) {
    const absl::StatusOr<OpenedRecord> body = OpenRecord(keys_, transition.outcome().body());
    if (!body.ok() && !absl::IsFailedPrecondition(body.status())) return body.status();
    v1::RememberedOutcome& outcome = *aggregate.kept.add_outcomes();
    outcome.set_command_id(transition.outcome().command_id());
    outcome.set_code(transition.outcome().code());
    if (body.ok()) outcome.mutable_body()->CopyFrom(*body->payload);
    const int surplus = aggregate.kept.outcomes_size() - static_cast<int>(kOutcomesKeptMax);
    if (surplus > 0) aggregate.kept.mutable_outcomes()->DeleteSubrange(0, surplus);
  }
  for (int i = 0; i < transition.deliveries_size(); ++i) {
    *aggregate.kept.add_deliveries() = FoldMade(transition, counted.offset, i);
  }
  for (const v1::DeliveryAttempt& attempt : transition.attempts()) {
    v1::DeliveryStatus* delivery = aggregate.FindDelivery(attempt.delivery_id());
    if (delivery != nullptr) FoldAttempt(*delivery, attempt);
  }
  ForgetOldDeliveries(aggregate.kept);
  aggregate.kept.set_aggregate_sequence(transition.aggregate_sequence());
  aggregate.kept.set_last_hash(counted.record.hash());
  aggregate.kept.set_active(transition.active());
  aggregate.offset = counted.offset;
  return absl::OkStatus();
}

absl::StatusOr<StoredAggregate> AggregateFolder::Seal(const std::string& aggregate_id,
                                                      const Aggregate& aggregate) const {
  StoredAggregate stored{.aggregate_id = aggregate_id,
                         .offset = aggregate.offset,
                         .active = aggregate.kept.active(),
                         .sealed_state = {}};
  v1::AggregateState state = aggregate.kept;
  aggregate.rules_state->SerializeToString(state.mutable_rules_state());
  const absl::StatusOr<Key> key = StateKey(keys_, aggregate_id);
  if (absl::IsFailedPrecondition(key.status()))
    return stored;  // destroyed: nothing of it may be kept
  if (!key.ok()) return key.status();
  stored.sealed_state = porchlight::Seal(*key, state.SerializeAsString(), Associated(aggregate_id));
  return stored;
}

absl::StatusOr<Aggregate> AggregateFolder::Unseal(const StoredAggregate& stored) const {
  const absl::StatusOr<Key> key = StateKey(keys_, stored.aggregate_id);
  if (!key.ok()) return key.status();
  const absl::StatusOr<std::string> plain =
      Open(*key, stored.sealed_state, Associated(stored.aggregate_id));
  if (!plain.ok()) return plain.status();
  Aggregate aggregate = Empty();
  if (!aggregate.kept.ParseFromString(*plain) ||
      !aggregate.rules_state->ParseFromString(aggregate.kept.rules_state())) {
    return absl::DataLossError("a stored state can't be parsed");
  }
  aggregate.kept.clear_rules_state();
  aggregate.offset = stored.offset;
  return aggregate;
}

absl::StatusOr<AggregatePointer> Aggregates::Load(const std::string& aggregate_id) {
  if (AggregatePointer cached = Cached(aggregate_id)) {
    recency_.splice(recency_.begin(), recency_, cache_.at(aggregate_id).recency);
    return cached;
  }
  const int64_t head = view_.Head(aggregate_id);
  if (head < 0) return std::make_shared<const Aggregate>(folder_.Empty());
  absl::StatusOr<Aggregate> fetched = Fetch(aggregate_id, head);
  if (!fetched.ok()) return fetched.status();
  auto aggregate = std::make_shared<const Aggregate>(*std::move(fetched));
  Put(aggregate_id, aggregate);
  return AggregatePointer(aggregate);
}

// The store's state, if it has one that isn't ahead of us, then what the log has after it.
absl::StatusOr<Aggregate> Aggregates::Fetch(const std::string& aggregate_id, int64_t head) const {
  Aggregate aggregate = folder_.Empty();
  if (absl::StatusOr<StoredAggregate> stored = store_.Load(events_.partition, aggregate_id);
      stored.ok() && stored->offset <= head) {
    absl::StatusOr<Aggregate> unsealed = folder_.Unseal(*stored);
    if (unsealed.ok()) aggregate = *std::move(unsealed);
  }
  std::vector<Counted> later;  // newest first
  int64_t offset = head;
  std::string hash;  // empty: whatever stands at `offset`
  while (aggregate.offset != head) {
    absl::StatusOr<Counted> found = Find(offset, hash);
    if (!found.ok()) return found.status();
    if (found->transition.aggregate_id() != aggregate_id) {
      return absl::DataLossError(absl::StrCat("the link to transition ", offset, " of ",
                                              events_.topic, "/", events_.partition,
                                              " leads to another aggregate"));
    }
    offset = found->transition.aggregate_previous_offset();
    hash = found->transition.aggregate_previous_hash();
    later.push_back(*std::move(found));
    if (hash.empty()) aggregate = folder_.Empty();  // what the store had was not of this history
    if (hash.empty() || hash == aggregate.kept.last_hash()) break;
  }
  for (auto next = later.rbegin(); next != later.rend(); ++next) {
    if (absl::Status folded = folder_.Fold(aggregate, *next); !folded.ok()) return folded;
  }
  return aggregate;
}

// The transition of this hash, which stands at `from_offset` or later; with no hash, the one at
// `from_offset`.
absl::StatusOr<Counted> Aggregates::Find(int64_t from_offset, absl::string_view hash) const {
  for (int64_t offset = from_offset;; ++offset) {
    absl::StatusOr<std::vector<std::string>> read = log_.Read(events_, offset, {.records_max = 1});
    if (!read.ok()) return read.status();
    Counted found{.offset = offset, .record = {}, .transition = {}};
    if (read->empty() || !found.record.ParseFromString(read->front())) break;
    if (!hash.empty() && found.record.hash() != hash) continue;
    if (!found.transition.ParseFromString(found.record.content())) break;
    return found;
  }
  return absl::DataLossError(
      absl::StrCat("transition ", from_offset, " of ", events_.topic, "/", events_.partition,
                   " is missing or damaged; run `porchlight evidence verify --data DIR`"));
}

AggregatePointer Aggregates::Cached(const std::string& aggregate_id) const {
  const auto found = cache_.find(aggregate_id);
  return found == cache_.end() ? nullptr : found->second.aggregate;
}

void Aggregates::Put(const std::string& aggregate_id, AggregatePointer aggregate) {
  Forget(aggregate_id);
  recency_.push_front(aggregate_id);
  cache_[aggregate_id] = {std::move(aggregate), recency_.begin()};
  if (cache_.size() > kAggregatesCachedMax) Forget(std::string(recency_.back()));
}

void Aggregates::Forget(const std::string& aggregate_id) {
  const auto found = cache_.find(aggregate_id);
  if (found == cache_.end()) return;
  recency_.erase(found->second.recency);
  cache_.erase(found);
}

}  // namespace porchlight
