#include "common/team/roster.h"

#include <algorithm>
#include <string>

namespace porchlight {

bool Counts(const v1::TeamNotice& notice, const v1::TeamSeatStatus& seat) {
  return seat.required() || !notice.required_only();
}

bool EnoughAnswered(const v1::TeamNotice& notice) {
  const auto answered =
      std::count_if(notice.seats().begin(), notice.seats().end(),
                    [&](const auto& seat) { return seat.has_answer() && Counts(notice, seat); });
  return answered >= static_cast<int64_t>(notice.answers_needed());
}

std::vector<v1::Recipient> RecipientsOf(const v1::Directory& directory,
                                        const v1::TeamNotice& notice,
                                        const v1::TeamSeatStatus& seat) {
  std::vector<std::string> ids;
  for (const v1::TeamRoster& roster : directory.rosters()) {
    if (roster.roster_id() != notice.roster_id()) continue;
    for (const v1::TeamSeat& other : roster.seats()) {
      if (other.role() != seat.role() || other.kind() != seat.kind()) continue;
      ids.insert(ids.end(), other.recipient_ids().begin(), other.recipient_ids().end());
    }
  }
  std::vector<v1::Recipient> recipients;
  for (const v1::Recipient& recipient : directory.recipients()) {
    const bool member = std::find(ids.begin(), ids.end(), recipient.recipient_id()) != ids.end();
    if (member && recipient.exercise_only() == notice.exercise()) recipients.push_back(recipient);
  }
  return recipients;
}

void SetAnswersNeeded(const v1::TeamRoster& roster, v1::TeamNotice& notice) {
  const auto required = std::count_if(roster.seats().begin(), roster.seats().end(),
                                      [](const v1::TeamSeat& seat) { return seat.required(); });
  notice.set_required_only(roster.answers_needed() == 0 && required > 0);
  const auto seats = static_cast<uint32_t>(roster.seats_size());
  notice.set_answers_needed(notice.required_only() ? static_cast<uint32_t>(required)
                            : roster.answers_needed() == 0
                                ? seats
                                : std::min(roster.answers_needed(), seats));
}

}  // namespace porchlight
