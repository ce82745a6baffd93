#include "tests/sim/checks.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/edge/states.h"
#include "common/processor/aggregates.h"
#include "tests/support/store_contents.h"

namespace porchlight::sim {
namespace {

std::vector<std::string> WholeTopic(Log& log, const TopicPartition& where) {
  std::vector<std::string> all;
  for (bool more = true; more;) {
    const auto read = log.Read(where, static_cast<int64_t>(all.size()));
    more = !read->empty();
    all.insert(all.end(), read->begin(), read->end());
  }
  return all;
}

class Checker {
 public:
  explicit Checker(Environment& environment) : environment_(environment) {
    for (const auto& [service, store] : environment.stores)
      contents_[service] = testing::ContentsOf(*store, PartitionsOf(service));
  }

  void Store(const std::string& service, int32_t partition);
  void View(const Process& process, int32_t partition);
  void EverythingTold();
  void LastReports();
  void DeadLetters();
  void Answers();
  void NeedToKnow(const std::string& logged_lines);

 private:
  void Expect(bool right, const std::string& checker, const std::string& what) {
    if (!right) environment_.findings.Add(checker, what);
  }

  Environment& environment_;
  std::map<std::string, MemoryStore::Contents> contents_;  // of the stores, by service
};

// The log folded from its start, against what the store was brought to by whatever way it took.
void Checker::Store(const std::string& service, int32_t partition) {
  const std::string name = absl::StrCat(service, "/", partition, ": ");
  const Truth::Chain& chain = environment_.truth.chain(service, partition);
  const MemoryStore::Contents& contents = contents_.at(service);
  const auto found = contents.find(partition);
  const MemoryStore::Partition stored =
      found == contents.end() ? MemoryStore::Partition() : found->second;
  Expect(stored.checkpoint.sequence() == chain.sequence &&
             (chain.sequence == 0 || stored.checkpoint.chain_hash() == chain.hash),
         "every fold is equal", absl::StrCat(name, "the store stands elsewhere"));
  const AggregateFolder folder(environment_.rules(service), environment_.keys);
  std::map<std::string, Aggregate> folded;
  for (const Counted& counted : chain.counted) {
    const std::string& id = counted.transition.aggregate_id();
    auto at = folded.find(id);
    if (at == folded.end()) at = folded.emplace(id, folder.Empty()).first;
    const absl::Status status = folder.Fold(at->second, counted);
    Expect(status.ok(), "every fold is equal", absl::StrCat(name, status.ToString()));
  }
  Expect(folded.size() == stored.aggregates.size(), "every fold is equal",
         absl::StrCat(name, "the store has ", stored.aggregates.size(), " aggregates"));
  size_t pending_or_dead = 0;
  for (const auto& [id, aggregate] : folded) {
    const auto kept = stored.aggregates.find(id);
    if (kept == stored.aggregates.end()) continue;
    const auto opened = folder.Unseal(kept->second);
    const bool same =
        opened.ok() && opened->offset == aggregate.offset &&
        opened->kept.SerializeAsString() == aggregate.kept.SerializeAsString() &&
        opened->rules_state->SerializeAsString() == aggregate.rules_state->SerializeAsString();
    Expect(same, "every fold is equal", absl::StrCat(name, "the store has another state of ", id));
    for (const v1::DeliveryStatus& status : aggregate.kept.deliveries()) {
      if (status.state() == v1::DELIVERY_STATE_DELIVERED ||
          status.state() == v1::DELIVERY_STATE_WITHDRAWN)
        continue;
      ++pending_or_dead;
      const auto row = stored.deliveries.find(status.delivery_id());
      Expect(row != stored.deliveries.end() &&
                 row->second.SerializeAsString() == status.SerializeAsString(),
             "every fold is equal", absl::StrCat(name, "a delivery differs"));
    }
  }
  Expect(stored.deliveries.size() == pending_or_dead, "every fold is equal",
         absl::StrCat(name, "the store has ", stored.deliveries.size(), " deliveries"));
  Expect(stored.timers.size() == chain.timers.size(), "every fold is equal",
         absl::StrCat(name, "the store has ", stored.timers.size(), " timers"));
}

void Checker::View(const Process& process, int32_t partition) {
  const std::string name = absl::StrCat(process.service(), "/", partition, ": ");
  const Truth::Chain& chain = environment_.truth.chain(process.service(), partition);
  const Processor& processor = process.worker().processor(partition);
  const PartitionView& view = processor.view();
  Expect(processor.tail().sequence == chain.sequence && processor.tail().hash == chain.hash,
         "every fold is equal", absl::StrCat(name, "a process stands elsewhere in the chain"));
  Expect(view.aggregates() == chain.aggregates.size() && view.timers() == chain.timers.size(),
         "every fold is equal",
         absl::StrCat(name, "a process sees ", view.aggregates(), " aggregates and ", view.timers(),
                      " timers"));
  for (const auto& [id, fact] : chain.aggregates) {
    Expect(view.Head(id) == fact.offset, "every fold is equal",
           absl::StrCat(name, "a process has another head of ", id));
  }
  for (const auto& [source, at] : chain.positions) {
    const auto position = view.PositionOf(source);
    Expect(position.has_value() && position->next_offset() == at.first &&
               position->next_event() == at.second,
           "every fold is equal", absl::StrCat(name, "a process has another position"));
  }
  const MemoryStore::Contents& contents = contents_.at(process.service());
  if (!contents.contains(partition)) return;
  const auto& deliveries = contents.at(partition).deliveries;
  Expect(view.deliveries() == deliveries.size(), "every fold is equal",
         absl::StrCat(name, "a process sees ", view.deliveries(), " deliveries"));
  for (const auto& [id, status] : deliveries) {
    const v1::DeliveryStatus* seen = view.FindDelivery(id);
    Expect(seen != nullptr && seen->SerializeAsString() == status.SerializeAsString(),
           "every fold is equal", absl::StrCat(name, "a process sees another ", id));
  }
}

// What each report told was sent to somebody, and every return too. Of a youth's second episode
// under another id, the first one's notices count. Where the directory had nobody, a person who
// called may have told them.
void Checker::EverythingTold() {
  const Truth& truth = environment_.truth;
  std::set<std::string> doubled;
  std::set<std::string> nobody_known;
  std::set<std::string> told_by_person;
  for (const std::string& record_id : truth.events_in_order("notification")) {
    const Truth::EventFact& event = truth.events().at(record_id);
    const auto* made = As<v1::NoticesMade>(event.payload.get());
    if (made != nullptr && !made->untold_duty_keys().empty())
      nobody_known.insert(event.header.episode_id());
    if (As<v1::ProofFiled>(event.payload.get()) != nullptr &&
        nobody_known.contains(event.header.episode_id()))
      told_by_person.insert(event.header.episode_id());
  }
  for (const auto& [record_id, event] : truth.events()) {
    if (!event.episode.same_as_episode_id().empty()) doubled.insert(event.episode.episode_id());
  }
  for (const auto& [record_id, event] : truth.events()) {
    const std::string& episode_id = event.episode.episode_id();
    if (!event.must_be_told || doubled.contains(episode_id)) continue;
    if (told_by_person.contains(episode_id) && !truth.packets().contains(episode_id)) continue;
    const auto tells = [&](const v1::NoticePacket& packet) {
      const v1::Episode& told = packet.episode();
      const auto& ids = told.report_ids();
      return told.state() >= event.episode.state() &&
             told.facts_size() >=
                 (packet.kind() == v1::NOTICE_KIND_SUPPLEMENT ? 0 : event.episode.facts_size()) &&
             std::all_of(event.episode.report_ids().begin(), event.episode.report_ids().end(),
                         [&](const std::string& id) {
                           return std::find(ids.begin(), ids.end(), id) != ids.end();
                         });
    };
    const auto packets = truth.packets().find(episode_id);
    Expect(packets != truth.packets().end() &&
               std::any_of(packets->second.begin(), packets->second.end(), tells),
           "everything is told",
           absl::StrCat("nobody was told of ", event.type, " ", record_id, " of episode ",
                        episode_id));
  }
}

// After the faults everybody decides with the newest directory.
void Checker::LastReports() {
  const uint64_t newest = environment_.truth.chain("directory", 0).sequence;
  int seen = 0;
  for (int32_t partition = 0; partition < kSimPartitions; ++partition) {
    for (const Counted& counted : environment_.truth.chain("notification", partition).counted) {
      if (counted.transition.aggregate_id().find("youth-last-") != 0 ||
          counted.transition.input().kind() != v1::INPUT_KIND_EVENT)
        continue;
      ++seen;
      Expect(
          counted.transition.reference_sequence() == newest, "everybody is told",
          absl::StrCat("the last report is decided with directory ",
                       counted.transition.reference_sequence(), ", but ", newest, " is in force"));
    }
  }
  Expect(seen >= 2, "everybody is told", absl::StrCat(seen, " of 2 last reports were decided on"));
}

void Checker::DeadLetters() {
  std::set<std::string> dead;
  for (const char* service : kServices) {
    const States states(environment_.rules(service), *environment_.stores.at(service),
                        environment_.keys, PartitionsOf(service));
    const auto listed = states.DeadLetters(10'000);
    for (const v1::DeliveryStatus& status : *listed) dead.insert(status.delivery_id());
  }
  for (const auto& [id, fact] : environment_.truth.deliveries()) {
    Expect(dead.contains(id) == (fact.state == v1::DELIVERY_STATE_DEAD), "dead letters are seen",
           absl::StrCat("delivery ", id, " is ", v1::DeliveryState_Name(fact.state)));
  }
}

// No answer is made up: each that is recorded was given.
void Checker::Answers() {
  for (const auto& [id, fact] : environment_.truth.deliveries()) {
    for (const auto& [kind, recorded] : fact.answers) {
      const bool ours =
          kind == v1::DELIVERY_ANSWER_EXPIRED || kind == v1::DELIVERY_ANSWER_WITHDRAWN ||
          kind == v1::DELIVERY_ANSWER_UNSPECIFIED || kind == v1::DELIVERY_ANSWER_REFUSED;
      const int given = environment_.answers[id][kind];
      if (kind == v1::DELIVERY_ANSWER_REFUSED && recorded > given)
        environment_.counters.Count("recipient gone or changed");
      Expect(ours || recorded <= given, "answers",
             absl::StrCat("delivery ", id, " has ", recorded, " answers ",
                          v1::DeliveryAnswer_Name(static_cast<v1::DeliveryAnswer>(kind)),
                          " on record, but ", given, " were given"));
    }
  }
}

void Checker::NeedToKnow(const std::string& logged_lines) {
  const auto has = [](const std::string& bytes) {
    return bytes.find(kMarker) != std::string::npos;
  };
  Expect(!has(logged_lines), "need to know", "personal data in a log line");
  for (const char* service : kServices) {
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition) {
      for (const std::string& topic : {CommandsTopic(service), EventsTopic(service)}) {
        const std::vector<std::string> read = WholeTopic(environment_.log, {topic, partition});
        Expect(std::none_of(read.begin(), read.end(), has), "need to know",
               absl::StrCat("personal data in clear in ", topic));
      }
    }
  }
  for (const auto& [service, partitions] : contents_) {
    for (const auto& [partition, contents] : partitions) {
      for (const auto& [id, aggregate] : contents.aggregates)
        Expect(!has(aggregate.sealed_state), "need to know", "personal data in clear in a store");
      for (const auto& [id, status] : contents.deliveries)
        Expect(!has(status.SerializeAsString()), "need to know", "personal data in a store");
    }
  }
}

}  // namespace

std::string Unsettled(Environment& environment) {
  const Truth& truth = environment.truth;
  for (const Truth::CommandFact& command : truth.commands()) {
    const std::string service(*std::find_if(
        std::begin(kServices), std::end(kServices),
        [&](const char* name) { return command.where.topic == CommandsTopic(name); }));
    if (truth.FindDecided(service, command.command_id) == nullptr)
      return absl::StrCat("command ", command.command_id, " of ", service, " isn't decided");
  }
  for (const auto& [id, delivery] : truth.deliveries()) {
    if (delivery.state == v1::DELIVERY_STATE_PENDING)
      return absl::StrCat("delivery ", id, " to ", delivery.recipient_id, " is pending");
  }
  for (const char* service : kServices) {
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition) {
      const Truth::Chain& chain = truth.chain(service, partition);
      for (const auto& [timer, due_at] : chain.timers) {
        if (due_at <= environment.clock.Now())
          return absl::StrCat("timer ", timer.second, " of ", timer.first, " is due");
      }
      const uint64_t stored = environment.stores.at(service)->Where(partition)->sequence();
      if (stored != chain.sequence)
        return absl::StrCat("the store of ", service, "/", partition, " stands at ", stored, " of ",
                            chain.sequence);
    }
  }
  return "";
}

void CheckAtRest(Environment& environment, const std::vector<std::unique_ptr<Process>>& processes,
                 const std::string& logged_lines) {
  Checker check(environment);
  check.NeedToKnow(logged_lines);
  for (const char* service : kServices) {
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition)
      check.Store(service, partition);
  }
  for (const auto& process : processes) {
    for (int32_t partition = 0; partition < PartitionsOf(process->service()); ++partition)
      check.View(*process, partition);
  }
  check.EverythingTold();
  check.LastReports();
  check.DeadLetters();
  check.Answers();
}

std::string HashOfLog(Environment& environment) {
  std::string all;
  for (const char* service : kServices) {
    for (int32_t partition = 0; partition < PartitionsOf(service); ++partition) {
      for (const std::string& topic : {CommandsTopic(service), EventsTopic(service)}) {
        const std::vector<std::string> read = WholeTopic(environment.log, {topic, partition});
        absl::StrAppend(&all, topic, "/", partition, ":", read.size(), "\n");
        for (const std::string& record : read) all += Sha256(record);
      }
    }
  }
  return Sha256(all);
}

}  // namespace porchlight::sim
