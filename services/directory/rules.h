// The rules of the directory: a change is made as a whole or refused as a whole, and what would
// leave somebody without a recipient or nobody on call is refused. Pure: no clock, no chance, no
// I/O.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/processor/rules.h"

namespace porchlight {

class DirectoryRules final : public Rules {
 public:
  absl::string_view service() const override { return "directory"; }
  std::vector<std::string> sources() const override { return {}; }
  bool Hears(absl::string_view) const override { return false; }
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  // Decides on its own state: the reference data may be a batch behind it.
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;
};

}  // namespace porchlight
