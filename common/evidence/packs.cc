#include "common/evidence/packs.h"

#include "common/log/chain.h"
#include "common/policy/loader.h"
#include "common/privacy/sealing.h"
#include "common/processor/reference.h"
#include "common/processor/rules.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {
namespace {

void AddHash(const v1::Record& record, std::set<std::string>& hashes) {
  v1::RecordHeader header;
  if (header.ParseFromString(record.header()) && !header.policy_hash().empty()) {
    hashes.insert(header.policy_hash());
  }
}

// Where the agency's own key is gone, or a later version wrote the record, others may still do.
bool CannotBeRead(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsUnimplemented(status);
}

// What one record of the directory set.
absl::StatusOr<std::vector<v1::PolicyPack>> PacksOf(Keys& keys, const v1::Record& record) {
  std::vector<v1::PolicyPack> packs;
  const absl::StatusOr<OpenedRecord> event = OpenRecord(keys, record);
  if (!event.ok()) {
    if (CannotBeRead(event.status())) return packs;
    return event.status();
  }
  if (const auto* replaced = As<v1::DirectoryReplaced>(event->payload.get())) {
    packs.assign(replaced->directory().packs().begin(), replaced->directory().packs().end());
  } else if (const auto* changed = As<v1::DirectoryChanged>(event->payload.get())) {
    const v1::Directory& set = changed->change().set();
    packs.assign(set.packs().begin(), set.packs().end());
  }
  return packs;
}

}  // namespace

void AddPolicyHashes(const v1::Transition& transition, std::set<std::string>& hashes) {
  for (const v1::Record& event : transition.events()) AddHash(event, hashes);
  for (const v1::Delivery& delivery : transition.deliveries()) AddHash(delivery.message(), hashes);
  if (transition.outcome().has_body()) AddHash(transition.outcome().body(), hashes);
}

absl::StatusOr<std::vector<v1::PolicyPack>> FindPacks(Log& log, Keys& keys,
                                                      std::set<std::string> hashes) {
  std::vector<v1::PolicyPack> found;
  ChainReader reader(log, {EventsTopic(kDirectoryService), 0}, ChainTail{});
  while (!hashes.empty()) {
    const absl::StatusOr<std::vector<Counted>> read = reader.Next();
    if (!read.ok()) return read.status();
    if (read->empty()) break;
    for (const Counted& counted : *read) {
      for (const v1::Record& record : counted.transition.events()) {
        absl::StatusOr<std::vector<v1::PolicyPack>> packs = PacksOf(keys, record);
        if (!packs.ok()) return packs.status();
        for (v1::PolicyPack& pack : *packs) {
          const auto wanted = hashes.find(pack.content_hash());
          if (wanted == hashes.end() || ContentHash(pack) != *wanted) continue;
          hashes.erase(wanted);
          found.push_back(std::move(pack));
        }
      }
    }
  }
  return found;
}

}  // namespace porchlight
