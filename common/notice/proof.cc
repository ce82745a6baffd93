#include "common/notice/proof.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/notice/notice_state.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

bool IsOwed(const Duty& duty) {
  return duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING;
}

// The next repetition isn't anybody's yet.
bool HasBegun(const Duty& duty, absl::Time now) {
  return duty.state != v1::DUTY_STATE_NOT_APPLICABLE &&
         (duty.repetition == 1 || !duty.start_after.has_value() || *duty.start_after <= now);
}

template <typename Wanted>
std::vector<Duty> Pick(const std::vector<Duty>& duties, absl::Time now, Wanted wanted) {
  std::vector<Duty> picked;
  for (const Duty& duty : duties) {
    if (HasBegun(duty, now) && wanted(duty)) picked.push_back(duty);
  }
  return picked;
}

// Where another service takes the proof.
absl::string_view CommandFor(const Duty& duty) {
  if (duty.action == v1::DUTY_ACTION_DOCUMENT && duty.trigger == v1::POLICY_TRIGGER_RETURNED)
    return "`porchlight screening photo`";
  switch (duty.action) {
    case v1::DUTY_ACTION_SCREENING:
      return "`porchlight screening complete`";
    case v1::DUTY_ACTION_INTERVIEW:
      return "`porchlight screening interview`";
    case v1::DUTY_ACTION_MEDICAL_OFFER:
      return "`porchlight screening medical`";
    case v1::DUTY_ACTION_TEAM:
      return "`porchlight mdt ack` or `porchlight mdt meeting`";
    case v1::DUTY_ACTION_PAGE:
      return "`porchlight ack`";
    default:
      return "";
  }
}

bool IsNumber(v1::EvidenceKind kind) {
  return kind == v1::EVIDENCE_KIND_POLICE_CASE_NUMBER || kind == v1::EVIDENCE_KIND_NCIC_NUMBER ||
         kind == v1::EVIDENCE_KIND_NCMEC_REFERENCE;
}

bool Takes(const Duty& duty, v1::EvidenceKind kind) {
  return std::find(duty.proved_by.begin(), duty.proved_by.end(), kind) != duty.proved_by.end();
}

bool AnyTakes(const std::vector<Duty>& duties, v1::EvidenceKind kind) {
  return std::any_of(duties.begin(), duties.end(),
                     [&](const Duty& duty) { return Takes(duty, kind); });
}

absl::Status NoSuch(const v1::NotificationState& state, const std::vector<Duty>& duties,
                    absl::Time now) {
  std::vector<std::string> rules;
  std::set<std::string> kinds;
  for (const Duty& duty : Pick(duties, now, IsOwed)) {
    if (!CommandFor(duty).empty()) continue;
    if (rules.empty() || rules.back() != duty.rule_id) rules.push_back(duty.rule_id);
    if (duty.recipient != v1::RECIPIENT_KIND_UNSPECIFIED) kinds.insert(WordOf(duty.recipient));
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no such duty, rule, notice or recipient in this episode. Open rules: ",
      rules.empty() ? "none" : absl::StrJoin(rules, ", "),
      "; recipients: ", kinds.empty() ? "none" : absl::StrJoin(kinds, ", "), "; notices: ",
      state.notices().empty()
          ? "none"
          : absl::StrCat(state.episode_id(), "_n1 to _n", state.notices_size())));
}

// Numbers fit where the recipient tells such; an NCIC number only where nothing else does.
v1::EvidenceKind Fitting(bool with_number, const std::vector<Duty>& duties) {
  if (with_number) {
    for (const v1::EvidenceKind kind :
         {v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, v1::EVIDENCE_KIND_NCMEC_REFERENCE,
          v1::EVIDENCE_KIND_NCIC_NUMBER, v1::EVIDENCE_KIND_DOCUMENT_ID,
          v1::EVIDENCE_KIND_COURT_FILING}) {
      if (AnyTakes(duties, kind)) return kind;
    }
  }
  if (duties.empty() || AnyTakes(duties, v1::EVIDENCE_KIND_FILING_TYPED_IN))
    return v1::EVIDENCE_KIND_FILING_TYPED_IN;
  for (const v1::EvidenceKind kind : duties.front().proved_by) {
    if (kind != v1::EVIDENCE_KIND_DELIVERY_RECEIPT) return kind;
  }
  return v1::EVIDENCE_KIND_FILING_TYPED_IN;
}

// Of one recipient's duties, those that a single call can meet: of the first trigger that has one
// open, and what was to be told since.
std::vector<Duty> OfOneTrigger(const std::vector<Duty>& duties) {
  const auto first = std::find_if(duties.begin(), duties.end(), IsOwed);
  const Duty& leading = first != duties.end() ? *first : duties.front();
  std::vector<Duty> kept;
  for (const Duty& duty : duties) {
    if (duty.trigger == leading.trigger || duty.action == v1::DUTY_ACTION_SUPPLEMENT)
      kept.push_back(duty);
  }
  return kept;
}

}  // namespace

absl::StatusOr<ProofTarget> TargetOf(const std::string& about, const v1::NotificationState& state,
                                     const std::vector<Duty>& duties,
                                     const v1::Directory& directory, absl::Time now) {
  ProofTarget target;
  target.duties = Pick(duties, now, [&](const Duty& duty) { return duty.duty_key == about; });
  if (target.duties.empty())
    target.duties = Pick(duties, now, [&](const Duty& duty) { return duty.rule_id == about; });
  if (!target.duties.empty()) {
    target.recipient = target.duties.front().recipient;
    for (const Duty& duty : target.duties) {
      if (duty.recipient != target.recipient) target.recipient = v1::RECIPIENT_KIND_UNSPECIFIED;
    }
    return target;
  }
  if (const v1::Notice* notice = FindNotice(state, about)) {
    target.notice_id = about;
    target.recipient = notice->recipient_kind();
    target.recipient_id = notice->recipient_id();
    target.duties = Pick(duties, now, [&](const Duty& duty) { return Covers(*notice, duty); });
    return target;
  }
  const std::vector<std::string> words = WordsOf<v1::RecipientKind>();
  const auto word = std::find(words.begin(), words.end(), absl::StrReplaceAll(about, {{"-", "_"}}));
  if (word != words.end())
    target.recipient = static_cast<v1::RecipientKind>(word - words.begin() + 1);
  if (const v1::Recipient* recipient = FindRecipient(directory, about)) {
    target.recipient = recipient->kind();
    target.recipient_id = about;
  }
  for (const v1::Notice& notice : state.notices()) {
    if (notice.recipient_id() != about) continue;
    target.recipient = notice.recipient_kind();
    target.recipient_id = about;
  }
  const bool named = target.recipient != v1::RECIPIENT_KIND_UNSPECIFIED;
  target.whole_recipient = true;
  if (named) {
    target.duties =
        Pick(duties, now, [&](const Duty& duty) { return duty.recipient == target.recipient; });
  }
  const bool noticed = std::any_of(
      state.notices().begin(), state.notices().end(),
      [&](const v1::Notice& notice) { return notice.recipient_kind() == target.recipient; });
  if (!named || (target.duties.empty() && !noticed)) return NoSuch(state, duties, now);
  return target;
}

absl::StatusOr<v1::EvidenceKind> KindOfProof(const v1::FileProofRequest& request,
                                             ProofTarget& target) {
  std::vector<Duty>& duties = target.duties;
  if (!duties.empty() && !CommandFor(duties.front()).empty() && !target.whole_recipient) {
    return absl::FailedPreconditionError(absl::StrCat(duties.front().rule_id, " is recorded with ",
                                                      CommandFor(duties.front()),
                                                      ". Nothing was changed."));
  }
  std::erase_if(duties, [](const Duty& duty) { return !CommandFor(duty).empty(); });
  const v1::EvidenceKind kind = request.kind() != v1::EVIDENCE_KIND_UNSPECIFIED
                                    ? request.kind()
                                    : Fitting(!request.number().empty(), duties);
  if (kind == v1::EVIDENCE_KIND_DELIVERY_RECEIPT) {
    return absl::InvalidArgumentError(
        "a delivery receipt comes from a channel and can't be typed in; what a person did is "
        "filing_typed_in");
  }
  if (IsNumber(kind) && request.number().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("number is missing: ", PlainWord(kind), " needs the number that they told"));
  }
  if (duties.empty()) return kind;
  std::set<std::string> would;
  for (const Duty& duty : duties) {
    for (const v1::EvidenceKind other : duty.proved_by) {
      if (other != v1::EVIDENCE_KIND_DELIVERY_RECEIPT) would.insert(WordOf(other));
    }
  }
  std::erase_if(duties, [&](const Duty& duty) { return !Takes(duty, kind); });
  if (duties.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("evidence of the kind ", WordOf(kind),
                     " doesn't meet this duty; these do: ", absl::StrJoin(would, ", ")));
  }
  if (target.whole_recipient) duties = OfOneTrigger(duties);
  if (std::any_of(duties.begin(), duties.end(), IsOwed))
    std::erase_if(duties, [](const Duty& duty) { return !IsOwed(duty); });
  return kind;
}

std::vector<std::string> WarningsOf(const v1::FileProofRequest& request, const ProofTarget& target,
                                    v1::EvidenceKind kind, absl::Time done_at,
                                    const v1::NotificationState& state) {
  std::vector<std::string> warnings;
  if (done_at < FromProto(state.episode().received_at()))
    warnings.push_back("done_at is before the agency knew of the report: check the time");
  for (const Duty& duty : target.duties) {
    if (!duty.due_at.has_value() || done_at <= *duty.due_at) continue;
    warnings.push_back(absl::StrCat(duty.rule_id, " was due before: it counts as done late"));
    break;
  }
  const auto differs = [&](const v1::ProofFiling& filing) {
    if (filing.kind() != kind || filing.number().empty() || filing.number() == request.number())
      return false;
    return std::any_of(target.duties.begin(), target.duties.end(), [&](const Duty& duty) {
      const auto& keys = filing.duty_keys();
      return std::find(keys.begin(), keys.end(), duty.duty_key) != keys.end();
    });
  };
  const bool odd = !request.number().empty() &&
                   std::any_of(state.filings().begin(), state.filings().end(), differs);
  if (odd) {
    warnings.push_back(
        "another number was filed for the same before: both are kept, and notices tell the new one "
        "from now on. Check which is right");
  }
  return warnings;
}

}  // namespace porchlight
