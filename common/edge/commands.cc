#include "common/edge/commands.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

std::string AgainWith(absl::string_view request_id) {
  return absl::StrCat("call again with request id ", request_id);
}

}  // namespace

Commands::Commands(absl::string_view service, Log& log, Keys& keys, Outcomes& outcomes,
                   std::string agency_id, int32_t partitions, Remembered remembered)
    : service_(service),
      log_(log),
      keys_(keys),
      outcomes_(outcomes),
      agency_id_(std::move(agency_id)),
      partitions_(partitions),
      remembered_(std::move(remembered)) {}

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

struct Commands::Sent {
  std::string outcome_key;  // expected, if it isn't empty
  v1::RecordHeader header;
  absl::Status refused;  // before it was sent
};

absl::StatusOr<AppendRequest> Commands::RequestFor(const Submission& submission, Sent& sent) {
  const Command& command = submission.command;
  const absl::StatusOr<Key> key = keys_.GetOrCreate(KeyName(command.youth_id));
  if (absl::IsFailedPrecondition(key.status())) {
    return absl::FailedPreconditionError(
        "this youth's record was sealed, so nothing can be added to it; ask an administrator");
  }
  if (!key.ok()) {
    return absl::UnavailableError(absl::StrCat("not accepted: ", key.status().message(), "; ",
                                               AgainWith(command.request_id)));
  }
  v1::RecordHeader header = HeaderFor(command);
  sent.outcome_key = Outcomes::KeyOf(header.record_id(), ContentDigest(*submission.payload));
  outcomes_.Expect(sent.outcome_key);
  sent.header = header;
  const std::string record =
      MakeRecord(*key, std::move(header), *submission.payload).SerializeAsString();
  return AppendRequest{
      .where = {CommandsTopic(service_), PartitionOf(command.youth_id, partitions_)},
      .records = {record},
      .expected_end = std::nullopt};
}

absl::Status Commands::AnswerOf(const Submission& submission, const Sent& sent,
                                const AppendResult& appended, absl::Duration longest_wait) {
  const std::string again = AgainWith(submission.command.request_id);
  if (appended.outcome == AppendOutcome::kRefused) {
    return absl::UnavailableError(
        absl::StrCat("not accepted: ", appended.reason.message(), "; ", again));
  }
  if (appended.outcome != AppendOutcome::kAccepted) {
    return absl::UnavailableError(
        absl::StrCat("it isn't known whether this was accepted; ", again, ", it counts only once"));
  }
  std::optional<v1::RememberedOutcome> outcome;
  if (remembered_ != nullptr) outcome = remembered_(sent.header, *submission.payload);
  if (!outcome.has_value()) outcome = outcomes_.Wait(sent.outcome_key, longest_wait);
  if (!outcome.has_value()) {
    return absl::UnavailableError(
        absl::StrCat("accepted and kept, but not decided yet; to see what came of it, ", again,
                     ", it counts only once"));
  }
  if (outcome->code() != 0) {
    return absl::Status(static_cast<absl::StatusCode>(outcome->code()), outcome->body().error());
  }
  if (outcome->body().reply_type() != submission.reply->GetTypeName() ||
      !submission.reply->ParseFromString(outcome->body().reply())) {
    return absl::AlreadyExistsError(
        "this request id was used before for something else; use a new one");
  }
  return absl::OkStatus();
}

absl::Status Commands::Submit(const Command& command, const google::protobuf::Message& payload,
                              google::protobuf::Message& reply) {
  return SubmitAll({{.command = command, .payload = &payload, .reply = &reply}}).front();
}

std::vector<absl::Status> Commands::SubmitAll(const std::vector<Submission>& submissions) {
  std::vector<Sent> sent(submissions.size());
  const absl::Cleanup forget = [&] {
    for (const Sent& one : sent) {
      if (!one.outcome_key.empty()) outcomes_.Forget(one.outcome_key);
    }
  };
  std::vector<AppendRequest> requests;
  for (size_t i = 0; i < submissions.size(); ++i) {
    absl::StatusOr<AppendRequest> request = RequestFor(submissions[i], sent[i]);
    sent[i].refused = request.status();
    if (request.ok()) requests.push_back(*std::move(request));
  }
  std::vector<AppendResult> appended;
  if (!requests.empty()) appended = log_.Append(std::move(requests));
  std::vector<absl::Status> answers;
  size_t taken = 0;
  // Where one was waited for in vain, the time is over for all.
  bool in_time = true;
  for (size_t i = 0; i < submissions.size(); ++i) {
    if (!sent[i].refused.ok()) {
      answers.push_back(sent[i].refused);
      continue;
    }
    const AppendResult& result = appended[taken++];
    answers.push_back(
        AnswerOf(submissions[i], sent[i], result,
                 in_time ? submissions[i].command.longest_wait : absl::ZeroDuration()));
    if (result.outcome == AppendOutcome::kAccepted && absl::IsUnavailable(answers.back()))
      in_time = false;
  }
  return answers;
}

}  // namespace porchlight
