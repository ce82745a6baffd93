// What a drill's story is played on: all services in memory by a fast clock, and what happens and
// every message, in its own minute. No message can leave the process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/edge/service.h"
#include "common/stage/stage.h"
#include "porchlight/v1/output.pb.h"

namespace porchlight {

struct PlayOptions {
  absl::Time begins;  // when the youth is reported missing
  absl::TimeZone zone;
  // Only who is told and when, without the words.
  bool brief = false;
};

class Play {
 public:
  Play(const std::vector<ServiceModule>& modules, const PlayOptions& options);

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
  // So far: scenes with their messages. The story adds the duties.
  v1::DrillPlayed& played() { return played_; }

 private:
  absl::Status Submit(const std::string& service, const std::string& youth_id,
                      const std::string& episode_id, google::protobuf::Message& request,
                      google::protobuf::Message& reply);
  void TellSent();

  const PlayOptions options_;
  Config config_;
  v1::Directory directory_;
  std::vector<std::unique_ptr<Rules>> rules_;
  Stage stage_;
  v1::DrillPlayed played_;
  size_t told_ = 0;
  int requests_ = 0;
};

}  // namespace porchlight
