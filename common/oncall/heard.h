// What an event of another service says beside the case itself: which reports were decided, which
// duties their owner began and by when it means to meet them, which notices need a person. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

struct Told {
  std::vector<std::string> report_ids;
  std::vector<std::string> begun_duty_keys;
  // When their owner says that duties are due, by key.
  std::vector<std::pair<std::string, absl::Time>> owner_due;
  // Nobody can be told of these duties.
  std::vector<std::string> untold_duty_keys;
  // There is somebody after all, or somebody was told.
  std::vector<std::string> told_duty_keys;
  std::vector<v1::Notice> failed;
  // A person must tell the recipient.
  std::vector<v1::Notice> to_call;
  // Arrived, or a person filed their proof.
  std::vector<std::string> settled_notice_ids;
};

Told ReadTold(const v1::RecordHeader& header, const google::protobuf::Message& event);

// Events that say something of the case or of it beside; full protobuf names.
bool IsHeardByOncall(absl::string_view type);

}  // namespace porchlight
