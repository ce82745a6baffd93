#include "common/keys/kafka_keys.h"

#include <sodium.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/hash.h"
#include "common/keys/master_key.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

constexpr absl::string_view kKeyPrefix = "key/";
constexpr absl::string_view kDestroyedPrefix = "destroyed/";
constexpr absl::string_view kMovingMark = "moving";
constexpr size_t kRandomBytes = 16;
constexpr size_t kImportedAtOnce = 1000;

absl::string_view Bytes(const Key& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

// "name" of "key/<random>/name".
absl::string_view NameOf(absl::string_view kafka_key) {
  const size_t slash = kafka_key.find('/', kKeyPrefix.size());
  return slash == absl::string_view::npos ? "" : kafka_key.substr(slash + 1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaKeys>> KafkaKeys::Open(const KafkaKeysOptions& options,
                                                           const Key& master,
                                                           absl::string_view master_key_file) {
  absl::StatusOr<std::unique_ptr<kafka::Producer>> producer = kafka::Producer::Open(options.client);
  if (!producer.ok()) return producer.status();
  // The end is told, since what stood last may have been removed by compaction.
  absl::StatusOr<std::unique_ptr<kafka::Consumer>> consumer =
      kafka::Consumer::Open(options.client, {.tell_ends = true});
  if (!consumer.ok()) return consumer.status();
  std::unique_ptr<KafkaKeys> keys(
      new KafkaKeys(options, master, *std::move(producer), *std::move(consumer)));
  if (absl::Status started = keys->Start(options, master_key_file); !started.ok()) return started;
  return keys;
}

KafkaKeys::KafkaKeys(const KafkaKeysOptions& options, const Key& master,
                     std::unique_ptr<kafka::Producer> producer,
                     std::unique_ptr<kafka::Consumer> consumer)
    : where_{options.topic, 0},
      master_(master),
      producer_(std::move(producer)),
      consumer_(std::move(consumer)),
      queue_(consumer_->MakeQueue()) {}

KafkaKeys::~KafkaKeys() {
  absl::MutexLock lock(&mutex_);
  if (started_) consumer_->Stop(where_);
}

absl::Status KafkaKeys::Start(const KafkaKeysOptions& options, absl::string_view master_key_file) {
  if (absl::Status read = ReadToTheEnd(); !read.ok()) return read;
  if (moving() && !options.for_move) {
    return absl::UnavailableError(
        "a data folder is being moved into this cluster (`porchlight migrate`), and not all of it "
        "is there: nothing is decided before. If nobody is at it any more, run it again: it goes "
        "on where it stopped.");
  }
  if (absl::Status checked = CheckMaster(master_key_file); !checked.ok()) return checked;
  std::vector<std::string> unfinished;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, entry] : entries_) {
      if (entry.destroyed && !entry.kafka_keys.empty()) unfinished.push_back(name);
    }
  }
  for (const std::string& name : unfinished) {
    if (absl::Status removed = Remove(name); !removed.ok()) return removed;
  }
  return absl::OkStatus();
}

absl::Status KafkaKeys::CheckMaster(absl::string_view master_key_file) {
  const absl::Status found = GetOrCreate(kMasterKeyCheck).status();
  if (!absl::IsDataLoss(found)) return found;
  return absl::FailedPreconditionError(absl::StrCat(
      "the master key in ", master_key_file, " doesn't open the keys in topic ", where_.topic,
      ": they were made with another one. Put back the master key that belongs to them; without it "
      "nothing that was recorded can be read."));
}

absl::Status KafkaKeys::ReadToTheEnd() {
  const absl::StatusOr<int64_t> end = producer_->AskEnd(where_);
  if (!end.ok()) return end.status();
  absl::MutexLock lock(&mutex_);
  return ReadTo(*end);
}

absl::Status KafkaKeys::ReadTo(int64_t end) {
  if (absl::Status caught_up = CatchUp(); !caught_up.ok()) return caught_up;
  while (next_ < end) {
    std::optional<kafka::Received> received =
        consumer_->Receive(queue_, consumer_->client().options().answer_wait);
    if (!received.has_value()) {
      return consumer_->client().Trouble(
          absl::StrCat("the keys in ", kafka::Name(where_), " can't be read"),
          RD_KAFKA_RESP_ERR__TIMED_OUT);
    }
    if (absl::Status taken = TakeIn(*std::move(received)); !taken.ok()) return taken;
  }
  return absl::OkStatus();
}

absl::Status KafkaKeys::CatchUp() {
  if (!started_) {
    if (absl::Status begun = consumer_->Start(where_, next_, queue_); !begun.ok()) return begun;
    started_ = true;
  }
  while (std::optional<kafka::Received> received =
             consumer_->Receive(queue_, absl::ZeroDuration())) {
    if (absl::Status taken = TakeIn(*std::move(received)); !taken.ok()) return taken;
  }
  return absl::OkStatus();
}

absl::Status KafkaKeys::TakeIn(kafka::Received received) {
  if (!received.trouble.ok()) {
    // Begun again by the next call.
    consumer_->Stop(where_);
    started_ = false;
    return received.trouble;
  }
  next_ = received.is_end ? received.offset : received.offset + 1;
  absl::string_view name = received.key;
  if (received.is_end) return absl::OkStatus();
  if (received.key == kMovingMark) {
    moving_ = received.has_value;
    return absl::OkStatus();
  }
  if (absl::ConsumePrefix(&name, kDestroyedPrefix)) {
    Entry& entry = entries_[name];
    entry.destroyed = true;
    entry.wrapped.clear();
    return absl::OkStatus();
  }
  name = NameOf(received.key);
  if (name.empty()) return absl::OkStatus();
  Entry& entry = entries_[name];
  std::erase(entry.kafka_keys, received.key);
  if (!received.has_value) return absl::OkStatus();
  entry.kafka_keys.push_back(std::move(received.key));
  if (entry.wrapped.empty() && !entry.destroyed) entry.wrapped = std::move(received.value);
  return absl::OkStatus();
}

absl::StatusOr<Key> KafkaKeys::Find(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end() && found->second.destroyed) return KeyDestroyed(name);
  if (found == entries_.end() || found->second.wrapped.empty()) {
    return absl::NotFoundError(absl::StrCat("key \"", name, "\" was never created"));
  }
  absl::StatusOr<std::string> plain =
      porchlight::Open(master_, found->second.wrapped, WrappingOf(name));
  if (!plain.ok() || plain->size() != std::tuple_size<Key>::value) {
    return absl::DataLossError(absl::StrCat(
        "key \"", name, "\" in topic ", where_.topic,
        " can't be unwrapped with the master key: something else has written there. Restore the "
        "topic from a backup."));
  }
  Key key;
  std::copy(plain->begin(), plain->end(), key.begin());
  sodium_memzero(plain->data(), plain->size());
  return key;
}

absl::StatusOr<Key> KafkaKeys::FindNow(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  // Known keys are given out also while no broker can be reached.
  CatchUp().IgnoreError();
  return Find(name);
}

absl::StatusOr<Key> KafkaKeys::Get(const std::string& name) {
  absl::StatusOr<Key> key = FindNow(name);
  if (!absl::IsNotFound(key.status())) return key;
  if (absl::Status read = ReadToTheEnd(); !read.ok()) return read;
  return FindNow(name);
}

absl::StatusOr<Key> KafkaKeys::GetOrCreate(const std::string& name) {
  absl::StatusOr<Key> known = FindNow(name);
  if (!absl::IsNotFound(known.status())) return known;
  std::string plain = RandomBytes(std::tuple_size<Key>::value);
  const std::string wrapped = Seal(master_, plain, WrappingOf(name));
  sodium_memzero(plain.data(), plain.size());
  std::vector<kafka::Message> made;
  made.push_back({.key = absl::StrCat(kKeyPrefix, absl::BytesToHexString(RandomBytes(kRandomBytes)),
                                      "/", name),
                  .value = absl::string_view(wrapped),
                  .headers = {}});
  // Somebody else's may stand before ours: then that is the one, for all.
  if (absl::Status sent = SendAndRead(std::move(made)); !sent.ok()) return sent;
  absl::MutexLock lock(&mutex_);
  return Find(name);
}

absl::Status KafkaKeys::Destroy(const std::string& name) {
  std::vector<kafka::Message> marker;
  marker.push_back(
      {.key = absl::StrCat(kDestroyedPrefix, name), .value = "destroyed", .headers = {}});
  if (absl::Status sent = SendAndRead(std::move(marker)); !sent.ok()) return sent;
  return Remove(name);
}

bool KafkaKeys::moving() {
  absl::MutexLock lock(&mutex_);
  return moving_;
}

absl::Status KafkaKeys::BeginMove() {
  std::vector<kafka::Message> mark;
  mark.push_back({.key = std::string(kMovingMark), .value = "begun", .headers = {}});
  return SendAndRead(std::move(mark));
}

absl::Status KafkaKeys::EndMove() {
  std::vector<kafka::Message> mark;
  mark.push_back({.key = std::string(kMovingMark), .value = std::nullopt, .headers = {}});
  return SendAndRead(std::move(mark));
}

absl::Status KafkaKeys::Import(const std::vector<NamedKey>& keys) {
  std::set<absl::string_view> names = {kMasterKeyCheck};
  std::vector<const NamedKey*> missing;
  {
    absl::MutexLock lock(&mutex_);
    for (const NamedKey& named : keys) {
      names.insert(named.name);
      const absl::StatusOr<bool> there = IsImported(named);
      if (!there.ok()) return there.status();
      if (!*there) missing.push_back(&named);
    }
    for (const auto& [name, entry] : entries_) {
      if (names.contains(name)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("topic ", where_.topic, " has a key, \"", name,
                       "\", that isn't among those to be taken "
                       "over: it was used by something else. Make the topics anew."));
    }
  }
  std::deque<std::string> wrapped;
  std::vector<kafka::Message> messages;
  for (const NamedKey* named : missing) {
    if (!named->key.has_value()) {
      if (absl::Status destroyed = Destroy(named->name); !destroyed.ok()) return destroyed;
      continue;
    }
    // The same Kafka key if this is repeated: the answer may have been lost.
    const std::string once = Sha256({"import/", named->name}).substr(0, kRandomBytes);
    wrapped.push_back(Seal(master_, Bytes(*named->key), WrappingOf(named->name)));
    messages.push_back(
        {.key = absl::StrCat(kKeyPrefix, absl::BytesToHexString(once), "/", named->name),
         .value = absl::string_view(wrapped.back()),
         .headers = {}});
    if (messages.size() < kImportedAtOnce && named != missing.back()) continue;
    if (absl::Status sent = SendAndRead(std::exchange(messages, {})); !sent.ok()) return sent;
    wrapped.clear();
  }
  return messages.empty() ? absl::OkStatus() : SendAndRead(std::move(messages));
}

absl::StatusOr<bool> KafkaKeys::IsImported(const NamedKey& named) {
  const absl::StatusOr<Key> here = Find(named.name);
  if (absl::IsNotFound(here.status())) return false;
  if (absl::IsDataLoss(here.status())) return here.status();
  if (!named.key.has_value()) return !here.ok();
  if (here.ok() && *here == *named.key) return true;
  return absl::FailedPreconditionError(absl::StrCat(
      "topic ", where_.topic, " has another key of the name \"", named.name,
      "\", or has destroyed it: it was used by something else. Make the topics anew."));
}

absl::Status KafkaKeys::Remove(const std::string& name) {
  std::vector<kafka::Message> tombstones;
  {
    absl::MutexLock lock(&mutex_);
    for (const std::string& kafka_key : entries_[name].kafka_keys) {
      tombstones.push_back({.key = kafka_key, .value = std::nullopt, .headers = {}});
    }
  }
  if (tombstones.empty()) return absl::OkStatus();
  return Send(std::move(tombstones)).status();
}

absl::Status KafkaKeys::SendAndRead(std::vector<kafka::Message> messages) {
  const absl::StatusOr<int64_t> end = Send(std::move(messages));
  if (!end.ok()) return end.status();
  absl::MutexLock lock(&mutex_);
  return ReadTo(*end);
}

absl::StatusOr<int64_t> KafkaKeys::Send(std::vector<kafka::Message> messages) {
  std::vector<kafka::Batch> batches;
  batches.push_back({.where = where_, .messages = std::move(messages)});
  const kafka::Sent sent = producer_->Send(batches).front();
  const auto& offsets = sent.offsets;
  if (!sent.trouble.ok()) {
    return absl::UnavailableError(
        absl::StrCat("the keys can't be written: ", sent.trouble.message()));
  }
  return *std::max_element(offsets.begin(), offsets.end()) + 1;
}

}  // namespace porchlight
