#include "common/policy/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/hash.h"
#include "common/policy/pack_file.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace porchlight {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kFederal = "us";
constexpr size_t kPackBytesMax = 1u << 20;

using PackFiles = std::vector<std::unique_ptr<PackFile>>;

PackFiles Open(const std::vector<PolicySource>& sources) {
  PackFiles files;
  std::map<std::string, PackFile*> by_id;
  for (const PolicySource& source : sources) {
    PackFile& file = *files.emplace_back(std::make_unique<PackFile>(source));
    if (file.pack_id().empty() || by_id.emplace(file.pack_id(), &file).second) continue;
    file.Mistake("pack", "another file gives a pack of the same id", "expected its own");
  }
  return files;
}

using Packs = std::map<std::string, v1::PolicyPack>;

class Resolver {
 public:
  // `resolved` are those that are known already. `federal` is what a file in its place is measured
  // by; null: nothing is.
  Resolver(PackFiles files, Packs resolved, const v1::PolicyPack* federal)
      : files_(std::move(files)), federal_(federal), resolved_(std::move(resolved)) {
    for (const auto& file : files_) by_id_.try_emplace(file->pack_id(), file.get());
  }

  absl::StatusOr<Packs> Run() {
    for (const auto& file : files_) Resolve(*file, 0);
    CheckJurisdictions();
    std::vector<std::string> mistakes;
    for (const auto& file : files_) {
      const absl::Status status = file->mistakes().ToStatus();
      if (!status.ok()) mistakes.emplace_back(status.message());
    }
    if (!mistakes.empty()) return absl::InvalidArgumentError(absl::StrJoin(mistakes, "\n"));
    return std::move(resolved_);
  }

 private:
  // Null if it, or one beneath it, is wrong.
  const v1::PolicyPack* Resolve(PackFile& file, size_t depth) {
    if (!file.mistakes().empty()) return nullptr;
    const auto done = resolved_.find(file.pack_id());
    if (done != resolved_.end()) return &done->second;
    if (depth > files_.size()) {
      file.Mistake("extends", "it comes back to this pack", "expected an order without a circle");
      return nullptr;
    }
    const v1::PolicyPack* parent = nullptr;
    if (!file.extends().empty()) {
      parent = ParentOf(file, depth);
      if (parent == nullptr) return nullptr;
    } else if (file.pack_id() != kFederal) {
      file.Mistake("extends", "it is missing",
                   "every pack stands on the federal one: expected us, or a pack that extends it");
      return nullptr;
    }
    v1::PolicyPack pack = file.Resolve(parent);
    if (parent == nullptr && federal_ != nullptr) file.CheckAgainst(*federal_, pack);
    if (!file.mistakes().empty()) return nullptr;
    return &resolved_.emplace(file.pack_id(), std::move(pack)).first->second;
  }

  const v1::PolicyPack* ParentOf(PackFile& file, size_t depth) {
    const auto found = by_id_.find(file.extends());
    if (found != by_id_.end()) return Resolve(*found->second, depth + 1);
    const auto known = resolved_.find(file.extends());
    if (known != resolved_.end()) return &known->second;
    std::set<std::string> ids;
    for (const auto& [id, pack] : resolved_) ids.insert(id);
    for (const auto& [id, other] : by_id_) ids.insert(id);
    file.Mistake("extends", "there is no pack of this id",
                 absl::StrCat("expected one of ", absl::StrJoin(ids, ", ")));
    return nullptr;
  }

  // One pack is in force in a jurisdiction: of two, the one that extends the other.
  void CheckJurisdictions() {
    for (const auto& [id, pack] : resolved_) {
      for (const auto& [other_id, other] : resolved_) {
        if (id >= other_id || pack.jurisdiction() != other.jurisdiction()) continue;
        const auto extends = [](const v1::PolicyPack& over, const std::string& beneath) {
          return std::find(over.extends().begin(), over.extends().end(), beneath) !=
                 over.extends().end();
        };
        if (extends(pack, other_id) || extends(other, id)) continue;
        const bool other_is_given = by_id_.count(other_id) > 0;
        PackFile& file = *by_id_.at(other_is_given ? other_id : id);
        file.Mistake(
            "jurisdiction",
            absl::StrCat("pack ", other_is_given ? id : other_id, " is for the same jurisdiction"),
            "expected one of them to extend the other");
      }
    }
  }

  const PackFiles files_;
  const v1::PolicyPack* const federal_;
  std::map<std::string, PackFile*> by_id_;
  Packs resolved_;
};

// What this build brings. Resolved once; a test shows that it is without mistakes.
const Packs& BuiltInPacks() {
  static const auto& packs =
      *new Packs(Resolver(Open(BuiltInPolicySources()), {}, nullptr).Run().value());
  return packs;
}

absl::StatusOr<PolicySource> ReadSource(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  PolicySource source{path.string(), std::string(kPackBytesMax + 1, '\0')};
  if (!in.read(source.yaml.data(), static_cast<std::streamsize>(source.yaml.size())) && !in.eof()) {
    return absl::NotFoundError(
        absl::StrCat("can't read the policy pack ", source.file, ": check its name and rights"));
  }
  source.yaml.resize(static_cast<size_t>(in.gcount()));
  if (source.yaml.size() <= kPackBytesMax) return source;
  return absl::FailedPreconditionError(
      absl::StrCat("the policy pack ", source.file, " is larger than 1 MiB: split it"));
}

absl::Status ReadFolder(const fs::path& folder, std::vector<PolicySource>& sources) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  if (error) {
    return absl::PermissionDeniedError(
        absl::StrCat("can't look into the folder ", folder.string(), ": ", error.message()));
  }
  if (paths.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the folder ", folder.string(), " has no policy packs (*.yaml)"));
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    absl::StatusOr<PolicySource> source = ReadSource(path);
    if (!source.ok()) return source.status();
    sources.push_back(*std::move(source));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> PackIdsOf(const std::vector<PolicySource>& sources) {
  std::vector<std::string> ids;
  for (const PolicySource& source : sources) ids.push_back(PackFile(source).pack_id());
  return ids;
}

std::string ContentHash(const v1::PolicyPack& pack) {
  v1::PolicyPack content = pack;
  content.clear_content_hash();
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    content.SerializeToCodedStream(&coded);
  }
  return absl::BytesToHexString(Sha256(bytes));
}

absl::StatusOr<PackSet> ParsePacks(const std::vector<PolicySource>& sources) {
  PackFiles files = Open(sources);
  std::set<std::string> given;
  for (const auto& file : files) given.insert(file->pack_id());
  // Of the built-in ones, those over a pack that is given are resolved anew.
  Packs known;
  const std::vector<PolicySource> built_in = BuiltInPolicySources();
  for (const PolicySource& source : built_in) {
    const std::string id(absl::StripSuffix(source.file, ".yaml"));
    if (given.count(id) > 0) continue;
    const v1::PolicyPack& pack = BuiltInPacks().at(id);
    const bool over_given =
        std::any_of(pack.extends().begin(), pack.extends().end(),
                    [&](const std::string& beneath) { return given.count(beneath) > 0; });
    if (over_given) {
      files.push_back(std::make_unique<PackFile>(source));
    } else {
      known.emplace(id, pack);
    }
  }
  const v1::PolicyPack& federal = BuiltInPacks().at(std::string(kFederal));
  absl::StatusOr<Packs> resolved = Resolver(std::move(files), std::move(known), &federal).Run();
  if (!resolved.ok()) return resolved.status();
  std::vector<v1::PolicyPack> packs;
  for (auto& [id, pack] : *resolved) packs.push_back(std::move(pack));
  return PackSet::Make(std::move(packs));
}

absl::StatusOr<std::vector<PolicySource>> ReadPolicySources(const std::vector<std::string>& paths) {
  std::vector<PolicySource> sources;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      if (absl::Status status = ReadFolder(path, sources); !status.ok()) return status;
      continue;
    }
    absl::StatusOr<PolicySource> source = ReadSource(path);
    if (!source.ok()) return source.status();
    sources.push_back(*std::move(source));
  }
  return sources;
}

absl::StatusOr<PackSet> LoadPacks(const std::vector<std::string>& paths) {
  const absl::StatusOr<std::vector<PolicySource>> sources = ReadPolicySources(paths);
  if (!sources.ok()) return sources.status();
  return ParsePacks(*sources);
}

}  // namespace porchlight
