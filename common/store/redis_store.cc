#include "common/store/redis_store.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/store/apply_rules.h"
#include "common/store/redis_scripts.h"

namespace porchlight {
namespace {

// The keys of a partition, in the order of kKeyNames.
enum Kept : size_t {
  kCheckpoint,
  kIds,
  kActive,
  kOffsets,
  kStates,
  kTimerIds,
  kTimers,
  kDead,
  kDeliveries,
};
constexpr std::array<absl::string_view, 9> kKeyNames = {
    "checkpoint", "ids", "active", "offsets", "states", "timer_ids", "timers", "dead", "deliveries",
};

// Of one command in a script.
constexpr size_t kArgumentsMax = 1000;
// States of a page: one answer of many large ones would hold up everybody else's.
constexpr size_t kPageMax = 64;
// Fields of a page that a start goes through.
constexpr absl::string_view kScanCount = "1000";
constexpr int kVisitTries = 10;

constexpr absl::string_view kSeparator("\0", 1);

absl::string_view Text(const redisReply& reply) { return {reply.str, reply.len}; }

bool IsText(const redisReply& reply) { return reply.type == REDIS_REPLY_STRING; }

bool IsList(const redisReply& reply, size_t elements) {
  return reply.type == REDIS_REPLY_ARRAY && reply.elements == elements;
}

template <typename Message>
bool ParseStored(absl::string_view bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::string TimerName(absl::string_view aggregate_id, absl::string_view timer_id) {
  return absl::StrCat(aggregate_id, kSeparator, timer_id);
}

std::string StateValue(const StoredAggregate& aggregate) {
  return absl::StrCat(aggregate.offset, aggregate.active ? " 1 " : " 0 ", aggregate.sealed_state);
}

std::optional<StoredAggregate> ParseState(absl::string_view aggregate_id, absl::string_view value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(value, absl::MaxSplits(' ', 2));
  StoredAggregate aggregate;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &aggregate.offset)) return std::nullopt;
  aggregate.aggregate_id = std::string(aggregate_id);
  aggregate.active = parts[1] == "1";
  aggregate.sealed_state = std::string(parts[2]);
  return aggregate;
}

bool IsKept(const v1::DeliveryStatus& delivery) {
  return delivery.state() != v1::DELIVERY_STATE_DELIVERED &&
         delivery.state() != v1::DELIVERY_STATE_WITHDRAWN;
}

// What a batch comes to in the end: of several changes to one thing the last one.
struct NetChange {
  explicit NetChange(const StoreBatch& batch) {
    for (const StoreChange& change : batch.changes) {
      const std::string& id = change.aggregate.aggregate_id;
      aggregates[id] = &change.aggregate;
      for (const std::string& timer_id : change.timers_removed) {
        timers[TimerName(id, timer_id)] = nullptr;
      }
      for (const v1::Timer& timer : change.timers_set) {
        timers[TimerName(id, timer.timer_id())] = &timer;
      }
      for (const v1::DeliveryStatus& delivery : change.deliveries) {
        deliveries[delivery.delivery_id()] = &delivery;
      }
    }
  }

  std::map<std::string, const StoredAggregate*> aggregates;
  std::map<std::string, const v1::Timer*> timers;  // null: removed
  std::map<std::string, const v1::DeliveryStatus*> deliveries;
};

// Redis's commands, those with the same name and key put together.
class ScriptCommands {
 public:
  void Set(Kept hash, absl::string_view field, std::string value) {
    std::vector<std::string>& arguments = commands_[{"HSET", hash}];
    arguments.emplace_back(field);
    arguments.push_back(std::move(value));
  }
  void Unset(Kept hash, absl::string_view field) { commands_[{"HDEL", hash}].emplace_back(field); }
  void Insert(Kept set, absl::string_view name) {
    std::vector<std::string>& arguments = commands_[{"ZADD", set}];
    arguments.emplace_back("0");
    arguments.emplace_back(name);
  }
  void Erase(Kept set, absl::string_view name) { commands_[{"ZREM", set}].emplace_back(name); }

  void Add(const NetChange& change) {
    for (const auto& [id, aggregate] : change.aggregates) {
      Set(kStates, id, StateValue(*aggregate));
      Set(kOffsets, id, absl::StrCat(aggregate->offset));
      Insert(kIds, id);
      aggregate->active ? Insert(kActive, id) : Erase(kActive, id);
    }
    for (const auto& [name, timer] : change.timers) {
      timer == nullptr ? Unset(kTimers, name) : Set(kTimers, name, timer->SerializeAsString());
      timer == nullptr ? Erase(kTimerIds, name) : Insert(kTimerIds, name);
    }
    for (const auto& [id, delivery] : change.deliveries) {
      IsKept(*delivery) ? Set(kDeliveries, id, delivery->SerializeAsString())
                        : Unset(kDeliveries, id);
      delivery->state() == v1::DELIVERY_STATE_DEAD ? Insert(kDead, id) : Erase(kDead, id);
    }
  }

  // As kApplyScript takes them. `words` points into this.
  void AppendTo(std::vector<absl::string_view>& words) {
    for (const auto& [command, arguments] : commands_) {
      for (size_t at = 0; at < arguments.size(); at += kArgumentsMax) {
        const size_t count = std::min(kArgumentsMax, arguments.size() - at);
        words.push_back(command.first);
        words.push_back(numbers_.emplace_back(absl::StrCat(command.second + 1)));
        words.push_back(numbers_.emplace_back(absl::StrCat(count)));
        words.insert(words.end(), arguments.begin() + static_cast<ptrdiff_t>(at),
                     arguments.begin() + static_cast<ptrdiff_t>(at + count));
      }
    }
  }

 private:
  std::map<std::pair<absl::string_view, Kept>, std::vector<std::string>> commands_;
  std::deque<std::string> numbers_;
};

// One hash, gone through page by page.
struct Scan {
  Kept hash;
  std::string next = "0";
  bool done = false;
  std::vector<std::pair<std::string, std::string>> fields = {};

  // `page`: what HSCAN answered. False if it isn't that.
  bool Take(const redisReply& page) {
    if (!IsList(page, 2) || !IsText(*page.element[0])) return false;
    const redisReply& list = *page.element[1];
    if (list.type != REDIS_REPLY_ARRAY || list.elements % 2 != 0) return false;
    for (size_t n = 0; n < list.elements; n += 2) {
      fields.emplace_back(Text(*list.element[n]), Text(*list.element[n + 1]));
    }
    next = std::string(Text(*page.element[0]));
    done = next == "0";
    return true;
  }

  // Redis may give a field twice.
  void SortOut() {
    std::sort(fields.begin(), fields.end());
    fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  }
};

// All that a start needs of a partition, as it stood at one checkpoint.
struct View {
  v1::Checkpoint checkpoint;
  Scan offsets = {.hash = kOffsets};
  Scan timers = {.hash = kTimers};
  Scan deliveries = {.hash = kDeliveries};

  // False if something in it isn't ours.
  bool Tell(StoreVisitor& visitor) {
    int64_t offset = 0;
    for (const auto& [id, value] : offsets.fields) {
      if (!absl::SimpleAtoi(value, &offset)) return false;
      visitor.Aggregate(id, offset);
    }
    StoredTimer timer;
    for (const auto& [name, bytes] : timers.fields) {
      if (!ParseStored(bytes, timer.timer)) return false;
      timer.aggregate_id = name.substr(0, name.find(kSeparator[0]));
      visitor.Timer(timer);
    }
    v1::DeliveryStatus delivery;
    for (const auto& [id, bytes] : deliveries.fields) {
      if (!ParseStored(bytes, delivery)) return false;
      visitor.Delivery(delivery);
    }
    return true;
  }
};

// Where one page of everything was read. Aborted: the checkpoint isn't `expected` any more.
absl::Status TakePage(const redisReply& reply, const std::vector<Scan*>& scans,
                      std::optional<std::string>& expected) {
  const absl::Status damaged = absl::DataLossError("");
  if (!IsList(reply, scans.size() + 1)) return damaged;
  const redisReply& checkpoint = *reply.element[0];
  const std::string stands_at =
      checkpoint.type == REDIS_REPLY_NIL ? "" : std::string(Text(checkpoint));
  if (!expected.has_value()) expected = stands_at;
  if (*expected != stands_at) return absl::AbortedError("");
  for (size_t n = 0; n < scans.size(); ++n) {
    if (!scans[n]->Take(*reply.element[n + 1])) return damaged;
  }
  return absl::OkStatus();
}

// Each page is of one moment; all of them are if the checkpoint is the same in each.
absl::Status ReadAll(RedisConnection& connection, absl::FunctionRef<std::string(Kept)> name,
                     View& view) {
  std::optional<std::string> checkpoint;
  while (true) {
    std::vector<Scan*> scans;
    for (Scan* scan : {&view.offsets, &view.timers, &view.deliveries}) {
      if (!scan->done) scans.push_back(scan);
    }
    if (scans.empty()) break;
    std::vector<std::string> keys = {name(kCheckpoint)};
    for (const Scan* scan : scans) keys.push_back(name(scan->hash));
    const std::string key_count = absl::StrCat(keys.size());
    std::vector<absl::string_view> words = {"EVAL", kScanScript, key_count};
    words.insert(words.end(), keys.begin(), keys.end());
    words.push_back(kScanCount);
    for (const Scan* scan : scans) words.push_back(scan->next);
    const absl::StatusOr<RedisReply> reply = connection.Run(words);
    if (!reply.ok()) return reply.status();
    const absl::Status taken = TakePage(**reply, scans, checkpoint);
    if (!taken.ok()) return taken;
  }
  for (Scan* scan : {&view.offsets, &view.timers, &view.deliveries}) scan->SortOut();
  return ParseStored(*checkpoint, view.checkpoint) ? absl::OkStatus() : absl::DataLossError("");
}

}  // namespace

// A part of one set of names, and the hash that holds what they name.
struct RedisStore::Range {
  Kept names;
  Kept values;
  std::string from;  // as ZRANGEBYLEX takes them
  std::string to;
  size_t limit;
};

RedisStore::RedisStore(RedisStoreOptions options, const Clock& clock)
    : service_(std::move(options.service)),
      server_name_(options.server.Name()),
      pool_(std::move(options.server), clock, std::move(options.restarted)) {}

std::string RedisStore::KeyName(int32_t partition, size_t kept) const {
  return absl::StrCat("porchlight:1:{", service_, "/", partition, "}:", kKeyNames[kept]);
}

absl::Status RedisStore::Damaged(int32_t partition) const {
  return absl::UnavailableError(absl::StrCat(
      server_name_, " holds something that isn't ours under the keys of ", service_, "/", partition,
      "; wipe the store with `porchlight rebuild`: it is made again from the log"));
}

absl::Status RedisStore::Do(absl::FunctionRef<absl::Status(RedisConnection&)> work) {
  absl::StatusOr<std::unique_ptr<RedisConnection>> connection = pool_.Take();
  if (!connection.ok()) return connection.status();
  absl::Status status = work(**connection);
  pool_.Give(*std::move(connection));
  return status;
}

absl::StatusOr<v1::Checkpoint> RedisStore::Where(int32_t partition) {
  v1::Checkpoint checkpoint;
  absl::Status status = Do([&](RedisConnection& connection) {
    const absl::StatusOr<RedisReply> reply =
        connection.Run({"HGET", KeyName(partition, kCheckpoint), "bytes"});
    if (!reply.ok()) return reply.status();
    if ((*reply)->type == REDIS_REPLY_NIL) return absl::OkStatus();
    return ParseStored(Text(**reply), checkpoint) ? absl::OkStatus() : Damaged(partition);
  });
  if (!status.ok()) return status;
  return checkpoint;
}

absl::Status RedisStore::Apply(int32_t partition, const StoreBatch& batch) {
  if (absl::Status status = CheckBatch(partition, batch); !status.ok()) return status;
  ScriptCommands commands;
  commands.Add(NetChange(batch));
  commands.Set(kCheckpoint, "sequence", absl::StrCat(batch.to.sequence()));
  commands.Set(kCheckpoint, "bytes", batch.to.SerializeAsString());
  std::array<std::string, kKeyNames.size()> keys;
  for (size_t kept = 0; kept < keys.size(); ++kept) keys[kept] = KeyName(partition, kept);
  const std::string key_count = absl::StrCat(keys.size());
  const std::string from_sequence = absl::StrCat(batch.from_sequence);
  std::vector<absl::string_view> words = {"EVAL", kApplyScript, key_count};
  words.insert(words.end(), keys.begin(), keys.end());
  words.push_back(from_sequence);
  commands.AppendTo(words);
  return Do([&](RedisConnection& connection) {
    const absl::StatusOr<RedisReply> reply = connection.Run(words);
    if (!reply.ok()) return reply.status();
    uint64_t stood_at = 0;
    if (!IsText(**reply) || !absl::SimpleAtoi(Text(**reply), &stood_at)) return Damaged(partition);
    return CheckStandsAt(partition, batch, stood_at);
  });
}

absl::StatusOr<StoredAggregate> RedisStore::Load(int32_t partition,
                                                 const std::string& aggregate_id) {
  std::optional<StoredAggregate> loaded;
  absl::Status status = Do([&](RedisConnection& connection) {
    const absl::StatusOr<RedisReply> reply =
        connection.Run({"HGET", KeyName(partition, kStates), aggregate_id});
    if (!reply.ok()) return reply.status();
    if ((*reply)->type == REDIS_REPLY_NIL) {
      return absl::NotFoundError(absl::StrCat("partition ", partition, " holds no ", aggregate_id));
    }
    loaded = ParseState(aggregate_id, Text(**reply));
    return loaded.has_value() ? absl::OkStatus() : Damaged(partition);
  });
  if (!status.ok()) return status;
  return *std::move(loaded);
}

absl::StatusOr<v1::Checkpoint> RedisStore::Visit(int32_t partition, StoreVisitor& visitor) {
  const auto name = [&](Kept kept) { return KeyName(partition, kept); };
  for (int n = 0; n < kVisitTries; ++n) {
    View view;
    const absl::Status status =
        Do([&](RedisConnection& connection) { return ReadAll(connection, name, view); });
    if (absl::IsAborted(status)) continue;
    if (absl::IsDataLoss(status)) return Damaged(partition);
    if (!status.ok()) return status;
    if (!view.Tell(visitor)) return Damaged(partition);
    return view.checkpoint;
  }
  return absl::UnavailableError(absl::StrCat(service_, "/", partition, " of the store at ",
                                             server_name_, " changed ", kVisitTries,
                                             " times while it was read; another instance owns it"));
}

absl::Status RedisStore::InOrder(
    int32_t partition, const Range& range,
    absl::FunctionRef<absl::Status(absl::string_view, absl::string_view)> take) {
  const std::string names = KeyName(partition, range.names);
  const std::string values = KeyName(partition, range.values);
  std::string from = range.from;
  for (size_t taken = 0; taken < range.limit;) {
    const size_t page = std::min(kPageMax, range.limit - taken);
    const std::string page_text = absl::StrCat(page);
    size_t found = 0;
    absl::Status status = Do([&](RedisConnection& connection) {
      const absl::StatusOr<RedisReply> reply =
          connection.Run({"EVAL", kInOrderScript, "2", names, values, from, range.to, page_text});
      if (!reply.ok()) return reply.status();
      const redisReply& list = **reply;
      if (list.type != REDIS_REPLY_ARRAY || list.elements % 2 != 0) return Damaged(partition);
      for (size_t n = 0; n < list.elements; n += 2) {
        if (!IsText(*list.element[n]) || !IsText(*list.element[n + 1])) return Damaged(partition);
        const absl::string_view name = Text(*list.element[n]);
        absl::Status one = take(name, Text(*list.element[n + 1]));
        if (!one.ok()) return one;
        from = absl::StrCat("(", name);
      }
      found = list.elements / 2;
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    if (found < page) break;
    taken += found;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Timer>> RedisStore::Timers(int32_t partition,
                                                          const std::string& aggregate_id) {
  // All names that begin with the aggregate's id and the separator, and none that goes on.
  const Range range = {.names = kTimerIds,
                       .values = kTimers,
                       .from = absl::StrCat("[", TimerName(aggregate_id, "")),
                       .to = absl::StrCat("(", aggregate_id, "\1"),
                       .limit = SIZE_MAX};
  std::vector<v1::Timer> listed;
  absl::Status status = InOrder(partition, range, [&](absl::string_view, absl::string_view bytes) {
    return ParseStored(bytes, listed.emplace_back()) ? absl::OkStatus() : Damaged(partition);
  });
  if (!status.ok()) return status;
  return listed;
}

absl::StatusOr<std::vector<StoredAggregate>> RedisStore::List(int32_t partition,
                                                              const ListOptions& options) {
  const Range range = {.names = options.active_only ? kActive : kIds,
                       .values = kStates,
                       .from = options.after.empty() ? "-" : absl::StrCat("(", options.after),
                       .to = "+",
                       .limit = options.limit};
  std::vector<StoredAggregate> listed;
  absl::Status status =
      InOrder(partition, range, [&](absl::string_view id, absl::string_view value) {
        std::optional<StoredAggregate> aggregate = ParseState(id, value);
        if (!aggregate.has_value()) return Damaged(partition);
        listed.push_back(*std::move(aggregate));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return listed;
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> RedisStore::DeadLetters(int32_t partition,
                                                                        size_t limit) {
  const Range range = {
      .names = kDead, .values = kDeliveries, .from = "-", .to = "+", .limit = limit};
  std::vector<v1::DeliveryStatus> dead;
  absl::Status status = InOrder(partition, range, [&](absl::string_view, absl::string_view bytes) {
    return ParseStored(bytes, dead.emplace_back()) ? absl::OkStatus() : Damaged(partition);
  });
  if (!status.ok()) return status;
  return dead;
}

absl::Status RedisStore::Wipe(int32_t partition) {
  std::vector<std::string> keys;
  for (size_t kept = 0; kept < kKeyNames.size(); ++kept) keys.push_back(KeyName(partition, kept));
  // Freed beside other work, not at once: there may be much.
  std::vector<absl::string_view> words = {"UNLINK"};
  words.insert(words.end(), keys.begin(), keys.end());
  return Do([&](RedisConnection& connection) { return connection.Run(words).status(); });
}

}  // namespace porchlight
