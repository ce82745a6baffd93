// The ports of a simulated process: each call may be interrupted, and may be its last.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/process.h"

namespace porchlight::sim {

class SimLog final : public Log {
 public:
  SimLog(Log& log, Power& power, Environment& environment)
      : log_(log), power_(power), environment_(environment) {}
  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return log_.WritesOnlyWinners(); }
  void AddListener(Signal* signal, std::vector<std::string> topics) override {
    log_.AddListener(signal, std::move(topics));
  }
  void RemoveListener(Signal* signal) override { log_.RemoveListener(signal); }

 private:
  Log& log_;
  Power& power_;
  Environment& environment_;
};

class SimStore final : public Store {
 public:
  SimStore(Store& store, Power& power, Environment& environment, std::string service)
      : store_(store), power_(power), environment_(environment), service_(std::move(service)) {}
  absl::StatusOr<v1::Checkpoint> Where(int32_t partition) override;
  absl::Status Apply(int32_t partition, const StoreBatch& batch) override;
  absl::StatusOr<StoredAggregate> Load(int32_t partition, const std::string& aggregate_id) override;
  absl::StatusOr<v1::Checkpoint> Visit(int32_t partition, StoreVisitor& visitor) override;
  absl::StatusOr<std::vector<v1::Timer>> Timers(int32_t partition,
                                                const std::string& aggregate_id) override;
  absl::StatusOr<std::vector<StoredAggregate>> List(int32_t partition,
                                                    const ListOptions& options) override;
  absl::StatusOr<std::vector<v1::DeliveryStatus>> DeadLetters(int32_t partition,
                                                              size_t limit) override;
  absl::Status Wipe(int32_t partition) override;

 private:
  Store& store_;
  Power& power_;
  Environment& environment_;
  const std::string service_;
};

class SimKeys final : public Keys {
 public:
  SimKeys(Power& power, Environment& environment) : power_(power), environment_(environment) {}
  absl::StatusOr<Key> GetOrCreate(const std::string& name) override;
  absl::StatusOr<Key> Get(const std::string& name) override;
  absl::Status Destroy(const std::string& name) override;

 private:
  bool Away();

  Power& power_;
  Environment& environment_;
};

// Checks everything that leaves the system, at the moment it leaves.
class SimChannel final : public Channel {
 public:
  SimChannel(Power& power, Environment& environment)
      : power_(power), environment_(environment), failures_(std::make_shared<Failures>()) {}
  void Send(Outgoing outgoing, Answered done) override;

 private:
  using Failures = std::map<std::string, int>;  // in a row, by recipient

  void Check(const Outgoing& outgoing);

  Power& power_;
  Environment& environment_;
  std::shared_ptr<Failures> failures_;
};

}  // namespace porchlight::sim
