// The rules of intake: one open episode for each youth; a second report is linked, never lost; what
// is missing is named, never a reason to refuse. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
#include <vector>

#include "common/processor/rules.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

class IntakeRules final : public Rules {
 public:
  absl::string_view service() const override { return "intake"; }
  std::vector<std::string> sources() const override { return {}; }
  bool Hears(absl::string_view) const override { return false; }
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;
};

// The youth's episode that is missing now, or that drill; null if there is none.
const v1::Episode* OpenEpisodeOf(const v1::IntakeState& state, bool exercise);
// Null if there is none.
const v1::Episode* EpisodeOf(const v1::IntakeState& state, absl::string_view episode_id);

}  // namespace porchlight
