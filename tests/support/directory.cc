#include "tests/support/directory.h"

#include "absl/strings/str_cat.h"
#include "common/base/time.h"

namespace porchlight {

v1::Recipient TestRecipient(const std::string& id, v1::RecipientKind kind) {
  v1::Recipient recipient;
  recipient.set_recipient_id(id);
  recipient.set_kind(kind);
  recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
  recipient.set_address(id);
  recipient.set_display_name(absl::StrCat("Example ", id));
  return recipient;
}

v1::Recipient TestWayOf(const std::string& person_id) {
  v1::Recipient recipient =
      TestRecipient(absl::StrCat("way-of-", person_id), v1::RECIPIENT_KIND_SUPERVISOR);
  recipient.set_person_id(person_id);
  return recipient;
}

v1::RotaShift TestShift(const std::vector<std::string>& people, const std::string& starts_on,
                        uint32_t turn_days, uint32_t hand_off_minute) {
  v1::RotaShift shift;
  for (const std::string& person_id : people) shift.add_person_ids(person_id);
  shift.set_starts_on(starts_on);
  shift.set_turn_days(turn_days);
  shift.set_hand_off_minute(hand_off_minute);
  return shift;
}

v1::Rota TestRota(const std::string& role, const std::vector<std::vector<v1::RotaShift>>& levels) {
  v1::Rota rota;
  rota.set_role(role);
  rota.set_time_zone("America/Chicago");
  for (const std::vector<v1::RotaShift>& shifts : levels) {
    v1::RotaLevel& level = *rota.add_levels();
    level.set_escalate_after_seconds(600);
    for (const v1::RotaShift& shift : shifts) *level.add_shifts() = shift;
  }
  return rota;
}

v1::RotaOverride TestOverride(const std::string& id, const std::string& role, uint32_t level,
                              const std::string& person_id, absl::Time from,
                              absl::Duration length) {
  v1::RotaOverride override;
  override.set_override_id(id);
  override.set_role(role);
  override.set_level(level);
  override.add_person_ids(person_id);
  *override.mutable_from() = ToProto(from);
  *override.mutable_until() = ToProto(from + length);
  return override;
}

v1::Directory DirectoryOf(const v1::Rota& rota) {
  v1::Directory directory;
  *directory.add_rotas() = rota;
  return directory;
}

}  // namespace porchlight
