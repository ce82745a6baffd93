// Reads policy packs and resolves what each inherits. All that is wrong is told at once, with file
// and line. Never lets a pack loosen or remove a federal ceiling, whatever files it is given.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

struct PolicySource {
  std::string file;  // as named in errors
  std::string yaml;
};

struct PackChoice {
  const v1::PolicyPack* pack = nullptr;  // never null
  // Empty if the jurisdiction has a pack of its own; else one line that says what is used in its
  // place. True for one that has none at all: the federal pack then is all there is.
  std::string warning;
  bool federal_only = false;
};

// Resolved packs, with the federal one always among them.
class PackSet {
 public:
  // As resolved by the loader, or as they came in records. FailedPrecondition: none is "us".
  static absl::StatusOr<PackSet> Make(std::vector<v1::PolicyPack> packs);

  // "us-ca-los-angeles" falls back to "us-ca", and that to "us". Of two packs for a jurisdiction
  // the one that extends the other is taken. Case and blanks around it don't matter.
  PackChoice For(absl::string_view jurisdiction) const;
  // By its pack_id; null if there is none.
  const v1::PolicyPack* Find(absl::string_view pack_id) const;
  // By pack_id.
  const std::map<std::string, v1::PolicyPack>& packs() const { return packs_; }

 private:
  std::map<std::string, v1::PolicyPack> packs_;
  std::map<std::string, std::string> pack_of_jurisdiction_;
};

// The packs that this build of Porchlight brings (deploy/policy).
std::vector<PolicySource> BuiltInPolicySources();

// Resolves the sources, over those of the built-in packs whose pack_id none of them has.
// InvalidArgument with a line for each mistake: `FILE:LINE: key "x": what is wrong; what is
// expected`.
absl::StatusOr<PackSet> ParsePacks(const std::vector<PolicySource>& sources);

// Files, and every *.yaml of folders. NotFound, PermissionDenied: one of them can't be read.
// FailedPrecondition: a folder without packs, or a file that is too large.
absl::StatusOr<std::vector<PolicySource>> ReadPolicySources(const std::vector<std::string>& paths);

// Both. Of no paths: the built-in packs.
absl::StatusOr<PackSet> LoadPacks(const std::vector<std::string>& paths);

// The pack_id that each source gives; empty where it gives none.
std::vector<std::string> PackIdsOf(const std::vector<PolicySource>& sources);

// Of a resolved pack, without regard to the content_hash that it has.
std::string ContentHash(const v1::PolicyPack& pack);

}  // namespace porchlight
