// The gRPC edge of evidence: streams the signed file of one episode. It must never put anything of
// the file into an error or a log line.
#pragma once

#include "common/evidence/bundle.h"
#include "common/rpc/serve.h"
#include "porchlight/v1/evidence.grpc.pb.h"

namespace porchlight {

class EvidenceService final : public v1::Evidence::Service {
 public:
  // `gate` and what `sources` refers to must outlive it.
  EvidenceService(ExportSources sources, rpc::Gate& gate)
      : sources_(std::move(sources)), gate_(gate) {}

  grpc::Status Export(grpc::ServerContext* context, const v1::ExportEvidenceRequest* request,
                      grpc::ServerWriter<v1::ExportEvidencePart>* parts) override;

 private:
  const ExportSources sources_;
  rpc::Gate& gate_;
};

}  // namespace porchlight
