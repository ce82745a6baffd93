#include "common/processor/reference.h"

#include <utility>

#include "common/directory/directory.h"
#include "common/privacy/sealing.h"
#include "common/processor/rules.h"

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
    if (const auto* replaced = As<v1::DirectoryReplaced>(event->payload.get())) {
      directory_ = replaced->directory();
      is_replaced_ = true;
    } else if (const auto* changed = As<v1::DirectoryChanged>(event->payload.get())) {
      // The first change tells the configuration anew.
      if (std::exchange(is_replaced_, false)) directory_.Clear();
      Apply(directory_, changed->change());
      if (changed->change().actor().actor_id() == kConfigurationActor) {
        Apply(configured_, changed->change());
      }
    }
  }
  sequence_ = counted.record.sequence();
  return absl::OkStatus();
}

const v1::Recipient* Reference::Find(absl::string_view recipient_id) const {
  return FindRecipient(directory_, recipient_id);
}

}  // namespace porchlight
