// The rules of screening: a task for every return, due when the policy pack says; put off only with
// a reason, a date and an approver; done when a person has recorded it. A result never identifies
// a youth: it asks a person to decide. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
#include <vector>

#include "common/processor/rules.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {

class ScreeningRules final : public Rules {
 public:
  absl::string_view service() const override { return "screening"; }
  std::vector<std::string> sources() const override { return {"intake"}; }
  bool Hears(absl::string_view type) const override;
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;
};

}  // namespace porchlight
