// The rules on call: every duty is computed here apart from the service that must meet it, and
// people are woken before, at and after its time, until one of them has it. What is met, ended or
// over by the return wakes nobody any more, at once. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/oncall/alarm.h"
#include "common/processor/rules.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

class OncallRules final : public Rules {
 public:
  explicit OncallRules(OncallSettings settings) : settings_(std::move(settings)) {}

  absl::string_view service() const override { return "oncall"; }
  std::vector<std::string> sources() const override {
    return {"intake", "notification", "screening", "mdt"};
  }
  std::vector<std::string> watches() const override { return {"intake"}; }
  bool Hears(absl::string_view type) const override;
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;

 private:
  const OncallSettings settings_;
};

}  // namespace porchlight
