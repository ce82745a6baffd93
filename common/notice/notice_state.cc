#include "common/notice/notice_state.h"

#include <algorithm>

#include "common/case/case.h"
#include "common/processor/rules.h"

namespace porchlight {
namespace {

void Put(const v1::Notice& notice, v1::NotificationState& state) {
  for (v1::Notice& known : *state.mutable_notices()) {
    if (known.notice_id() == notice.notice_id()) known = notice;
  }
}

void Learn(const v1::RecordHeader& header, const google::protobuf::Message& event,
           v1::NotificationState& state) {
  if (const auto change = ChangeOf(state.case_(), header, event))
    Apply(*change, *state.mutable_case_());
}

// At first the episode came with the notices, and nothing else was kept of the case.
void HearEpisodeOfNotices(const v1::RecordHeader& header, const v1::Episode& episode,
                          v1::NotificationState& state) {
  *state.mutable_episode() = episode;
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = episode;
  Learn(header, opened, state);
  if (!episode.has_return_received_at()) return;
  v1::YouthReturned returned;
  *returned.mutable_episode() = episode;
  Learn(header, returned, state);
}

void Hear(const v1::NotificationHeard& heard, v1::NotificationState& state) {
  if (heard.has_episode()) *state.mutable_episode() = heard.episode();
  if (!heard.has_change()) return;
  Apply(heard.change(), *state.mutable_case_());
  for (const v1::CaseTrigger& trigger : heard.change().triggers()) {
    if (trigger.trigger() == v1::POLICY_TRIGGER_NEW_FACT)
      *state.add_new_facts()->mutable_changed() = heard.changed();
  }
}

}  // namespace

const v1::Notice* FindNotice(const v1::NotificationState& state, absl::string_view notice_id) {
  for (const v1::Notice& notice : state.notices()) {
    if (notice.notice_id() == notice_id) return &notice;
  }
  return nullptr;
}

const v1::Notice* NoticeOfDelivery(const v1::NotificationState& state,
                                   absl::string_view delivery_id) {
  for (const v1::Notice& notice : state.notices()) {
    if (!delivery_id.empty() && notice.delivery_id() == delivery_id) return &notice;
  }
  return nullptr;
}

bool Has(const v1::CaseState& known, v1::PolicyTrigger trigger) {
  return std::any_of(known.triggers().begin(), known.triggers().end(),
                     [&](const auto& one) { return one.trigger() == trigger; });
}

v1::NoticeKind KindOf(const Duty& duty) {
  if (duty.action == v1::DUTY_ACTION_SUPPLEMENT) return v1::NOTICE_KIND_SUPPLEMENT;
  switch (duty.trigger) {
    case v1::POLICY_TRIGGER_MISSING:
      return v1::NOTICE_KIND_MISSING;
    case v1::POLICY_TRIGGER_NEW_FACT:
    case v1::POLICY_TRIGGER_POLICE_NUMBERED:
      return v1::NOTICE_KIND_SUPPLEMENT;
    case v1::POLICY_TRIGGER_RETURNED:
      return v1::NOTICE_KIND_RETURN;
    case v1::POLICY_TRIGGER_IDENTIFIED:
      return v1::NOTICE_KIND_IDENTIFIED;
    case v1::POLICY_TRIGGER_POLICE_REFUSED:
      return v1::NOTICE_KIND_REFUSED;
    case v1::POLICY_TRIGGER_CLOSED:
      return v1::NOTICE_KIND_CLOSED;
    default:
      return v1::NOTICE_KIND_OTHER;
  }
}

bool Covers(const v1::Notice& notice, const Duty& duty) {
  const auto& keys = notice.duty_keys();
  if (std::find(keys.begin(), keys.end(), duty.duty_key) != keys.end()) return true;
  // One that no duty asked for told the same.
  return keys.empty() && notice.recipient_kind() == duty.recipient &&
         notice.kind() == KindOf(duty) && notice.kind() != v1::NOTICE_KIND_SUPPLEMENT &&
         duty.occurrence == 1 && duty.repetition == 1;
}

void Apply(const v1::RecordHeader& header, const google::protobuf::Message& event,
           v1::NotificationState& state) {
  if (state.episode_id().empty()) state.set_episode_id(header.episode_id());
  if (const auto* heard = As<v1::NotificationHeard>(&event)) {
    Hear(*heard, state);
  } else if (const auto* made = As<v1::NoticesMade>(&event)) {
    if (made->has_episode()) HearEpisodeOfNotices(header, made->episode(), state);
    state.mutable_notices()->MergeFrom(made->notices());
    *state.mutable_untold_duty_keys() = made->untold_duty_keys();
  } else if (const auto* delivered = As<v1::NoticeDelivered>(&event)) {
    Put(delivered->notice(), state);
    Learn(header, *delivered, state);
  } else if (const auto* failed = As<v1::NoticeFailed>(&event)) {
    Put(failed->notice(), state);
  } else if (const auto* filed = As<v1::ProofFiled>(&event)) {
    *state.add_filings() = filed->filing();
    for (const v1::Notice& notice : filed->notices()) Put(notice, state);
    Learn(header, *filed, state);
  } else if (const auto* refused = As<v1::NoticeRefused>(&event)) {
    *state.add_refusals() = refused->refusal();
    for (const v1::Notice& notice : refused->notices()) Put(notice, state);
    Learn(header, *refused, state);
  }
}

}  // namespace porchlight
