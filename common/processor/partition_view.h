// What a processor keeps of its partition in memory: a fold of the transitions that needs no key.
// About 50 bytes for each aggregate ever seen, 300 for each pending timer, 500 for each pending
// delivery (`make bench`). Store and log can be away and it still knows what is open and when.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "common/log/chain.h"
#include "common/store/store.h"

namespace porchlight {

class PartitionView final : public StoreVisitor {
 public:
  struct DueTimer {
    std::string aggregate_id;
    v1::Timer timer;
  };

  PartitionView() = default;
  PartitionView(PartitionView&&) = default;
  PartitionView& operator=(PartitionView&&) = default;

  // From a store's checkpoint.
  void Aggregate(absl::string_view aggregate_id, int64_t offset) override;
  void Timer(const StoredTimer& timer) override;
  void Delivery(const v1::DeliveryStatus& delivery) override;
  void Positions(const v1::Checkpoint& checkpoint);

  // The partition's next counted transition.
  void Fold(const Counted& counted);

  // Offset of the aggregate's last transition; -1 for none.
  int64_t Head(absl::string_view aggregate_id) const;
  std::optional<v1::Position> PositionOf(const TopicPartition& source) const;

  // At most `limit` that are due, the earliest first.
  std::vector<DueTimer> DueTimers(absl::Time now, size_t limit) const;

  // Pending deliveries are either waiting (for their time) or offered (to the dispatcher). At most
  // kOffersPerRecipientMax of one recipient are offered at once, so that a dead recipient's backlog
  // takes no memory.
  std::vector<v1::DeliveryStatus> OfferDue(absl::Time now);
  bool IsOffered(const std::string& delivery_id) const;
  // Puts an offered delivery back to wait.
  void TakeBack(const std::string& delivery_id);
  // Pending ones whose time to give up has come, at most `limit`.
  std::vector<v1::DeliveryStatus> Expired(absl::Time now, size_t limit) const;
  // It is being sent: its answer will tell, so it isn't named as expired any more.
  void AwaitAnswer(const std::string& delivery_id);
  // Null: neither pending nor dead.
  const v1::DeliveryStatus* FindDelivery(const std::string& delivery_id) const;

  // When the next timer or delivery is due; InfiniteFuture for none.
  absl::Time NextDue() const;

  // The time at which the next timer is or was due, and at which the delivery was made that is
  // given up next; InfiniteFuture for none.
  absl::Time FirstTimer() const;
  absl::Time OldestDelivery() const;

  size_t aggregates() const { return heads_.size(); }
  size_t timers() const { return timers_.size(); }
  size_t deliveries() const { return deliveries_.size(); }
  size_t dead_letters() const { return dead_letters_; }

 private:
  using TimerKey = std::pair<std::string, std::string>;  // aggregate, timer
  struct Pending {
    absl::Time due_at;
    // A v1::Timer without what stands beside it: very many may be pending.
    std::string rest;
  };
  using Timers = std::map<TimerKey, Pending>;
  struct DueSooner {
    bool operator()(Timers::const_iterator a, Timers::const_iterator b) const {
      return std::tie(a->second.due_at, a->first) < std::tie(b->second.due_at, b->first);
    }
  };
  struct Tracked {
    v1::DeliveryStatus status;
    bool offered = false;
  };
  struct Recipient {
    std::set<std::pair<absl::Time, std::string>> waiting;
    size_t offered = 0;
  };

  void SetTimer(const std::string& aggregate_id, const v1::Timer& timer);
  void RemoveTimer(const std::string& aggregate_id, const std::string& timer_id);
  void Track(const v1::DeliveryStatus& status);
  void Untrack(const std::string& delivery_id);

  absl::flat_hash_map<absl::uint128, int64_t> heads_;  // by aggregate tag
  std::map<TopicPartition, v1::Position> positions_;
  Timers timers_;
  std::set<Timers::const_iterator, DueSooner> timers_by_due_;
  std::map<std::string, Tracked> deliveries_;
  std::map<std::string, Recipient> recipients_;
  std::set<std::pair<absl::Time, std::string>> by_give_up_;  // pending only
  size_t dead_letters_ = 0;
};

}  // namespace porchlight
