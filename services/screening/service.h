// The edge of screening: checks what can't be understood, gives ids, passes on, and lists. It
// decides nothing, and lists of many episodes hold no narrative.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/screening.grpc.pb.h"

namespace porchlight {

class ScreeningService final : public v1::Screening::Service {
 public:
  explicit ScreeningService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ListScreenings(grpc::ServerContext* context,
                              const v1::ListScreeningsRequest* request,
                              v1::ListScreeningsReply* reply) override;
  grpc::Status DeferScreening(grpc::ServerContext* context,
                              const v1::DeferScreeningRequest* request,
                              v1::ScreeningReply* reply) override;
  grpc::Status CompleteScreening(grpc::ServerContext* context,
                                 const v1::CompleteScreeningRequest* request,
                                 v1::ScreeningReply* reply) override;
  grpc::Status RecordInterview(grpc::ServerContext* context,
                               const v1::RecordInterviewRequest* request,
                               v1::ScreeningReply* reply) override;
  grpc::Status RecordExposure(grpc::ServerContext* context,
                              const v1::RecordExposureRequest* request,
                              v1::ScreeningReply* reply) override;
  grpc::Status RecordMedicalOffer(grpc::ServerContext* context,
                                  const v1::RecordMedicalOfferRequest* request,
                                  v1::ScreeningReply* reply) override;
  grpc::Status RecordReturnPhoto(grpc::ServerContext* context,
                                 const v1::RecordReturnPhotoRequest* request,
                                 v1::ScreeningReply* reply) override;
  grpc::Status IdentifyVictim(grpc::ServerContext* context,
                              const v1::IdentifyVictimRequest* request,
                              v1::ScreeningReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule ScreeningModule();

}  // namespace porchlight
