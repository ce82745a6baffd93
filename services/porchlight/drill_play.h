// What a drill's story is played on: all services in memory by a fast clock, and a script of what
// happens and of every message, in its own minute. No message can leave the process.
#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/edge/service.h"
#include "common/stage/stage.h"

namespace porchlight {

struct PlayOptions {
  absl::Time begins;  // when the youth is reported missing
  absl::TimeZone zone;
  // Only who is told and when, without the words.
  bool brief = false;
};

class Play {
 public:
  Play(const std::vector<ServiceModule>& modules, const PlayOptions& options, std::ostream& out);

  absl::Status SetDirectory(const v1::Directory& directory);
  // Until so long after the report.
  void WaitUntil(absl::Duration after_report);
  // Tells what happens, has it recorded, and tells what follows from it at once. Gives the request
  // its id.
  absl::Status Do(absl::string_view what, const std::string& service, const std::string& youth_id,
                  const std::string& episode_id, google::protobuf::Message& request,
                  google::protobuf::Message& reply);

  const v1::Directory& directory() const { return directory_; }
  absl::StatusOr<Aggregate> Load(const std::string& service, const std::string& id) {
    return stage_.states(service).Load(id);
  }
  absl::Time now() const { return stage_.clock.Now(); }
  // "Tue 02:10"
  std::string TimeText(absl::Time time) const;
  std::ostream& out() { return out_; }
  size_t messages() const { return told_; }

 private:
  absl::Status Submit(const std::string& service, const std::string& youth_id,
                      const std::string& episode_id, google::protobuf::Message& request,
                      google::protobuf::Message& reply);
  void TellSent();

  const PlayOptions options_;
  std::ostream& out_;
  Config config_;
  v1::Directory directory_;
  std::vector<std::unique_ptr<Rules>> rules_;
  Stage stage_;
  std::map<std::string, std::string> names_;  // of recipients
  size_t told_ = 0;
  int requests_ = 0;
};

}  // namespace porchlight
