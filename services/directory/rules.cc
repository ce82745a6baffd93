#include "services/directory/rules.h"

#include <utility>

#include "absl/status/statusor.h"
#include "common/directory/check.h"
#include "common/directory/directory.h"

namespace porchlight {

std::string DirectoryRules::AggregateId(const v1::RecordHeader&,
                                        const google::protobuf::Message&) const {
  return kDirectoryAggregate;
}

std::unique_ptr<google::protobuf::Message> DirectoryRules::NewState() const {
  return std::make_unique<v1::Directory>();
}

Decision DirectoryRules::Decide(const google::protobuf::Message& state, const Input& input,
                                const v1::Directory&) const {
  Decision decision;
  const auto* change = As<v1::ChangeDirectoryRequest>(input.payload);
  if (change == nullptr) return decision;
  const absl::StatusOr<std::vector<std::string>> warnings =
      CheckChange(static_cast<const v1::Directory&>(state), *change, input.now);
  if (!warnings.ok()) {
    decision.refusal = warnings.status();
    return decision;
  }
  v1::Directory after = static_cast<const v1::Directory&>(state);
  Apply(after, *change);
  // What is set once more as it is, such as by a file that is imported again, is no change. What
  // the configuration says is kept in any case: it is what its next change is measured by.
  if (change->actor().actor_id() == kConfigurationActor ||
      after.SerializeAsString() != state.SerializeAsString()) {
    auto changed = std::make_unique<v1::DirectoryChanged>();
    *changed->mutable_change() = *change;
    decision.events.push_back(
        {.payload = std::move(changed), .episode_id = "", .occurred_at = std::nullopt});
  }
  auto reply = std::make_unique<v1::ChangeDirectoryReply>();
  reply->set_request_id(change->request_id());
  reply->mutable_warnings()->Add(warnings->begin(), warnings->end());
  decision.reply = std::move(reply);
  return decision;
}

void DirectoryRules::Evolve(google::protobuf::Message& state, const Event& event) const {
  auto& directory = static_cast<v1::Directory&>(state);
  if (const auto* changed = As<v1::DirectoryChanged>(&event.payload)) {
    Apply(directory, changed->change());
  } else if (const auto* replaced = As<v1::DirectoryReplaced>(&event.payload)) {
    directory = replaced->directory();
  }
}

bool DirectoryRules::Active(const google::protobuf::Message&) const { return true; }

}  // namespace porchlight
