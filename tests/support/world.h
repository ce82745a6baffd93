// All services on memory ports and a manual clock, stepped by the test: what scenarios are told
// with.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/blob/memory_blob.h"
#include "common/channel/memory_channel.h"
#include "common/edge/commands.h"
#include "common/edge/states.h"
#include "common/keys/memory_keys.h"
#include "common/log/memory_log.h"
#include "common/processor/worker.h"
#include "common/store/memory_store.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"
#include "services/directory/rules.h"
#include "services/intake/rules.h"
#include "services/mdt/rules.h"
#include "services/notification/rules.h"
#include "services/oncall/rules.h"
#include "services/screening/rules.h"
#include "tests/support/directory.h"

namespace porchlight {

inline constexpr char kTestAgency[] = "example-county";

class World {
 public:
  // Police, NCMEC and a supervisor.
  World();
  explicit World(std::vector<v1::Recipient> recipients);

  // Appends the command and steps until everything is quiet. Returns the outcome.
  absl::Status Submit(const std::string& service, Command command,
                      const google::protobuf::Message& payload, google::protobuf::Message& reply);
  absl::StatusOr<v1::ReportMissingReply> Report(const std::string& request_id,
                                                v1::ReportMissingRequest request);
  absl::StatusOr<v1::RecordReturnReply> Return(const std::string& request_id,
                                               const std::string& episode_id);
  // Of any request of `service` that has a request id and concerns an episode.
  template <typename Reply, typename Request>
  absl::StatusOr<Reply> Ask(const std::string& service, const std::string& request_id,
                            const std::string& episode_id, Request request) {
    request.set_request_id(request_id);
    Reply reply;
    const absl::Status status = Submit(service,
                                       {.request_id = request_id,
                                        .youth_id = std::string(YouthOf(episode_id)),
                                        .episode_id = episode_id},
                                       request, reply);
    if (!status.ok()) return status;
    return reply;
  }
  absl::Status Replay(const std::string& request_id, const std::string& delivery_id);
  // These entries and no others (packs stay), by a command like any other.
  void SetDirectory(const v1::Directory& wanted);
  void SetDirectory(const std::vector<v1::Recipient>& recipients);
  absl::StatusOr<v1::ChangeDirectoryReply> ChangeDirectory(const std::string& request_id,
                                                           v1::ChangeDirectoryRequest request);
  v1::Directory Directory();

  void Settle();
  // Lets time pass, timer by timer.
  void Advance(absl::Duration by);
  // As after a crash: workers are gone and made again; log, keys and stores are what they were.
  void Restart();
  // As if the service were dead, until it is Revive()d.
  void Kill(const std::string& service) { dead_.insert(service); }
  void Revive(const std::string& service) { dead_.erase(service); }

  v1::NotificationState Notices(const std::string& episode_id);
  v1::ScreeningState Screening(const std::string& episode_id);
  v1::MdtState Team(const std::string& episode_id);
  // Of a youth.
  v1::OncallState Oncall(const std::string& youth_id);
  std::vector<v1::DeliveryStatus> Deliveries(const std::string& episode_id);
  // "recipient: subject" of everything sent since the last call, in order.
  std::vector<std::string> TakeSent();
  // The same of the pages of oncall, which has a channel of its own.
  std::vector<std::string> TakePages();

  ManualClock clock{absl::FromUnixSeconds(1'780'000'000)};
  MemoryLog log{LostRaces::kWritten};
  MemoryKeys keys{7};
  MemoryBlob blob;
  MemoryStore intake_store;
  MemoryStore notification_store;
  MemoryStore directory_store;
  MemoryStore screening_store;
  MemoryStore mdt_store;
  MemoryStore oncall_store;
  std::shared_ptr<MemoryChannel> channel = std::make_shared<MemoryChannel>(clock);
  std::shared_ptr<MemoryChannel> pages = std::make_shared<MemoryChannel>(clock);
  IntakeRules intake_rules;
  NotificationRules notification_rules;
  DirectoryRules directory_rules;
  ScreeningRules screening_rules;
  MdtRules mdt_rules;
  OncallRules oncall_rules;
  std::unique_ptr<Worker> intake;
  std::unique_ptr<Worker> notification;
  std::unique_ptr<Worker> directory;
  std::unique_ptr<Worker> screening;
  std::unique_ptr<Worker> mdt;
  std::unique_ptr<Worker> oncall;

  // Where callers of a service wait, for edges that a test makes itself.
  Outcomes& OutcomesOf(const std::string& service) { return outcomes_[service]; }

 private:
  // Those alive.
  std::vector<Worker*> Workers() const;
  template <typename State>
  State Load(const Rules& rules, Store& store, const std::string& episode_id);

  std::map<std::string, Outcomes> outcomes_;
  std::set<std::string> dead_;
  int directories_set_ = 0;
  size_t sent_seen_ = 0;
  size_t pages_seen_ = 0;
};

}  // namespace porchlight
