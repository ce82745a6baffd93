// What really counts: the log read by rules of its own (it shares no code with the chain rule and
// the folds that it checks), and every transition checked against those before it as it appears.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/keys/memory_keys.h"
#include "common/log/chain.h"
#include "common/log/memory_log.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/state.pb.h"
#include "tests/sim/options.h"

namespace porchlight::sim {

// Each after those that it hears.
inline constexpr const char* kServices[] = {"directory", "intake",       "screening",
                                            "mdt",       "notification", "oncall"};
inline constexpr int32_t kSimPartitions = 2;
inline int32_t PartitionsOf(const std::string& service) {
  return service == "directory" ? 1 : kSimPartitions;
}
// Stands in every text that is personal data.
inline constexpr char kMarker[] = "Zebedee";

class Truth {
 public:
  Truth(Log& log, MemoryKeys& keys, const Clock& clock, Findings& findings, Counters& counters);

  // Reads and checks everything new. Keys must not be away.
  void CatchUp();

  struct AggregateFact {
    uint64_t sequence = 0;
    std::string hash;
    int64_t offset = -1;
  };
  struct Chain {
    int64_t next_offset = 0;
    std::string hash;
    uint64_t sequence = 0;
    std::vector<Counted> counted;
    std::map<TopicPartition, std::pair<int64_t, uint32_t>> positions;
    std::map<std::pair<std::string, std::string>, absl::Time> timers;  // by aggregate and timer
    std::map<std::string, AggregateFact> aggregates;
  };
  struct CommandFact {
    TopicPartition where;
    int64_t offset = 0;
    std::string command_id;
  };
  struct DecidedFact {
    v1::RememberedOutcome outcome;
    TopicPartition where;
  };
  struct EventFact {
    TopicPartition where;
    std::pair<int64_t, uint32_t> at;
    std::string type;
    v1::RecordHeader header;
    std::shared_ptr<google::protobuf::Message> payload;
    v1::Episode episode;        // of intake's
    bool must_be_told = false;  // to somebody
  };
  struct DeliveryFact {
    std::string service;
    std::string aggregate_id;
    std::string recipient_id;
    bool exercise = false;
    v1::DeliveryState state = v1::DELIVERY_STATE_PENDING;
    uint32_t attempts = 0;
    std::map<int, int> answers;  // recorded, by kind
  };

  const std::map<TopicPartition, Chain>& chains() const { return chains_; }
  const Chain& chain(const std::string& service, int32_t partition) const {
    return chains_.at({EventsTopic(service), partition});
  }
  // Of every command record, in the order of the log.
  const std::vector<CommandFact>& commands() const { return commands_; }
  // Null: not decided. By service and command id.
  const DecidedFact* FindDecided(const std::string& service, const std::string& command_id) const;
  // Of every service, by record id.
  const std::map<std::string, EventFact>& events() const { return events_; }
  // Of every service, as the log has them: service by service, in their order.
  const std::vector<std::string>& events_in_order(const std::string& service) const {
    return events_in_order_.at(service);
  }
  // As they stand.
  const std::map<std::string, v1::Alert>& alerts() const { return alerts_; }
  // By the clock that nobody sets, unlike their own times.
  const std::map<std::string, absl::Time>& alerts_seen_at() const { return alerts_seen_at_; }
  const std::map<std::string, v1::TeamNotice>& team_notices() const { return team_notices_; }
  const std::map<std::string, DeliveryFact>& deliveries() const { return deliveries_; }
  // Of an episode: the notices that were made, and what was sent.
  const std::map<std::string, std::vector<v1::Notice>>& notices() const { return notices_; }
  const std::map<std::string, std::vector<v1::NoticePacket>>& packets() const { return packets_; }
  const v1::Directory& directory() const;

 private:
  void ReadCommands(const TopicPartition& where);
  void ReadChain(Chain& chain, const TopicPartition& where);
  void Check(Chain& chain, const TopicPartition& where, const Counted& counted);
  void CheckAggregate(Chain& chain, const Counted& counted);
  void CheckPositions(Chain& chain, const std::string& service, const Counted& counted);
  void CheckCommand(const Counted& counted, const TopicPartition& where);
  void CheckEventInput(const Counted& counted);
  void CheckWhoIsTold(const Counted& counted, const EventFact& event);
  void CheckTimers(Chain& chain, const Counted& counted);
  void CheckDeliveries(const Counted& counted);
  void ReadPacket(const Counted& counted, const v1::Delivery& delivery);
  void CheckAttempts(const Counted& counted);
  void FoldDirectoryEvents(const Counted& counted);
  void FoldEvents(const TopicPartition& where, const Counted& counted);
  void FoldEvent(const EventFact& fact, const Counted& counted);
  void CheckPages(const v1::Alert& before, const v1::Alert& after, const Counted& counted);
  std::string Named(const Counted& counted) const;
  bool Expect(bool right, const std::string& checker, const std::string& what);

  Log& log_;
  MemoryKeys& keys_;
  const Clock& clock_;
  Findings& findings_;
  Counters& counters_;
  std::map<TopicPartition, Chain> chains_;
  std::map<TopicPartition, int64_t> commands_read_;
  std::vector<CommandFact> commands_;
  std::set<std::pair<TopicPartition, std::string>> command_ids_;
  std::map<std::string, std::vector<size_t>> commands_by_digest_;  // into commands_
  std::map<std::string, DecidedFact> decided_;                     // by service/command id
  std::map<std::string, EventFact> events_;
  std::map<std::string, std::vector<std::string>> events_in_order_;  // by service
  std::set<std::pair<std::string, std::string>> heard_;              // service, record id
  // By the service that hears and the partition that it hears of.
  std::map<std::pair<std::string, TopicPartition>, std::pair<int64_t, uint32_t>> last_heard_;
  std::map<std::string, v1::Alert> alerts_;
  std::map<std::string, absl::Time> alerts_seen_at_;
  std::map<std::string, v1::TeamNotice> team_notices_;
  std::map<std::string, DeliveryFact> deliveries_;
  std::map<std::string, std::vector<v1::Notice>> notices_;        // by episode
  std::map<std::string, std::vector<v1::NoticePacket>> packets_;  // by episode
  std::map<uint64_t, v1::Directory> directories_;                 // by sequence
};

}  // namespace porchlight::sim
