#include "common/evidence/evidence_service.h"

#include "common/base/ids.h"

namespace porchlight {
namespace {

constexpr size_t kPartBytes = 1u << 20;

grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

// "youth_e1": the two parts are ids like others.
absl::Status CheckEpisodeId(absl::string_view episode_id) {
  const absl::string_view youth_id = YouthOf(episode_id);
  absl::Status status = CheckId("the youth's part of episode_id", youth_id);
  if (!status.ok()) return status;
  if (youth_id.size() == episode_id.size()) {
    return absl::InvalidArgumentError(
        "episode_id is the id of a youth; give that of the episode, such as youth_e1. "
        "`porchlight list` shows them.");
  }
  return CheckId("the last part of episode_id", episode_id.substr(youth_id.size() + 1));
}

}  // namespace

grpc::Status EvidenceService::Export(grpc::ServerContext* context,
                                     const v1::ExportEvidenceRequest* request,
                                     grpc::ServerWriter<v1::ExportEvidencePart>* parts) {
  const absl::Status id = CheckEpisodeId(request->episode_id());
  if (!id.ok()) return ToGrpc(id);
  const absl::StatusOr<v1::EvidenceBundle> bundle =
      ExportEvidence(sources_, request->episode_id(), clock_.Now());
  if (!bundle.ok()) return ToGrpc(bundle.status());
  const std::string file = SignEvidence(*bundle, sources_.signing_seed);
  for (size_t at = 0; at < file.size(); at += kPartBytes) {
    v1::ExportEvidencePart part;
    part.set_content(file.substr(at, kPartBytes));
    if (context->IsCancelled() || !parts->Write(part)) {
      return {grpc::StatusCode::CANCELLED, "the caller went away before the whole file was sent"};
    }
  }
  return grpc::Status::OK;
}

}  // namespace porchlight
