// Says whose system this is and what time it is there, so that people see the agency's times
// wherever their machine is.
#pragma once

#include <string>

#include "common/rpc/serve.h"
#include "porchlight/v1/agency.grpc.pb.h"

namespace porchlight {

class AgencyService final : public v1::Agency::Service {
 public:
  AgencyService(const std::string& agency_id, const std::string& name, const std::string& time_zone,
                rpc::Gate& gate)
      : gate_(gate) {
    about_.set_agency_id(agency_id);
    about_.set_name(name);
    about_.set_time_zone(time_zone);
  }

  grpc::Status GetAgency(grpc::ServerContext* context, const v1::GetAgencyRequest*,
                         v1::GetAgencyReply* reply) override {
    return rpc::Serve(*context, "Agency.GetAgency", gate_, [&](rpc::Call&) {
      *reply = about_;
      return absl::OkStatus();
    });
  }

 private:
  v1::GetAgencyReply about_;
  rpc::Gate& gate_;
};

}  // namespace porchlight
