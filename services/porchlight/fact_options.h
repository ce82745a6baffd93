// The options by which `report` and `add` are told facts of a youth and a case: the same ones for
// both.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

class FactOptions {
 public:
  // Both outlive the command's run.
  void AddTo(CLI::App& command, v1::YouthFacts& facts);

  // Once the command line was read: those options whose words must be understood first.
  absl::Status Read(google::protobuf::RepeatedField<int>& circumstances,
                    google::protobuf::RepeatedPtrField<v1::AnchorTime>& anchors) const;

 private:
  v1::YouthFacts* facts_ = nullptr;
  std::vector<std::string> circumstances_;
  std::vector<std::string> anchors_;      // "departure=2026-11-22 02:10"
  std::vector<std::string> unavailable_;  // "photo=none was ever taken"
  uint32_t height_cm_ = 0;
  uint32_t weight_kg_ = 0;
  uint32_t age_years_ = 0;
};

}  // namespace porchlight
