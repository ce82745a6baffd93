// The gRPC edge of evidence: streams the signed file of one episode. It must never put anything of
// the file into an error or a log line.
#pragma once

#include "common/base/clock.h"
#include "common/evidence/bundle.h"
#include "porchlight/v1/evidence.grpc.pb.h"

namespace porchlight {

class EvidenceService final : public v1::Evidence::Service {
 public:
  // `clock` and what `sources` refers to must outlive it.
  EvidenceService(ExportSources sources, const Clock& clock)
      : sources_(std::move(sources)), clock_(clock) {}

  grpc::Status Export(grpc::ServerContext* context, const v1::ExportEvidenceRequest* request,
                      grpc::ServerWriter<v1::ExportEvidencePart>* parts) override;

 private:
  const ExportSources sources_;
  const Clock& clock_;
};

}  // namespace porchlight
