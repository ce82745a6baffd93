// Makes the evidence of one episode: a signed file (proto/porchlight/v1/evidence.proto) with which
// anybody can check offline what was done and when. It must never hold anything of another youth
// but the tags and hashes that their links have in the chain, and nothing of the directory but
// policy packs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/keys/keys.h"
#include "common/log/log.h"
#include "porchlight/v1/evidence.pb.h"

namespace porchlight {

struct ExportSources {
  Log& log;
  Keys& keys;
  // Whose topics are keyed by the youth, such as "intake" and "notification".
  std::vector<std::string> services;
  int32_t partitions = 0;
  // Ed25519 seed of the agency's signing key.
  Key signing_seed{};
  std::string agency_id;
};

// NotFound: nothing of this episode is in the log. DataLoss: the log was damaged or cut short; the
// text names the record. Where the youth's key was destroyed the payloads stay sealed.
absl::StatusOr<v1::EvidenceBundle> ExportEvidence(const ExportSources& sources,
                                                  absl::string_view episode_id, absl::Time now);

// The file of this bundle.
std::string SignEvidence(const v1::EvidenceBundle& bundle, const Key& signing_seed);

struct SignedEvidence {
  v1::EvidenceBundle bundle;
  // If not, the file was damaged or changed since, and the bundle is only good to look for where.
  bool signature_fits = false;
  // SHA-256 of the public key that signed, in hexadecimal. Whose key that is can't be seen from the
  // file: a person compares this with what the agency has published.
  std::string key_fingerprint;
};

// InvalidArgument: this is not an evidence file. DataLoss: it can't be read as one any more.
absl::StatusOr<SignedEvidence> OpenEvidence(absl::string_view file);

}  // namespace porchlight
