// The edge of intake: checks what can't be understood, gives ids, keeps photos, finds under which
// of a youth's ids a report belongs, and passes on. It decides nothing about an episode.
#pragma once

#include <string>
#include <vector>

#include "common/edge/service.h"
#include "common/rpc/call.h"
#include "porchlight/v1/intake.grpc.pb.h"

namespace porchlight {

class IntakeService final : public v1::Intake::Service {
 public:
  explicit IntakeService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ReportMissing(grpc::ServerContext* context, const v1::ReportMissingRequest* request,
                             v1::ReportMissingReply* reply) override;
  grpc::Status RecordReturn(grpc::ServerContext* context, const v1::RecordReturnRequest* request,
                            v1::RecordReturnReply* reply) override;
  grpc::Status ListEpisodes(grpc::ServerContext* context, const v1::ListEpisodesRequest* request,
                            v1::ListEpisodesReply* reply) override;
  grpc::Status GetEpisode(grpc::ServerContext* context, const v1::GetEpisodeRequest* request,
                          v1::GetEpisodeReply* reply) override;
  grpc::Status AddToEpisode(grpc::ServerContext* context, const v1::AddToEpisodeRequest* request,
                            v1::AddToEpisodeReply* reply) override;
  grpc::Status CloseEpisode(grpc::ServerContext* context, const v1::CloseEpisodeRequest* request,
                            v1::CloseEpisodeReply* reply) override;
  grpc::Status SetYouths(grpc::ServerContext* context, const v1::SetYouthsRequest* request,
                         v1::SetYouthsReply* reply) override;
  grpc::Status ListYouths(grpc::ServerContext* context, const v1::ListYouthsRequest* request,
                          v1::ListYouthsReply* reply) override;
  grpc::Status JoinYouth(grpc::ServerContext* context, const v1::JoinYouthRequest* request,
                         v1::JoinYouthReply* reply) override;

 private:
  // One id of a youth, as the store has it.
  struct KnownAs {
    std::string youth_id;
    Aggregate aggregate;

    const v1::IntakeState& state() const {
      return static_cast<const v1::IntakeState&>(*aggregate.rules_state);
    }
  };

  // All ids of the youth that the store knows of, the given one first. Fewer while the store is
  // away.
  std::vector<KnownAs> IdsOf(const std::string& youth_id) const;
  std::string IdToReportTo(const v1::ReportMissingRequest& request) const;
  // Ends the youth's other open episodes too: the youth is back under every id.
  void ReturnOthers(const Command& command, const v1::RecordReturnRequest& request,
                    v1::RecordReturnReply& reply);
  absl::Status Join(rpc::Call& call, const v1::JoinYouthRequest& request,
                    v1::JoinYouthReply& reply);
  // Keeps what can be understood; says of each of the others why it can't be.
  absl::Status KeepYouths(rpc::Call& call, const v1::SetYouthsRequest& request,
                          v1::SetYouthsReply& reply);
  // What every command has.
  Command CommandOf(rpc::Call& call, const std::string& request_id, const std::string& youth_id,
                    const v1::Actor& actor) const;

  const EdgePorts ports_;
};

ServiceModule IntakeModule();

}  // namespace porchlight
