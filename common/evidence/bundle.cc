#include "common/evidence/bundle.h"

#include <sodium.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/evidence/packs.h"
#include "common/log/append_rules.h"
#include "common/log/chain.h"

namespace porchlight {
namespace {

constexpr absl::string_view kFirstLine = "porchlight evidence 1\n";
constexpr size_t kPublicKeyBytes = crypto_sign_PUBLICKEYBYTES;
constexpr size_t kSignatureBytes = crypto_sign_BYTES;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// What is taken from the log, before it becomes a bundle.
struct Collected {
  std::vector<ChainReader> readers;
  std::vector<v1::EvidenceChain> chains;  // one for each reader
  // By topic: how far some transition of this episode has consumed it.
  std::map<std::string, uint64_t> consumed;
  // Digest of a command, and whether it was found.
  std::map<std::string, bool> commands;
  // Digests of what was heard: events, and commands of another service that are watched.
  std::set<std::string> heard;
  std::set<std::string> events;       // digests of those in the file
  bool oldest_commands_gone = false;  // by retention
  std::set<std::string> policy_hashes;
  bool found = false;  // anything of the episode itself, not only of the youth
};

bool IsOfEpisode(const v1::Transition& transition, absl::string_view episode_id) {
  if (transition.aggregate_id() == episode_id) return true;
  return std::any_of(
      transition.events().begin(), transition.events().end(), [&](const v1::Record& event) {
        v1::RecordHeader header;
        return header.ParseFromString(event.header()) && header.episode_id() == episode_id;
      });
}

void AddLink(absl::string_view episode_id, const Counted& counted, v1::EvidenceChain& chain,
             Collected& all) {
  v1::EvidenceLink& link = *chain.add_links();
  link.set_aggregate_tag(counted.record.aggregate_tag());
  link.set_content_digest(Sha256(counted.record.content()));
  link.set_hash(counted.record.hash());
  const v1::Transition& transition = counted.transition;
  if (transition.aggregate_id() != episode_id && transition.aggregate_id() != YouthOf(episode_id)) {
    return;
  }
  link.set_content(counted.record.content());
  all.found = all.found || IsOfEpisode(transition, episode_id);
  if (transition.input().kind() == v1::INPUT_KIND_COMMAND) {
    all.commands.emplace(transition.input().digest(), false);
  } else if (transition.input().kind() == v1::INPUT_KIND_EVENT) {
    all.heard.insert(transition.input().digest());
  }
  for (const v1::Record& event : transition.events())
    all.events.insert(Sha256(event.SerializeAsString()));
  AddPolicyHashes(transition, all.policy_hashes);
  for (const v1::Position& position : transition.positions()) {
    if (position.partition() != chain.partition()) continue;
    uint64_t& sequence = all.consumed[position.topic()];
    sequence = std::max(sequence, position.chain_sequence());
  }
}

// Reads on to the end, or until the chain is `at_least` so long.
absl::Status ReadChain(absl::string_view episode_id, size_t i, uint64_t at_least, Collected& all) {
  ChainReader& reader = all.readers[i];
  while (reader.tail().sequence < at_least) {
    const int64_t before = reader.tail().next_offset;
    const absl::StatusOr<std::vector<Counted>> read = reader.Next();
    if (!read.ok()) return read.status();
    for (const Counted& counted : *read) AddLink(episode_id, counted, all.chains[i], all);
    if (reader.tail().next_offset == before) return absl::OkStatus();
  }
  return absl::OkStatus();
}

// Chains are read one after the other while they may grow. One that was read early is read on as
// far as the others have consumed it; that ends, since what was consumed was there before.
absl::Status ReadChains(absl::string_view episode_id, Collected& all) {
  for (size_t i = 0; i < all.readers.size(); ++i) {
    absl::Status read = ReadChain(episode_id, i, UINT64_MAX, all);
    if (!read.ok()) return read;
  }
  for (bool grown = true; grown;) {
    grown = false;
    for (size_t i = 0; i < all.readers.size(); ++i) {
      const uint64_t needed = all.consumed[all.readers[i].where().topic];
      if (all.readers[i].tail().sequence >= needed) continue;
      absl::Status read = ReadChain(episode_id, i, needed, all);
      if (!read.ok()) return read;
      if (all.readers[i].tail().sequence < needed) {
        const TopicPartition& where = all.readers[i].where();
        return absl::DataLossError(absl::StrCat(
            where.topic, "/", where.partition, " ends at sequence ", all.readers[i].tail().sequence,
            ", but another service has already acted on sequence ", needed,
            ": the log was cut short. Restore it from a backup."));
      }
      grown = true;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadCommands(Log& log, const TopicPartition& where, Collected& all,
                          v1::EvidenceBundle& bundle) {
  for (int64_t offset = 0;;) {
    const absl::StatusOr<std::vector<std::string>> read = log.Read(where, offset);
    if (const auto left = StartOfWhatIsLeft(read.status()); left.has_value() && *left > offset) {
      all.oldest_commands_gone = true;
      offset = *left;
      continue;
    }
    if (!read.ok()) return read.status();
    if (read->empty()) return absl::OkStatus();
    for (const std::string& bytes : *read) {
      std::string digest = Sha256(bytes);
      if (all.heard.contains(digest)) all.commands.emplace(digest, false);
      const auto named = all.commands.find(digest);
      if (named == all.commands.end() || named->second) continue;
      v1::Record& command = *bundle.add_commands();
      // The digest is of the bytes as stored: they must come out the same again.
      if (!command.ParseFromString(bytes) || command.SerializeAsString() != bytes) {
        return absl::DataLossError(absl::StrCat("record ", offset, " of ", where.topic, "/",
                                                where.partition, " is not a record"));
      }
      named->second = true;
    }
    offset += static_cast<int64_t>(read->size());
  }
}

}  // namespace

absl::StatusOr<v1::EvidenceBundle> ExportEvidence(const ExportSources& sources,
                                                  absl::string_view episode_id, absl::Time now) {
  const std::string youth_id(YouthOf(episode_id));
  const int32_t partition = PartitionOf(youth_id, sources.partitions);
  Collected all;
  for (const std::string& service : sources.services) {
    all.readers.emplace_back(sources.log, TopicPartition{EventsTopic(service), partition},
                             ChainTail{});
    v1::EvidenceChain& chain = all.chains.emplace_back();
    chain.set_topic(EventsTopic(service));
    chain.set_partition(partition);
  }
  absl::Status read = ReadChains(episode_id, all);
  if (!read.ok()) return read;
  if (!all.found) return absl::NotFoundError("nothing of such an episode is in the log");

  v1::EvidenceBundle bundle;
  bundle.set_episode_id(std::string(episode_id));
  bundle.set_youth_id(youth_id);
  bundle.set_agency_id(sources.agency_id);
  *bundle.mutable_exported_at() = ToProto(now);
  for (v1::EvidenceChain& chain : all.chains) *bundle.add_chains() = std::move(chain);
  for (const std::string& service : sources.services) {
    read = ReadCommands(sources.log, {CommandsTopic(service), partition}, all, bundle);
    if (!read.ok()) return read;
  }
  // Such a one isn't in the file's chains, so it was a command.
  for (const std::string& digest : all.heard) {
    if (all.oldest_commands_gone && !all.events.contains(digest))
      all.commands.emplace(digest, false);
  }
  for (const auto& [digest, found] : all.commands) {
    if (found) continue;
    if (all.oldest_commands_gone) {
      bundle.add_commands_removed(digest);
      continue;
    }
    return absl::DataLossError(
        absl::StrCat("the command with digest ", absl::BytesToHexString(digest),
                     ", which a transition of this episode decided, is not in the log any more: it "
                     "was changed or removed. Run `porchlight evidence verify --data DIR`."));
  }
  absl::StatusOr<std::vector<v1::PolicyPack>> packs =
      FindPacks(sources.log, sources.keys, std::move(all.policy_hashes));
  if (!packs.ok()) return packs.status();
  for (v1::PolicyPack& pack : *packs) *bundle.add_packs() = std::move(pack);
  const absl::StatusOr<Key> key = sources.keys.Get(KeyName(youth_id));
  if (key.ok()) {
    bundle.set_youth_key(std::string(key->begin(), key->end()));
  } else if (absl::IsNotFound(key.status())) {
    return absl::DataLossError(
        "the youth's key is lost, so nobody can read their record. Restore the keys from a "
        "backup.");
  } else if (!absl::IsFailedPrecondition(key.status())) {
    return key.status();
  }
  return bundle;
}

std::string SignEvidence(const v1::EvidenceBundle& bundle, const Key& signing_seed) {
  static_assert(sizeof(Key) == crypto_sign_SEEDBYTES);
  std::string public_key(kPublicKeyBytes, '\0');
  std::string secret_key(crypto_sign_SECRETKEYBYTES, '\0');
  crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(public_key.data()),
                           reinterpret_cast<unsigned char*>(secret_key.data()),
                           signing_seed.data());
  const std::string content = bundle.SerializeAsString();
  const std::string digest = Sha256({kFirstLine, public_key, content});
  std::string signature(kSignatureBytes, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, Bytes(digest),
                       digest.size(), Bytes(secret_key));
  sodium_memzero(secret_key.data(), secret_key.size());
  return absl::StrCat(kFirstLine, public_key, signature, content);
}

absl::StatusOr<SignedEvidence> OpenEvidence(absl::string_view file) {
  if (!absl::StartsWith(file, kFirstLine) ||
      file.size() < kFirstLine.size() + kPublicKeyBytes + kSignatureBytes) {
    return absl::InvalidArgumentError(
        "this is not an evidence file, or of a later version than this program, or only its "
        "beginning. Export it again with `porchlight evidence export`.");
  }
  const absl::string_view public_key = file.substr(kFirstLine.size(), kPublicKeyBytes);
  const absl::string_view signature =
      file.substr(kFirstLine.size() + kPublicKeyBytes, kSignatureBytes);
  const absl::string_view content =
      file.substr(kFirstLine.size() + kPublicKeyBytes + kSignatureBytes);
  const std::string digest = Sha256({kFirstLine, public_key, content});
  SignedEvidence opened;
  opened.signature_fits = crypto_sign_verify_detached(Bytes(signature), Bytes(digest),
                                                      digest.size(), Bytes(public_key)) == 0;
  if (content.size() > INT32_MAX ||
      !opened.bundle.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    return absl::DataLossError(
        opened.signature_fits
            ? "the signature fits, but what was signed is not evidence"
            : "the signature doesn't fit, and so much of the file was damaged or changed that it "
              "can't be told which record. Nothing in it can be relied on.");
  }
  opened.key_fingerprint = absl::BytesToHexString(Sha256(public_key));
  return opened;
}

}  // namespace porchlight
