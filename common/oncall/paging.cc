#include "common/oncall/paging.h"

#include <algorithm>

#include "common/directory/directory.h"
#include "common/directory/rota.h"

namespace porchlight {
namespace {

// Where no rota says how long to wait for an answer.
constexpr absl::Duration kSupervisorsAgainEvery = absl::Minutes(5);

const v1::Rota* RotaOf(const v1::Directory& directory, absl::string_view role) {
  const v1::Rota* rota = RotaFor(directory, role);
  if (rota == nullptr) rota = RotaFor(directory, kUsualRole);
  return rota == nullptr || rota->levels().empty() ? nullptr : rota;
}

// Somebody else would have to tell them.
bool CanBePaged(const v1::Recipient& recipient) {
  return recipient.channel() != v1::CHANNEL_KIND_PERSON;
}

bool HasAnswered(const v1::Alert& alert, absl::string_view person_id) {
  return std::any_of(alert.answers().begin(), alert.answers().end(),
                     [&](const auto& answer) { return answer.person_id() == person_id; });
}

std::vector<Paged> PeopleAt(const v1::Directory& directory, const v1::Alert& alert,
                            const v1::Rota& rota, uint32_t level, absl::Time now) {
  std::vector<Paged> people;
  for (const std::string& person_id : PeopleOnCall(directory, rota.role(), level, now)) {
    if (HasAnswered(alert, person_id)) continue;
    for (const v1::Recipient* way : WaysOf(directory, person_id, alert.exercise())) {
      if (CanBePaged(*way)) people.push_back({person_id, *way});
    }
  }
  return people;
}

// Of this jurisdiction; of all of them where it isn't known, or has none.
std::vector<Paged> Supervisors(const v1::Directory& directory, const v1::Alert& alert,
                               absl::string_view jurisdiction) {
  std::vector<const v1::Recipient*> found =
      RecipientsFor(directory, v1::RECIPIENT_KIND_SUPERVISOR, jurisdiction, alert.exercise());
  for (const v1::Recipient& recipient : directory.recipients()) {
    if (recipient.kind() == v1::RECIPIENT_KIND_SUPERVISOR && jurisdiction.empty() &&
        recipient.exercise_only() == alert.exercise() &&
        std::find(found.begin(), found.end(), &recipient) == found.end()) {
      found.push_back(&recipient);
    }
  }
  std::vector<Paged> people;
  for (const v1::Recipient* recipient : found) {
    const std::string& person_id =
        recipient->person_id().empty() ? recipient->recipient_id() : recipient->person_id();
    if (CanBePaged(*recipient) && !HasAnswered(alert, person_id))
      people.push_back({person_id, *recipient});
  }
  return people;
}

}  // namespace

std::optional<Paging> NextPaging(const v1::Directory& directory, const v1::Alert& alert,
                                 absl::string_view jurisdiction, absl::Time now) {
  Paging paging{.level = alert.level(), .round = std::max(alert.round(), 1u)};
  const v1::Rota* rota = RotaOf(directory, alert.role());
  if (rota == nullptr) {
    paging.level = 0;
    paging.round = alert.round() + 1;
    paging.again_after = kSupervisorsAgainEvery;
    paging.people = Supervisors(directory, alert, jurisdiction);
    return paging.people.empty() ? std::nullopt : std::optional(std::move(paging));
  }
  const auto levels = static_cast<uint32_t>(rota->levels_size());
  // A level at which nobody can be reached is passed over.
  for (uint32_t tried = 0; tried < levels; ++tried) {
    if (++paging.level > levels) {
      paging.level = 1;
      ++paging.round;
    }
    paging.people = PeopleAt(directory, alert, *rota, paging.level, now);
    if (paging.people.empty()) continue;
    const v1::RotaLevel& level = rota->levels(static_cast<int>(paging.level) - 1);
    paging.answers_needed = std::max(level.acknowledgements_needed(), 1u);
    paging.again_after = absl::Seconds(std::max(level.escalate_after_seconds(), 10u));
    return paging;
  }
  return std::nullopt;
}

absl::TimeZone ZoneOf(const v1::Directory& directory, absl::string_view role,
                      absl::TimeZone usual) {
  const v1::Rota* rota = RotaOf(directory, role);
  absl::TimeZone zone;
  return rota != nullptr && absl::LoadTimeZone(rota->time_zone(), &zone) ? zone : usual;
}

bool KnowsPerson(const v1::Directory& directory, absl::string_view person_id) {
  return std::any_of(directory.recipients().begin(), directory.recipients().end(),
                     [&](const v1::Recipient& recipient) {
                       return recipient.person_id() == person_id ||
                              recipient.recipient_id() == person_id;
                     });
}

}  // namespace porchlight
