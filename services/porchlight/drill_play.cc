#include "services/porchlight/drill_play.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"

namespace porchlight {
namespace {

constexpr uint64_t kSeed = 1;

}  // namespace

Play::Play(const std::vector<ServiceModule>& modules, const PlayOptions& options)
    : options_(options),
      stage_("drill", options.begins - absl::Minutes(1), LostRaces::kNotWritten, kSeed) {
  config_.agency.name = "Example County (drill)";
  config_.agency.time_zone = options.zone;
  for (const ServiceModule& module : modules) {
    rules_.push_back(module.make_rules(RulesOptions{.config = config_, .link_key = {}}));
    stage_.Add(*rules_.back(), module.partitions);
  }
}

absl::Status Play::SetDirectory(const v1::Directory& directory) {
  v1::ChangeDirectoryRequest change;
  *change.mutable_set() = directory;
  directory_ = directory;
  v1::ChangeDirectoryReply reply;
  return Submit("directory", "", "", change, reply);
}

void Play::WaitUntil(absl::Duration after_report) {
  stage_.Advance(options_.begins + after_report - stage_.clock.Now());
  TellSent();
}

absl::Status Play::Submit(const std::string& service, const std::string& youth_id,
                          const std::string& episode_id, google::protobuf::Message& request,
                          google::protobuf::Message& reply) {
  const std::string request_id = absl::StrCat("drill-", ++requests_);
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  request.GetReflection()->SetString(&request, field, request_id);
  return stage_.Submit(service,
                       {.request_id = request_id,
                        .youth_id = youth_id,
                        .episode_id = episode_id,
                        .exercise = !youth_id.empty()},
                       request, reply);
}

absl::Status Play::Do(absl::string_view what, const std::string& service,
                      const std::string& youth_id, const std::string& episode_id,
                      google::protobuf::Message& request, google::protobuf::Message& reply) {
  v1::DrillScene& scene = *played_.add_scenes();
  *scene.mutable_at() = ToProto(now());
  scene.set_what(std::string(what));
  const absl::Status status = Submit(service, youth_id, episode_id, request, reply);
  TellSent();
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat("the drill can't go on: ", what, ": ", status.message()));
}

void Play::TellSent() {
  const std::vector<MemoryChannel::Sent> sent = stage_.channel().sent();
  for (; told_ < sent.size(); ++told_) {
    const Outgoing& outgoing = sent[told_].outgoing;
    v1::DrillMessage& message = *played_.mutable_scenes()->rbegin()->add_messages();
    *message.mutable_sent_at() = ToProto(sent[told_].sent_at);
    message.set_recipient_id(outgoing.recipient.recipient_id());
    message.set_recipient_kind(outgoing.recipient.kind());
    message.set_recipient_name(outgoing.recipient.display_name());
    message.set_subject(outgoing.message.subject());
    if (!options_.brief) message.set_text(outgoing.message.text());
  }
}

}  // namespace porchlight
