#include "services/porchlight/drill_play.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight {
namespace {

constexpr uint64_t kSeed = 1;

}  // namespace

Play::Play(const std::vector<ServiceModule>& modules, const PlayOptions& options, std::ostream& out)
    : options_(options),
      out_(out),
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
  for (const v1::Recipient& recipient : directory.recipients())
    names_[recipient.recipient_id()] = recipient.display_name();
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
  out_ << "\n" << TimeText(stage_.clock.Now()) << "  " << what << "\n";
  const absl::Status status = Submit(service, youth_id, episode_id, request, reply);
  TellSent();
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat("the drill can't go on: ", what, ": ", status.message()));
}

std::string Play::TimeText(absl::Time time) const {
  return absl::FormatTime("%a %H:%M", time, options_.zone);
}

void Play::TellSent() {
  const std::vector<MemoryChannel::Sent> sent = stage_.channel().sent();
  for (; told_ < sent.size(); ++told_) {
    const Outgoing& outgoing = sent[told_].outgoing;
    out_ << TimeText(sent[told_].sent_at) << "    -> " << names_[outgoing.recipient.recipient_id()]
         << ": " << outgoing.message.subject() << "\n";
    if (options_.brief) continue;
    for (absl::string_view line : absl::StrSplit(outgoing.message.text(), '\n'))
      out_ << (line.empty() ? "" : "             | ") << line << "\n";
  }
}

}  // namespace porchlight
