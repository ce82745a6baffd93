#include "common/processor/reference.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/privacy/sealing.h"
#include "google/protobuf/util/message_differencer.h"

namespace porchlight {

Reference::Reference(Log& log, Keys& keys)
    : log_(log), keys_(keys), reader_(log, {EventsTopic(kDirectoryService), 0}, ChainTail{}) {}

absl::Status Reference::Step() {
  while (true) {
    // What couldn't be opened, because the keys were away, is tried again.
    for (; !unfolded_.empty(); unfolded_.pop_front()) {
      if (absl::Status folded = Fold(unfolded_.front()); !folded.ok()) return folded;
    }
    const absl::StatusOr<int64_t> end = log_.End(reader_.where());
    if (!end.ok()) return end.status();
    if (reader_.tail().next_offset >= *end) return absl::OkStatus();
    absl::StatusOr<std::vector<Counted>> next = reader_.Next();
    if (!next.ok()) return next.status();
    for (Counted& counted : *next) unfolded_.push_back(std::move(counted));
  }
}

absl::Status Reference::Fold(const Counted& counted) {
  for (const v1::Record& record : counted.transition.events()) {
    absl::StatusOr<OpenedRecord> event = OpenRecord(keys_, record);
    if (!event.ok()) return event.status();
    const auto* replaced =
        google::protobuf::DynamicCastToGenerated<v1::DirectoryReplaced>(event->payload.get());
    if (replaced == nullptr) continue;
    directory_ = replaced->directory();
    sequence_ = counted.record.sequence();
  }
  return absl::OkStatus();
}

const v1::Recipient* Reference::Find(absl::string_view recipient_id) const {
  for (const v1::Recipient& recipient : directory_.recipients()) {
    if (recipient.recipient_id() == recipient_id) return &recipient;
  }
  return nullptr;
}

absl::Status PublishDirectory(Log& log, Keys& keys, absl::string_view agency_id,
                              const v1::Directory& directory, absl::Time now) {
  Reference current(log, keys);
  if (absl::Status folded = current.Step(); !folded.ok()) return folded;
  if (current.sequence() > 0 &&
      google::protobuf::util::MessageDifferencer::Equals(current.directory(), directory)) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Key> key = keys.GetOrCreate(KeyName(""));
  if (!key.ok()) return key.status();

  const ChainTail& tail = current.reader_.tail();
  const std::string input_id = absl::StrCat("directory/", tail.sequence + 1);
  v1::Transition transition;
  transition.set_service(kDirectoryService);
  transition.set_agency_id(std::string(agency_id));
  transition.set_aggregate_id(kDirectoryService);
  transition.set_aggregate_sequence(tail.sequence + 1);
  transition.set_aggregate_previous_offset(tail.next_offset - 1);
  if (tail.sequence > 0) transition.set_aggregate_previous_hash(tail.hash);
  transition.mutable_input()->set_kind(v1::INPUT_KIND_COMMAND);
  transition.mutable_input()->set_input_id(input_id);
  *transition.mutable_decided_at() = ToProto(now);
  transition.set_active(true);

  v1::RecordHeader header;
  header.set_record_id(DeriveId("event/directory", input_id));
  header.set_agency_id(std::string(agency_id));
  *header.mutable_occurred_at() = ToProto(now);
  *header.mutable_received_at() = ToProto(now);
  header.mutable_actor()->set_actor_id("configuration");
  header.mutable_actor()->set_reached_by(v1::REACHED_BY_SYSTEM);
  header.set_cause_id(input_id);
  header.set_correlation_id(input_id);
  header.set_schema_version(1);
  v1::DirectoryReplaced replaced;
  *replaced.mutable_directory() = directory;
  *transition.add_events() = MakeRecord(*key, header, replaced);

  const std::vector<AppendResult> appended =
      log.Append({{current.reader_.where(),
                   {SealLink(tail, transition).SerializeAsString()},
                   tail.next_offset}});
  switch (appended[0].outcome) {
    case AppendOutcome::kAccepted:
      return absl::OkStatus();
    case AppendOutcome::kLostRace:
      return absl::AbortedError("another process changed the directory at the same time");
    default:
      return appended[0].reason;
  }
}

}  // namespace porchlight
