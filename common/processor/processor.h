// The heart: takes the inputs of one partition of one service, lets the pure rules decide, and
// commits by one append to the log. What was decided takes effect (deliveries, outcomes) only once
// it counts. Nothing in here may call outside before that, or remember anything that the log can't
// tell again.
//
//   Decide() -> append the request to the log -> Complete() -> OfferDue(), Project(),
//   TellOutcomes()
//
// A lost race, a lost answer, a crash at any point: fold what the log says, and decide again.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/blob/blob.h"
#include "common/delivery/dispatcher.h"
#include "common/log/chain.h"
#include "common/processor/aggregates.h"
#include "common/processor/figures.h"
#include "common/processor/outcomes.h"
#include "common/processor/partition_view.h"
#include "common/processor/projector.h"
#include "common/processor/reference.h"
#include "common/processor/rules.h"
#include "porchlight/v1/delivery.pb.h"

namespace porchlight {

struct ProcessorPorts {
  Log& log;
  Store& store;
  Keys& keys;
  const Clock& clock;
  Outcomes& outcomes;
  Dispatcher& dispatcher;
  const Reference& reference;
  Blob* blob = nullptr;
};

// Whether position `a` of a source is beyond `b`.
bool IsAhead(const v1::Position& a, const v1::Position& b);

// One partition's. Not thread-safe.
class Processor {
 public:
  Processor(const Rules& rules, ProcessorPorts ports, std::string agency_id, int32_t partition);

  // Folds store and log to the log's end. DataLoss: the log is damaged or was cut short; the text
  // says what to do.
  absl::Status Start();
  bool started() const { return started_; }

  void OnAnswer(AttemptResult result) { answers_.push_back(std::move(result)); }

  // Decides on what has come; nothing to append if nothing has. Every request must be followed by
  // Complete.
  std::optional<AppendRequest> Decide();
  void Complete(const AppendResult& result);

  // Hands deliveries that are due to the dispatcher. True if there were any.
  bool OfferDue();
  // Brings the store nearer to the log's end. True if it did.
  bool Project();
  void TellOutcomes();

  // When time alone will give it something to do.
  absl::Time NextDue() const;
  // Why inputs wait, if they do: a port that is away, or a record that this version can't read.
  const absl::Status& trouble() const { return trouble_; }
  const PartitionView& view() const { return *view_; }
  const ChainTail& tail() const { return reader_->tail(); }
  uint64_t lost_races() const { return lost_races_; }
  // Its own part of the worker's.
  void AddTo(Figures& figures);
  void AddCounts(Figures& figures) const;

 private:
  // Records before `end` were there at that time.
  struct SeenUntil {
    int64_t end = 0;
    absl::Time at;
  };
  struct Source {
    TopicPartition where;
    bool chained = false;  // another service's events; otherwise commands
    bool watched = false;  // another service's commands
    v1::Position at;
    v1::Position written;           // as the partition's transitions have it
    std::vector<SeenUntil> seen{};  // in order, from `at` on
  };
  // Decided, not yet known to count.
  struct Batch {
    ChainTail tail;
    std::vector<Counted> transitions;
    std::map<std::string, std::shared_ptr<Aggregate>> aggregates;
    std::vector<v1::RememberedOutcome> outcomes;
    std::vector<Source> sources;
    size_t answers_taken = 0;
  };
  // One input with all that its transition needs.
  struct Item {
    Input input;
    v1::InputReference reference;
    std::string content_digest;                  // of a command
    std::optional<v1::DeliveryAttempt> attempt;  // of a delivery
    std::string timer_fired;
    absl::Status unreadable;  // of a command whose payload can't be opened
  };

  bool NothingCame(int64_t end) const;
  bool Refold();
  void DropRecorded(const v1::Transition& transition);
  void DecideAnswers();
  void DecideExpired();
  void DecideTimers();
  bool MovedInBatch(const PartitionView::DueTimer& due) const;
  void DecideCommands(Source& source);
  void DecideEvents(Source& source);
  void DecideWatched(Source& source);
  // Since when the next one has been there at the latest.
  static absl::Time SeenSince(Source& source, int64_t end, absl::Time now);
  bool HeardAllEvents() const;
  bool DecideSourceEvent(const Counted& counted, int index);
  // An event, or a command that is watched.
  bool DecideHeard(const v1::Record& record, v1::RecordHeader header);
  // False: a port is away; the input must come again.
  bool DecideOne(Item item);
  // On `aggregate`, which Working gave.
  bool DecideOn(Item item, std::shared_ptr<Aggregate> aggregate);
  Decision DecideReplayRequest(Item& item, Aggregate& aggregate,
                               const v1::ReplayDeadLetterRequest& request);
  bool Append(Item& item, Decision decision, std::shared_ptr<Aggregate> aggregate);
  void FillEvents(const Item& item, Decision& decision, const Key& key,
                  v1::Transition& transition) const;
  void FillDeliveries(const Item& item, Decision& decision, const Key& key,
                      v1::Transition& transition) const;
  void FillOutcome(const Item& item, const Decision& decision, const Key& key,
                   const std::string& sealed_for, v1::Transition& transition) const;
  v1::RecordHeader HeaderFor(const Item& item) const;
  // A copy of the aggregate as the batch leaves it: a decision that can't be finished is thrown
  // away.
  absl::StatusOr<std::shared_ptr<Aggregate>> Working(const std::string& aggregate_id);
  absl::StatusOr<Outgoing> MakeOutgoing(const v1::DeliveryStatus& status);
  // A photo that can't be read holds no message up: the text then says so.
  void FillPhotos(v1::Message& message) const;
  void ResetSources();
  absl::Status CheckNotCutShort(const v1::Checkpoint& checkpoint);
  absl::Status CheckSourcesNotCutShort() const;
  absl::Status FoldFrom(const v1::Checkpoint& checkpoint);
  bool Trouble(const absl::Status& status);

  const Rules& rules_;
  ProcessorPorts ports_;
  const std::string agency_id_;
  const TopicPartition events_;
  const AggregateFolder folder_;

  bool started_ = false;
  bool must_refold_ = false;
  std::unique_ptr<PartitionView> view_;
  std::unique_ptr<Aggregates> aggregates_;
  std::optional<ChainReader> reader_;
  Projector projector_;
  std::vector<Source> sources_;
  std::deque<AttemptResult> answers_;
  std::optional<Batch> batch_;
  std::vector<v1::RememberedOutcome> to_tell_;
  absl::Time now_;  // of the batch being decided
  // When it was last up to date or got further; and since when that has been so all along.
  absl::Time decided_at_ = absl::InfinitePast();
  absl::Time deciding_since_ = absl::InfiniteFuture();
  // When the next watched command is old enough.
  absl::Time watch_at_ = absl::InfiniteFuture();
  absl::Duration resume_at_ = -absl::InfiniteDuration();        // by Clock::Steady
  absl::Duration project_at_ = -absl::InfiniteDuration();       // by Clock::Steady
  absl::Duration project_next_at_ = -absl::InfiniteDuration();  // by Clock::Steady
  absl::Duration ask_store_at_ = -absl::InfiniteDuration();     // by Clock::Steady
  absl::Status trouble_;
  absl::Status store_trouble_;
  uint64_t lost_races_ = 0;
  uint64_t transitions_ = 0;
};

}  // namespace porchlight
