// What people say of a case while it goes on: proofs typed in, refusals, screenings, decisions,
// answers of a team, acknowledged pages.
#pragma once

#include <memory>
#include <string>

#include "google/protobuf/message.h"
#include "tests/sim/environment.h"

namespace porchlight::sim {

struct CaseCall {
  std::shared_ptr<google::protobuf::Message> payload;
  std::shared_ptr<google::protobuf::Message> reply;
  std::string youth_id;
  std::string episode_id;
};

// To this service; of an episode that there may be.
CaseCall DrawCaseCall(Environment& environment, const std::string& service,
                      const std::string& request_id, const std::string& episode_id);

// Whoever was paged last for this alert has it.
CaseCall Acknowledgement(const v1::Alert& alert, const std::string& request_id);

}  // namespace porchlight::sim
