#include "common/evidence/evidence_service.h"

#include "common/edge/check.h"

namespace porchlight {
namespace {

constexpr size_t kPartBytes = 1u << 20;

}  // namespace

grpc::Status EvidenceService::Export(grpc::ServerContext* context,
                                     const v1::ExportEvidenceRequest* request,
                                     grpc::ServerWriter<v1::ExportEvidencePart>* parts) {
  return rpc::Serve(*context, "Evidence.Export", gate_, [&](rpc::Call& call) -> absl::Status {
    if (absl::Status checked = CheckEpisodeId(request->episode_id()); !checked.ok()) return checked;
    const absl::StatusOr<v1::EvidenceBundle> bundle =
        ExportEvidence(sources_, request->episode_id(), gate_.clock().Now());
    if (!bundle.ok()) return bundle.status();
    const std::string file = SignEvidence(*bundle, sources_.signing_seed);
    for (size_t at = 0; at < file.size(); at += kPartBytes) {
      v1::ExportEvidencePart part;
      part.set_content(file.substr(at, kPartBytes));
      if (call.cancelled() || !parts->Write(part)) {
        return absl::CancelledError("the caller went away before the whole file was sent");
      }
    }
    return absl::OkStatus();
  });
}

}  // namespace porchlight
