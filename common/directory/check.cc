#include "common/directory/check.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/channel/address.h"
#include "common/directory/check_rota.h"
#include "common/directory/directory.h"
#include "common/directory/mistakes.h"
#include "common/policy/ceilings.h"
#include "common/policy/loader.h"

namespace porchlight {
namespace {

constexpr size_t kNameBytesMax = 200;
constexpr size_t kOriLength = 9;
constexpr size_t kWordLengthMax = 40;
constexpr size_t kPackIdLengthMax = 64;
constexpr uint32_t kChaseMinutesLeast = 5;
constexpr uint32_t kChaseMinutesMost = 10'080;

using IdList = google::protobuf::RepeatedPtrField<std::string>;

template <typename Entry>
void CheckOnce(absl::string_view what, const google::protobuf::RepeatedPtrField<Entry>& set,
               const IdList& removed, Mistakes& mistakes) {
  std::set<std::string> given(removed.begin(), removed.end());
  for (int i = 0; i < set.size(); ++i) {
    if (given.insert(IdOf(set[i])).second) continue;
    mistakes.Malformed(EntryName(what, IdOf(set[i]), i),
                       "it is given twice, or set and removed at once; give it once");
  }
}

template <typename Entry>
void WarnOfUnknown(absl::string_view what, const IdList& removed,
                   const google::protobuf::RepeatedPtrField<Entry>& known,
                   std::vector<std::string>& warnings) {
  for (const std::string& id : removed) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Entry& entry) { return IdOf(entry) == id; });
    if (found != known.end()) continue;
    warnings.push_back(absl::StrCat("there was no ", what, " ",
                                    IsOpaqueId(id) ? id : "of an id that was given", " to remove"));
  }
}

bool IsShownName(absl::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

bool IsOri(absl::string_view text) {
  return text.size() == kOriLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
         });
}

// What the configuration must have so that this channel works; empty: nothing.
absl::string_view NeededOfConfiguration(v1::ChannelKind channel) {
  switch (channel) {
    case v1::CHANNEL_KIND_WEBHOOK:
      return "a webhook: its secret_file must be under the same id in";
    case v1::CHANNEL_KIND_EMAIL:
      return "told by e-mail: there must be a section email in";
    case v1::CHANNEL_KIND_SMS:
      return "told by text message: there must be a section sms in";
    case v1::CHANNEL_KIND_VOICE:
      return "called: there must be a section voice in";
    default:
      return "";
  }
}

// What no pack may loosen; a test shows that the packs of this build are without mistakes.
const v1::PolicyPack& BuiltInFederal() {
  static const auto& packs = *new PackSet(LoadPacks({}).value());
  return *packs.Find("us");
}

class Checker {
 public:
  Checker(const v1::Directory& before, const v1::ChangeDirectoryRequest& change, absl::Time now)
      : before_(before), change_(change), now_(now), after_(before) {
    Apply(after_, change);
  }

  absl::StatusOr<std::vector<std::string>> Run() {
    const v1::Directory& set = change_.set();
    CheckOnce("recipient", set.recipients(), change_.recipients_removed(), mistakes_);
    CheckOnce("rota", set.rotas(), change_.rotas_removed(), mistakes_);
    CheckOnce("override", set.overrides(), change_.overrides_removed(), mistakes_);
    CheckOnce("roster", set.rosters(), change_.rosters_removed(), mistakes_);
    CheckOnce("pack", set.packs(), {}, mistakes_);
    for (int i = 0; i < set.recipients_size(); ++i) CheckRecipient(set.recipients(i), i);
    for (int i = 0; i < set.rosters_size(); ++i) CheckRoster(set.rosters(i), i);
    for (int i = 0; i < set.packs_size(); ++i) CheckPack(set.packs(i), i);
    CheckRotas(change_, after_, now_, mistakes_);
    CheckWhole();
    if (mistakes_.any()) return mistakes_.ToStatus();
    Warn();
    return std::move(warnings_);
  }

 private:
  void CheckRecipient(const v1::Recipient& recipient, int place) {
    const std::string entry = EntryName("recipient", recipient.recipient_id(), place);
    const auto wrong = [&](absl::string_view text) { mistakes_.Malformed(entry, text); };
    if (!IsOpaqueId(recipient.recipient_id())) {
      wrong("its id is missing or has other characters; use 1 to 64 of A-Z, a-z, 0-9 and -");
    }
    if (!v1::RecipientKind_IsValid(recipient.kind()) ||
        recipient.kind() == v1::RECIPIENT_KIND_UNSPECIFIED) {
      wrong("its kind is missing; say who it is, such as law_enforcement or court");
    }
    if (recipient.address().empty()) {
      wrong("it has no address, so nothing can be sent to it; give it one");
    } else if (const absl::Status address = CheckAddress(recipient.channel(), recipient.address());
               !address.ok()) {
      wrong(address.message());
    }
    if (!IsShownName(recipient.display_name())) {
      wrong("its name is missing or can't be shown; give one line of at most 200 bytes");
    }
    if (!recipient.ori().empty() && !IsOri(recipient.ori())) {
      wrong("its ORI isn't 9 characters of A-Z and 0-9; ask the police agency for its own");
    }
    if (!recipient.person_id().empty() && !IsOpaqueId(recipient.person_id())) {
      wrong("its person is no id; use 1 to 64 of A-Z, a-z, 0-9 and -, never a name");
    }
    CheckJurisdictions(entry, recipient.jurisdictions(), mistakes_);
  }

  void CheckRoster(const v1::TeamRoster& roster, int place) {
    const std::string entry = EntryName("roster", roster.roster_id(), place);
    const auto wrong = [&](absl::string_view text) { mistakes_.Malformed(entry, text); };
    if (!IsWord(roster.roster_id(), kWordLengthMax)) {
      wrong("its id is missing or has other characters; use 1 to 40 of a-z, 0-9 and -");
    }
    CheckJurisdictions(entry, roster.jurisdictions(), mistakes_);
    if (roster.seats().empty()) wrong("it has no seats; say who is part of the team");
    for (const v1::TeamSeat& seat : roster.seats()) {
      if (!IsWord(seat.role(), kWordLengthMax)) {
        wrong(
            "the role of one of its seats is missing or has other characters; use 1 to 40 of "
            "a-z, 0-9 and -");
      }
      if (!v1::RecipientKind_IsValid(seat.kind()) ||
          seat.kind() == v1::RECIPIENT_KIND_UNSPECIFIED) {
        wrong("the kind of one of its seats is missing; say who sits there, such as team_member");
      }
    }
    if (roster.answers_needed() > static_cast<uint32_t>(roster.seats_size())) {
      wrong("it needs more answers than it has seats; lower answers_needed");
    }
    if (roster.chase_after_minutes() < kChaseMinutesLeast ||
        roster.chase_after_minutes() > kChaseMinutesMost) {
      wrong("chase_after_minutes must be 5 to 10080");
    }
  }

  void CheckPack(const v1::PolicyPack& pack, int place) {
    const std::string entry = EntryName("pack", pack.pack_id(), place);
    if (!IsWord(pack.pack_id(), kPackIdLengthMax) ||
        !IsWord(pack.jurisdiction(), kPackIdLengthMax)) {
      mistakes_.Malformed(entry,
                          "its id or jurisdiction is missing or has other characters; use "
                          "what `porchlight policy check --json` prints");
    }
    if (absl::TimeZone zone; !absl::LoadTimeZone(pack.time_zone(), &zone)) {
      mistakes_.Malformed(entry,
                          "this machine knows no such time zone; expected a name such as "
                          "America/Chicago");
    }
    if (pack.content_hash() != ContentHash(pack)) {
      mistakes_.Malformed(entry,
                          "its content is not what its content_hash says; load it again "
                          "with `porchlight directory set-packs`");
    }
    for (const v1::PolicyRule& ceiling : BuiltInFederal().rules()) {
      if (IsCeiling(ceiling)) CheckCeiling(entry, pack, ceiling);
    }
  }

  void CheckCeiling(const std::string& entry, const v1::PolicyPack& pack,
                    const v1::PolicyRule& ceiling) {
    const auto rule = std::find_if(
        pack.rules().begin(), pack.rules().end(),
        [&](const v1::PolicyRule& same) { return same.rule_id() == ceiling.rule_id(); });
    if (rule == pack.rules().end()) {
      mistakes_.Malformed(entry, absl::StrCat("it lacks the federal rule ", ceiling.rule_id(), " (",
                                              ceiling.citation(), "), which no pack may remove"));
      return;
    }
    for (const Loosening& loosening : Loosened(ceiling, *rule, pack.immediately_minutes())) {
      mistakes_.Malformed(entry, absl::StrCat("rule ", ceiling.rule_id(), ", ", loosening.key, ": ",
                                              loosening.wrong, "; ", loosening.expected));
    }
  }

  // What holds of the directory as a whole, whatever was changed.
  void CheckWhole() {
    if (ChangesNothing(change_)) {
      mistakes_.Malformed("the change", "it sets and removes nothing; name at least one entry");
    }
    const size_t entries = static_cast<size_t>(after_.recipients_size()) +
                           static_cast<size_t>(after_.rotas_size() + after_.overrides_size()) +
                           static_cast<size_t>(after_.rosters_size() + after_.packs_size());
    if (entries > kDirectoryEntriesMax) {
      mistakes_.Broken(
          "the directory",
          absl::StrCat("it would have ", entries, " entries, and at most ", kDirectoryEntriesMax,
                       " are allowed; remove overrides that are over, or recipients "
                       "that nobody needs"));
    }
    std::set<absl::string_view> known;
    for (const v1::Recipient& recipient : after_.recipients()) {
      known.insert(recipient.recipient_id());
    }
    for (int i = 0; i < after_.rosters_size(); ++i) {
      const v1::TeamRoster& roster = after_.rosters(i);
      for (const v1::TeamSeat& seat : roster.seats()) CheckSeat(roster, i, seat, known);
    }
    if (!after_.packs().empty() && PackInForce(after_, "us") == nullptr) {
      mistakes_.Broken(
          "packs", "none is for us: the federal pack is what every other stands on; set it too");
    }
  }

  void CheckSeat(const v1::TeamRoster& roster, int place, const v1::TeamSeat& seat,
                 const std::set<absl::string_view>& known) {
    for (const std::string& id : seat.recipient_ids()) {
      if (known.contains(id)) continue;
      mistakes_.Broken(EntryName("roster", roster.roster_id(), place),
                       absl::StrCat(EntryName("it has recipient", id, 0),
                                    ", who isn't in the directory; add that recipient, or take it "
                                    "out of the roster first"));
    }
  }

  void Warn() {
    WarnOfUnknown("recipient", change_.recipients_removed(), before_.recipients(), warnings_);
    WarnOfUnknown("rota", change_.rotas_removed(), before_.rotas(), warnings_);
    WarnOfUnknown("override", change_.overrides_removed(), before_.overrides(), warnings_);
    WarnOfUnknown("roster", change_.rosters_removed(), before_.rosters(), warnings_);
    for (const v1::Recipient& recipient : change_.set().recipients()) {
      const absl::string_view needed = NeededOfConfiguration(recipient.channel());
      if (needed.empty() || change_.actor().actor_id() == kConfigurationActor) continue;
      warnings_.push_back(absl::StrCat("recipient ", recipient.recipient_id(), " is ", needed,
                                       " the configuration"));
    }
    for (const v1::TeamRoster& roster : change_.set().rosters()) {
      for (const v1::TeamSeat& seat : roster.seats()) {
        if (!seat.required() || !seat.recipient_ids().empty()) continue;
        warnings_.push_back(absl::StrCat("roster ", roster.roster_id(), " requires ", seat.role(),
                                         ", and nobody has that seat"));
      }
    }
    for (const v1::RotaOverride& override : change_.set().overrides()) {
      if (FromProto(override.until()) > now_) continue;
      warnings_.push_back(absl::StrCat("override ", override.override_id(), " is over already"));
    }
    WarnOfPeopleForDrills();
    WarnOfRolesWithoutRota();
  }

  void WarnOfPeopleForDrills() {
    for (const std::string& person_id : PeopleOf(change_.set())) {
      if (!WaysOf(after_, person_id, false).empty()) continue;
      warnings_.push_back(absl::StrCat("person ", person_id, " can be reached in drills only"));
    }
  }

  void WarnOfRolesWithoutRota() {
    if (change_.set().packs().empty() && change_.set().rotas().empty() &&
        change_.rotas_removed().empty()) {
      return;
    }
    std::set<std::string> missing;
    for (const v1::PolicyPack& pack : after_.packs()) {
      for (const v1::PolicyRule& rule : pack.rules()) {
        const std::string& role = rule.escalate_to();
        if (!role.empty() && RotaFor(after_, role) == nullptr) missing.insert(role);
      }
    }
    for (const std::string& role : missing) {
      warnings_.push_back(
          absl::StrCat("no rota has the role ", role, ", so nobody is on call for it"));
    }
  }

  const v1::Directory& before_;
  const v1::ChangeDirectoryRequest& change_;
  const absl::Time now_;
  v1::Directory after_;
  Mistakes mistakes_;
  std::vector<std::string> warnings_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> CheckChange(const v1::Directory& directory,
                                                     const v1::ChangeDirectoryRequest& change,
                                                     absl::Time now) {
  return Checker(directory, change, now).Run();
}

}  // namespace porchlight
