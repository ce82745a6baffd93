#include "common/evidence/read_bundle.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/evidence/packs.h"

namespace porchlight {

std::optional<Key> YouthKeyOf(const v1::EvidenceBundle& bundle) {
  Key key;
  if (bundle.youth_key().size() != key.size()) return std::nullopt;
  std::copy(bundle.youth_key().begin(), bundle.youth_key().end(), key.begin());
  return key;
}

EvidenceReport ReportOf(const SignedEvidence& evidence) {
  const v1::EvidenceBundle& bundle = evidence.bundle;
  EvidenceReport report;
  report.episode_id = bundle.episode_id();
  report.youth_id = bundle.youth_id();
  report.agency_id = bundle.agency_id();
  report.exported_at = FromProto(bundle.exported_at());
  report.key_fingerprint = evidence.key_fingerprint;
  report.sealed = bundle.youth_key().empty();
  report.packs.assign(bundle.packs().begin(), bundle.packs().end());
  return report;
}

EvidenceReport ReadUnverified(const SignedEvidence& evidence, std::string fault, Telling telling) {
  const v1::EvidenceBundle& bundle = evidence.bundle;
  EvidenceReport report = ReportOf(evidence);
  report.fault = std::move(fault);
  std::vector<WholeTransition> transitions;
  std::set<std::string> hashes;
  for (int chain = 0; chain < bundle.chains_size(); ++chain) {
    const v1::EvidenceChain& in = bundle.chains(chain);
    report.links += static_cast<size_t>(in.links_size());
    for (int i = 0; i < in.links_size(); ++i) {
      WholeTransition whole{.chain = static_cast<size_t>(chain),
                            .sequence = static_cast<uint64_t>(i) + 1,
                            .transition = {}};
      if (in.links(i).content().empty() ||
          !whole.transition.ParseFromString(in.links(i).content())) {
        continue;
      }
      AddPolicyHashes(whole.transition, hashes);
      transitions.push_back(std::move(whole));
    }
  }
  for (const v1::PolicyPack& pack : bundle.packs()) hashes.erase(pack.content_hash());
  report.packs_missing.assign(hashes.begin(), hashes.end());
  CommandsByDigest commands;
  for (const v1::Record& command : bundle.commands()) {
    commands.emplace(Sha256(command.SerializeAsString()), command);
  }
  const std::optional<Key> key = YouthKeyOf(bundle);
  FillTimeline({.transitions = transitions, .commands = commands, .key = key, .telling = telling},
               report);
  return report;
}

}  // namespace porchlight
