#include "common/edge/commands.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/privacy/sealing.h"

namespace porchlight {

Commands::Commands(absl::string_view service, Log& log, Keys& keys, Outcomes& outcomes,
                   std::string agency_id, int32_t partitions)
    : service_(service),
      log_(log),
      keys_(keys),
      outcomes_(outcomes),
      agency_id_(std::move(agency_id)),
      partitions_(partitions) {}

std::string Commands::YouthFor(absl::string_view request_id) const {
  return absl::StrCat("y", DeriveId("youth", absl::StrCat(agency_id_, "/", request_id)));
}

std::string Commands::IdOf(absl::string_view youth_id, absl::string_view request_id) const {
  return DeriveId("command",
                  absl::StrCat(agency_id_, "/", service_, "/", youth_id, "/", request_id));
}

v1::RecordHeader Commands::HeaderFor(const Command& command) const {
  v1::RecordHeader header;
  header.set_record_id(IdOf(command.youth_id, command.request_id));
  header.set_agency_id(agency_id_);
  header.set_youth_id(command.youth_id);
  header.set_episode_id(command.episode_id);
  if (command.occurred_at.has_value())
    *header.mutable_occurred_at() = ToProto(*command.occurred_at);
  *header.mutable_received_at() = ToProto(command.received_at);
  *header.mutable_actor() = command.actor;
  if (header.actor().actor_id().empty()) header.mutable_actor()->set_actor_id("unknown");
  header.set_correlation_id(header.record_id());
  header.set_schema_version(1);
  header.set_exercise(command.exercise);
  return header;
}

absl::Status Commands::Submit(const Command& command, const google::protobuf::Message& payload,
                              google::protobuf::Message& reply) {
  const absl::StatusOr<Key> key = keys_.GetOrCreate(KeyName(command.youth_id));
  if (absl::IsFailedPrecondition(key.status())) {
    return absl::FailedPreconditionError(
        "this youth's record was sealed, so nothing can be added to it; ask an administrator");
  }
  const std::string again = absl::StrCat("call again with request id ", command.request_id);
  if (!key.ok()) {
    return absl::UnavailableError(
        absl::StrCat("not accepted: ", key.status().message(), "; ", again));
  }
  v1::RecordHeader header = HeaderFor(command);
  const std::string command_id = header.record_id();
  const std::string outcome_key = Outcomes::KeyOf(command_id, Sha256(payload.SerializeAsString()));
  outcomes_.Expect(outcome_key);
  const absl::Cleanup forget = [&] { outcomes_.Forget(outcome_key); };

  const TopicPartition where{CommandsTopic(service_), PartitionOf(command.youth_id, partitions_)};
  const std::vector<AppendResult> appended = log_.Append(
      {{where, {MakeRecord(*key, std::move(header), payload).SerializeAsString()}, std::nullopt}});
  if (appended[0].outcome == AppendOutcome::kRefused) {
    return absl::UnavailableError(
        absl::StrCat("not accepted: ", appended[0].reason.message(), "; ", again));
  }
  if (appended[0].outcome != AppendOutcome::kAccepted) {
    return absl::UnavailableError(
        absl::StrCat("it isn't known whether this was accepted; ", again, ", it counts only once"));
  }
  const std::optional<v1::RememberedOutcome> outcome =
      outcomes_.Wait(outcome_key, command.longest_wait);
  if (!outcome.has_value()) {
    return absl::UnavailableError(
        absl::StrCat("accepted and kept, but not decided yet; to see what came of it, ", again,
                     ", it counts only once"));
  }
  if (outcome->code() != 0) {
    return absl::Status(static_cast<absl::StatusCode>(outcome->code()), outcome->body().error());
  }
  if (outcome->body().reply_type() != reply.GetTypeName() ||
      !reply.ParseFromString(outcome->body().reply())) {
    return absl::AlreadyExistsError(
        "this request id was used before for something else; use a new one");
  }
  return absl::OkStatus();
}

}  // namespace porchlight
