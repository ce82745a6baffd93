#include "common/evidence/verify_log.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/evidence/sources.h"
#include "common/log/chain.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

// Opens payloads, where there are keys to do it.
class PayloadCheck {
 public:
  PayloadCheck(Keys* keys, LogReport& report) : keys_(keys), report_(report) {}

  absl::Status Check(const std::string& place, absl::string_view what, const v1::Record& record) {
    if (keys_ == nullptr) return absl::OkStatus();
    v1::RecordHeader header;
    if (!header.ParseFromString(record.header())) {
      return Wrong(place, absl::StrCat(what, " has no header that can be read"));
    }
    const absl::StatusOr<Key>& key = KeyOf(header.youth_id());
    if (absl::IsFailedPrecondition(key.status())) {
      ++report_.payloads_sealed;
      return absl::OkStatus();
    }
    if (absl::IsNotFound(key.status())) {
      return Wrong(place, absl::StrCat("the key of ", what,
                                       " is lost: nobody can read it. Restore "
                                       "the keys from a backup."));
    }
    if (!key.ok()) return key.status();
    if (!Open(*key, record.sealed(), record.header()).ok()) {
      return Wrong(place, absl::StrCat("the payload of ", what,
                                       " doesn't belong to its header, or can't be opened with its "
                                       "key: one of them was changed or swapped"));
    }
    ++report_.payloads_opened;
    return absl::OkStatus();
  }

 private:
  const absl::StatusOr<Key>& KeyOf(const std::string& youth_id) {
    auto [entry, added] = cache_.try_emplace(youth_id, absl::UnknownError(""));
    if (added) entry->second = keys_->Get(KeyName(youth_id));
    return entry->second;
  }

  Keys* keys_;
  LogReport& report_;
  std::map<std::string, absl::StatusOr<Key>> cache_;
};

// Reads one events partition from its start and applies the chain rule to every record.
class ChainWalk {
 public:
  ChainWalk(Log& log, TopicPartition where) : log_(log) { index_.where = std::move(where); }

  absl::Status Walk(LogReport& report) {
    for (;;) {
      const absl::StatusOr<std::vector<std::string>> read = log_.Read(index_.where, index_.end);
      if (!read.ok()) return read.status();
      if (read->empty()) break;
      for (const std::string& bytes : *read) {
        const absl::Status taken = Take(bytes, report);
        if (!taken.ok()) return taken;
        ++index_.end;
      }
    }
    report.transitions += tail_.sequence;
    if (tail_.sequence > 0) {
      report.heads.push_back({index_.where.topic, index_.where.partition, tail_.sequence,
                              absl::BytesToHexString(tail_.hash)});
    }
    return absl::OkStatus();
  }

  ChainIndex TakeIndex() { return std::move(index_); }

 private:
  absl::Status Take(const std::string& bytes, LogReport& report) {
    const std::string place = PlaceOf(index_.where, index_.end);
    v1::TransitionRecord record;
    if (!record.ParseFromString(bytes)) {
      return Wrong(place, "it can't be parsed: it was damaged or changed");
    }
    if (!record.GetReflection()->GetUnknownFields(record).empty()) {
      return Wrong(place,
                   "it holds fields that this version doesn't know. Use a newer version of this "
                   "program; if there is none, they were added.");
    }
    const absl::StatusOr<Link> link = CheckLink(tail_, record);
    if (!link.ok()) return Wrong(place, link.status().message());
    if (*link == Link::kDoesNotCount) return TakeLoser(place, record, report);
    v1::Transition transition;
    if (!transition.ParseFromString(record.content()) ||
        record.aggregate_tag() != AggregateTag(transition.aggregate_id())) {
      return Wrong(place, "its content is not a transition of the aggregate that it names");
    }
    tail_.hash = record.hash();
    tail_.sequence = record.sequence();
    if (!log_.WritesOnlyWinners()) written_.insert(record.hash());
    index_.hashes.push_back(record.hash());
    index_.offsets.push_back(index_.end);
    return absl::OkStatus();
  }

  // Who lost a race had read some record as the last one: it must be there.
  absl::Status TakeLoser(const std::string& place, const v1::TransitionRecord& record,
                         LogReport& report) {
    if (log_.WritesOnlyWinners() || !written_.contains(record.previous_hash())) {
      return Wrong(place,
                   "it doesn't follow the one before it: a record was removed before it, or this "
                   "one was inserted or moved");
    }
    written_.insert(record.hash());
    ++report.lost_races;
    return absl::OkStatus();
  }

  Log& log_;
  ChainIndex index_;
  ChainTail tail_;
  std::set<std::string> written_ = {ZeroHash()};  // hashes of all records, where some may lose
};

struct Command {
  int64_t offset = 0;
  std::string digest;
  std::string record_id;
  v1::Record record;
};

// Reads one commands partition along with the transitions that decide it.
class CommandCursor {
 public:
  CommandCursor(Log& log, TopicPartition where) : log_(log), where_(std::move(where)) {}

  const TopicPartition& where() const { return where_; }
  int64_t next_offset() const { return next_offset_; }

  // The commands up to `to`, or as far as there are any.
  absl::StatusOr<std::vector<Command>> TakeUntil(int64_t to) {
    std::vector<Command> taken;
    while (next_offset_ < to) {
      if (next_in_buffer_ == buffer_.size()) {
        absl::StatusOr<std::vector<std::string>> read = log_.Read(where_, next_offset_);
        if (!read.ok()) return read.status();
        if (read->empty()) break;
        buffer_ = *std::move(read);
        next_in_buffer_ = 0;
      }
      const std::string& bytes = buffer_[next_in_buffer_++];
      Command command{
          .offset = next_offset_++, .digest = Sha256(bytes), .record_id = {}, .record = {}};
      v1::RecordHeader header;
      if (!command.record.ParseFromString(bytes) ||
          !header.ParseFromString(command.record.header())) {
        return Wrong(PlaceOf(where_, command.offset),
                     "it can't be parsed: it was damaged or changed");
      }
      command.record_id = header.record_id();
      taken.push_back(std::move(command));
    }
    return taken;
  }

 private:
  Log& log_;
  TopicPartition where_;
  std::vector<std::string> buffer_;
  size_t next_in_buffer_ = 0;
  int64_t next_offset_ = 0;
};

// Checks what the transitions of one service in one partition say against the rest of the log.
class DecisionCheck {
 public:
  DecisionCheck(Log& log, const Sources& sources, const std::string& service, int32_t partition,
                PayloadCheck& payloads, LogReport& report)
      : log_(log),
        sources_(sources),
        events_{EventsTopic(service), partition},
        commands_(log, {CommandsTopic(service), partition}),
        payloads_(payloads),
        report_(report) {}

  // Of the transitions before offset `end`.
  absl::Status Check(int64_t end) {
    ChainReader reader(log_, events_, ChainTail{});
    while (reader.tail().next_offset < end) {
      const absl::StatusOr<std::vector<Counted>> read = reader.Next();
      if (!read.ok()) return read.status();
      for (const Counted& counted : *read) {
        if (counted.offset >= end) break;
        const absl::Status status = CheckOne(counted);
        if (!status.ok()) return status;
      }
    }
    return CountWaiting();
  }

 private:
  absl::Status CheckOne(const Counted& counted) {
    const v1::InputReference& input = counted.transition.input();
    const std::string place = absl::StrCat(
        PlaceOf(events_, counted.offset), " (sequence ", counted.record.sequence(), ", decided ",
        absl::CHexEscape(input.type()), " ", absl::CHexEscape(input.input_id()), ")");
    absl::Status status = CheckAggregate(place, counted);
    const v1::Position* own_commands = nullptr;
    for (const v1::Position& position : counted.transition.positions()) {
      if (status.ok()) status = CheckNotBack(place, position);
      if (status.ok()) status = sources_.CheckPosition(place, position);
      if (position.topic() == commands_.where().topic &&
          position.partition() == commands_.where().partition) {
        own_commands = &position;
      }
    }
    if (!status.ok()) return status;
    if (own_commands != nullptr) {
      status = CheckCommands(place, input, own_commands->next_offset());
    } else if (input.kind() == v1::INPUT_KIND_COMMAND) {
      status = CheckFromConfiguration(place, input);
    }
    return status.ok() ? OpenPayloads(place, counted.transition) : status;
  }

  // Earlier versions told the directory from the configuration, without a command. None came after
  // the first command.
  absl::Status CheckFromConfiguration(const std::string& place, const v1::InputReference& input) {
    const bool told = events_.topic == EventsTopic("directory") && input.digest().empty();
    if (told && decided_ids_.empty()) return absl::OkStatus();
    return Wrong(place, "it decided a command, but doesn't say where that stands");
  }

  absl::Status CheckAggregate(const std::string& place, const Counted& counted) {
    const v1::Transition& transition = counted.transition;
    auto& [sequence, hash] = aggregates_[transition.aggregate_id()];
    if (transition.aggregate_sequence() != sequence + 1 ||
        transition.aggregate_previous_hash() != hash) {
      return Wrong(place, absl::StrCat("it is not number ", sequence + 1,
                                       " of its aggregate, as its place says: it was decided from "
                                       "a state that never was"));
    }
    sequence = transition.aggregate_sequence();
    hash = counted.record.hash();
    return absl::OkStatus();
  }

  absl::Status CheckNotBack(const std::string& place, const v1::Position& position) {
    auto& [offset, event] = consumed_[{position.topic(), position.partition()}];
    if (std::pair(position.next_offset(), position.next_event()) < std::pair(offset, event)) {
      return Wrong(place, absl::StrCat("it goes back in ", absl::CHexEscape(position.topic()),
                                       ", from offset ", offset, " to ", position.next_offset(),
                                       ": something was decided twice"));
    }
    offset = position.next_offset();
    event = position.next_event();
    return absl::OkStatus();
  }

  // The commands up to `to` are decided: by this transition, or by an earlier one, of which they
  // are a repetition.
  absl::Status CheckCommands(const std::string& place, const v1::InputReference& input,
                             int64_t to) {
    const absl::StatusOr<std::vector<Command>> taken = commands_.TakeUntil(to);
    if (!taken.ok()) return taken.status();
    const Command* decided = nullptr;
    if (input.kind() == v1::INPUT_KIND_COMMAND) {
      // The last one: a position moves with each command that is decided.
      if (taken->empty() || taken->back().digest != input.digest()) {
        return NotWhatWasDecided(place, input, *taken);
      }
      decided = &taken->back();
      if (decided->record_id != input.input_id()) {
        return Wrong(place, absl::StrCat("the command that it decided has another id: ",
                                         absl::CHexEscape(decided->record_id)));
      }
      decided_ids_.insert(decided->record_id);
      ++report_.commands_decided;
    }
    for (const Command& command : *taken) {
      const std::string at = PlaceOf(commands_.where(), command.offset);
      if (&command != decided) {
        if (!decided_ids_.contains(command.record_id)) {
          return Wrong(
              at, absl::StrCat("nobody decided this command ", absl::CHexEscape(command.record_id),
                               ", though later ones were: it was inserted or moved"));
        }
        ++report_.commands_repeated;
      }
      const absl::Status opened = payloads_.Check(at, "the command", command.record);
      if (!opened.ok()) return opened;
    }
    return absl::OkStatus();
  }

  // Looks for the command, to say what was done to it.
  absl::Status NotWhatWasDecided(const std::string& place, const v1::InputReference& input,
                                 const std::vector<Command>& taken) {
    const std::string id = absl::CHexEscape(input.input_id());
    for (const Command& command : taken) {
      if (command.record_id == input.input_id() && command.digest != input.digest()) {
        return Wrong(PlaceOf(commands_.where(), command.offset),
                     absl::StrCat("command ", id, " is not what it was when ", place,
                                  " was written: it was changed"));
      }
    }
    if (taken.empty()) {
      return Wrong(place, absl::StrCat("the command ", id, " that it decided was decided before"));
    }
    const auto strange = std::find_if(taken.begin(), taken.end() - 1, [&](const Command& command) {
      return !decided_ids_.contains(command.record_id);
    });
    const std::string here =
        absl::StrCat("command ", absl::CHexEscape(strange->record_id), " stands where command ", id,
                     " stood, as ", place, " says. ");
    const std::string at = PlaceOf(commands_.where(), strange->offset);
    const absl::StatusOr<std::vector<Command>> rest = commands_.TakeUntil(INT64_MAX);
    if (rest.ok()) {
      for (const Command& command : *rest) {
        if (command.digest != input.digest()) continue;
        return Wrong(at, absl::StrCat(here, "That one stands at ", command.offset,
                                      " now: a record was inserted, or two were swapped"));
      }
    }
    return Wrong(at, absl::StrCat(here,
                                  "That one is not after it any more: it was removed, or "
                                  "changed"));
  }

  // What comes after the newest decided one: nothing was decided from it yet, or ever will be.
  absl::Status CountWaiting() {
    const absl::StatusOr<std::vector<Command>> waiting = commands_.TakeUntil(INT64_MAX);
    if (!waiting.ok()) return waiting.status();
    for (const Command& command : *waiting) {
      ++(decided_ids_.contains(command.record_id) ? report_.commands_repeated
                                                  : report_.commands_waiting);
      const absl::Status opened = payloads_.Check(PlaceOf(commands_.where(), command.offset),
                                                  "the command", command.record);
      if (!opened.ok()) return opened;
    }
    return absl::OkStatus();
  }

  absl::Status OpenPayloads(const std::string& place, const v1::Transition& transition) {
    absl::Status status;
    for (const v1::Record& event : transition.events()) {
      if (status.ok()) status = payloads_.Check(place, "an event", event);
    }
    for (const v1::Delivery& delivery : transition.deliveries()) {
      if (status.ok()) status = payloads_.Check(place, "a message", delivery.message());
    }
    for (const v1::DeliveryAttempt& attempt : transition.attempts()) {
      if (!attempt.has_reply()) continue;
      if (status.ok()) status = payloads_.Check(place, "a far end's reply", attempt.reply());
    }
    if (status.ok() && transition.outcome().has_body()) {
      status = payloads_.Check(place, "the outcome", transition.outcome().body());
    }
    return status;
  }

  Log& log_;
  const Sources& sources_;
  const TopicPartition events_;
  CommandCursor commands_;
  PayloadCheck& payloads_;
  LogReport& report_;
  std::map<std::string, std::pair<uint64_t, std::string>> aggregates_;  // sequence, hash
  std::map<std::pair<std::string, int32_t>, std::pair<int64_t, uint32_t>> consumed_;
  std::set<std::string> decided_ids_;
};

absl::Status CheckCheckpoint(const Sources& sources, const StoreCheckpoint& store) {
  const std::string who = absl::StrCat("the store of ", store.service);
  absl::Status status = sources.CheckSeen(
      who, EventsTopic(store.service), store.checkpoint.sequence(), store.checkpoint.chain_hash());
  for (const v1::Position& position : store.checkpoint.positions()) {
    if (status.ok()) status = sources.CheckPosition(who, position);
  }
  return status;
}

// The log may grow meanwhile. Whatever a transition before `ends` has consumed was there when
// `ends` were taken, so it is found in the chains, which are read afterwards.
absl::Status VerifyPartition(Log& log, const VerifyLogOptions& options, int32_t partition,
                             LogReport& report) {
  std::vector<std::string> services;
  for (const std::string& service : options.services) {
    const auto own = options.partitions_of.find(service);
    if (own == options.partitions_of.end() || partition < own->second) services.push_back(service);
  }
  std::map<std::string, int64_t> ends;
  for (const std::string& service : services) {
    const absl::StatusOr<int64_t> end = log.End({EventsTopic(service), partition});
    if (!end.ok()) return end.status();
    ends[service] = *end;
  }
  std::map<std::string, ChainIndex> chains;
  for (const std::string& service : services) {
    ChainWalk walk(log, {EventsTopic(service), partition});
    const absl::Status status = walk.Walk(report);
    if (!status.ok()) return status;
    chains[EventsTopic(service)] = walk.TakeIndex();
  }
  const Sources sources(log, std::move(chains));
  for (const StoreCheckpoint& store : options.checkpoints) {
    if (store.partition != partition) continue;
    const absl::Status status = CheckCheckpoint(sources, store);
    if (!status.ok()) return status;
  }
  PayloadCheck payloads(options.keys, report);
  for (const std::string& service : services) {
    const absl::Status status =
        DecisionCheck(log, sources, service, partition, payloads, report).Check(ends[service]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LogReport> VerifyLog(Log& log, const VerifyLogOptions& options) {
  for (const StoreCheckpoint& store : options.checkpoints) {
    if (std::find(options.services.begin(), options.services.end(), store.service) ==
            options.services.end() ||
        store.partition < 0 || store.partition >= options.partitions) {
      return absl::InvalidArgumentError(absl::StrCat("the checkpoint of ", store.service, "/",
                                                     store.partition,
                                                     " is of no partition that is verified"));
    }
  }
  LogReport report;
  for (int32_t partition = 0; partition < options.partitions; ++partition) {
    const absl::Status status = VerifyPartition(log, options, partition, report);
    if (!status.ok()) return status;
  }
  return report;
}

}  // namespace porchlight
