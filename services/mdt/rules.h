// The rules of the multidisciplinary team: whom policy calls together and when, what each seat may
// know, who has answered, and who is asked again until enough have. Nobody is asked once that is
// so, or once the youth's return ended the call. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/processor/rules.h"
#include "porchlight/v1/mdt.pb.h"

namespace porchlight {

struct MdtSettings {
  std::string agency_name;
  absl::TimeZone time_zone;
  // A message that nobody accepted for this long becomes a dead letter.
  absl::Duration give_up_after = absl::Hours(24);
};

class MdtRules final : public Rules {
 public:
  explicit MdtRules(MdtSettings settings) : settings_(std::move(settings)) {}

  absl::string_view service() const override { return "mdt"; }
  std::vector<std::string> sources() const override { return {"intake", "screening"}; }
  bool Hears(absl::string_view type) const override;
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;

 private:
  const MdtSettings settings_;
};

}  // namespace porchlight
