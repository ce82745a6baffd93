#include "common/notice/plan.h"

#include <algorithm>
#include <set>

#include "common/base/time.h"
#include "common/case/case.h"
#include "common/notice/notice_state.h"

namespace porchlight {
namespace {

bool IsToTell(const Duty& duty) {
  const bool ours =
      duty.action == v1::DUTY_ACTION_NOTIFY || duty.action == v1::DUTY_ACTION_SUPPLEMENT;
  return ours && duty.recipient != v1::RECIPIENT_KIND_UNSPECIFIED;
}

bool IsOpen(const Duty& duty) {
  return duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING;
}

bool IsNoticed(const v1::NotificationState& state, const Duty& duty) {
  return std::any_of(state.notices().begin(), state.notices().end(),
                     [&](const v1::Notice& notice) { return Covers(notice, duty); });
}

const v1::PolicyRule* FindRule(const v1::PolicyPack& pack, const std::string& rule_id) {
  for (const v1::PolicyRule& rule : pack.rules()) {
    if (rule.rule_id() == rule_id) return &rule;
  }
  return nullptr;
}

class Planner {
 public:
  Planner(const v1::NotificationState& state, absl::Time now)
      : state_(state), now_(now), returned_(Has(state.case_(), v1::POLICY_TRIGGER_RETURNED)) {
    for (const v1::Notice& notice : state.notices()) {
      noticed_.insert(notice.duty_keys().begin(), notice.duty_keys().end());
      if (notice.duty_keys().empty()) without_duty_.push_back(&notice);
    }
  }

  void Take(const Duty& duty) {
    if (!IsToTell(duty) || !IsOpen(duty) || IsNoticed(duty)) return;
    v1::NoticeKind kind = KindOf(duty);
    // Who wasn't told before the return hears of both at once.
    const bool over = kind == v1::NOTICE_KIND_MISSING && returned_;
    if (over) kind = v1::NOTICE_KIND_RETURN;
    if (!over && duty.start_after.has_value() && *duty.start_after > now_) {
      LookAt(*duty.start_after);
      if (kind == v1::NOTICE_KIND_MISSING) not_told_yet_.insert(duty.recipient);
      return;
    }
    Group(kind, duty).duties.push_back(duty);
  }

  NoticePlan Finish() {
    NoticePlan plan;
    for (PlannedNotice& notice : groups_) {
      if (notice.kind == v1::NOTICE_KIND_SUPPLEMENT && CoverOrPutOff(notice)) notice.duties.clear();
    }
    for (PlannedNotice& notice : groups_) {
      if (!notice.duties.empty()) plan.notices.push_back(std::move(notice));
    }
    for (PlannedNotice& notice : plan.notices) {
      std::stable_partition(notice.duties.begin(), notice.duties.end(),
                            [&](const Duty& duty) { return KindOf(duty) == notice.kind; });
    }
    plan.look_again_at = look_at_;
    return plan;
  }

 private:
  bool IsNoticed(const Duty& duty) const {
    return noticed_.contains(duty.duty_key) ||
           std::any_of(without_duty_.begin(), without_duty_.end(),
                       [&](const v1::Notice* notice) { return Covers(*notice, duty); });
  }

  PlannedNotice& Group(v1::NoticeKind kind, const Duty& duty) {
    for (PlannedNotice& group : groups_) {
      const bool together = kind == v1::NOTICE_KIND_SUPPLEMENT || kind == v1::NOTICE_KIND_RETURN ||
                            (group.duties.front().trigger == duty.trigger &&
                             group.duties.front().occurrence == duty.occurrence);
      if (group.kind == kind && group.recipient == duty.recipient && together) return group;
    }
    return groups_.emplace_back(
        PlannedNotice{.kind = kind, .recipient = duty.recipient, .duties = {}});
  }

  // True: it isn't told by itself now.
  bool CoverOrPutOff(const PlannedNotice& supplement) {
    if (not_told_yet_.contains(supplement.recipient)) return true;
    for (PlannedNotice& group : groups_) {
      if (group.kind != v1::NOTICE_KIND_MISSING || group.recipient != supplement.recipient)
        continue;
      group.duties.insert(group.duties.end(), supplement.duties.begin(), supplement.duties.end());
      return true;
    }
    for (const v1::Notice& notice : state_.notices()) {
      if (notice.kind() != v1::NOTICE_KIND_SUPPLEMENT ||
          notice.recipient_kind() != supplement.recipient)
        continue;
      const absl::Time next = FromProto(notice.made_at()) + kSupplementEvery;
      if (next <= now_) continue;
      LookAt(next);
      return true;
    }
    return false;
  }

  void LookAt(absl::Time at) {
    if (!look_at_.has_value() || at < *look_at_) look_at_ = at;
  }

  const v1::NotificationState& state_;
  const absl::Time now_;
  const bool returned_;
  std::set<std::string> noticed_;  // keys of duties that have a notice
  std::vector<const v1::Notice*> without_duty_;
  std::vector<PlannedNotice> groups_;
  std::set<v1::RecipientKind> not_told_yet_;  // that the youth is missing, but will be
  std::optional<absl::Time> look_at_;
};

}  // namespace

std::vector<Duty> DutiesToTell(const v1::NotificationState& state, const v1::PolicyPack& pack,
                               absl::Time now) {
  std::vector<Duty> duties = DutiesOf(state.case_(), pack, now);
  const auto asks_whether_done = [&](const Duty& duty) {
    const v1::PolicyRule* rule = FindRule(pack, duty.rule_id);
    return duty.state == v1::DUTY_STATE_NOT_APPLICABLE && !rule->if_done_before().empty();
  };
  if (std::none_of(duties.begin(), duties.end(), asks_whether_done)) return duties;
  v1::CaseState made = state.case_();
  for (const v1::Notice& notice : state.notices()) {
    for (const std::string& duty_key : notice.duty_keys()) {
      const auto duty = std::find_if(duties.begin(), duties.end(),
                                     [&](const Duty& one) { return one.duty_key == duty_key; });
      const bool counts = duty != duties.end() && !duty->proved_by.empty() && !notice.refused() &&
                          notice.state() != v1::DELIVERY_STATE_DEAD;
      if (!counts) continue;
      v1::CaseProof& proof = *made.add_proofs();
      proof.set_duty_key(duty_key);
      proof.set_kind(duty->proved_by.front());
      *proof.mutable_at() = notice.made_at();
    }
  }
  const std::vector<Duty> others = DutiesOf(made, pack, now);
  for (Duty& duty : duties) {
    if (!asks_whether_done(duty)) continue;
    for (const Duty& other : others) {
      if (other.duty_key == duty.duty_key) duty = other;
    }
  }
  return duties;
}

NoticePlan PlanOf(const v1::NotificationState& state, const std::vector<Duty>& duties,
                  absl::Time now) {
  Planner planner(state, now);
  for (const Duty& duty : duties) planner.Take(duty);
  return planner.Finish();
}

std::vector<std::string> AlsoToTell(const v1::NotificationState& state,
                                    const std::vector<Duty>& duties, v1::NoticeKind kind) {
  std::vector<std::string> ids;
  if (!state.episode().same_as_episode_id().empty()) return ids;
  std::set<std::string> told;
  for (const v1::Notice& notice : state.notices()) {
    if (notice.kind() == kind) told.insert(notice.recipient_id());
  }
  for (const v1::Notice& notice : state.notices()) {
    const bool heard = notice.kind() == v1::NOTICE_KIND_MISSING && !notice.refused() &&
                       notice.state() != v1::DELIVERY_STATE_DEAD;
    if (!heard) continue;
    // Its own duty may not apply any more: what was learned since excludes this kind.
    const bool kept_from = std::any_of(duties.begin(), duties.end(), [&](const Duty& duty) {
      if (!IsToTell(duty) || duty.recipient != notice.recipient_kind()) return false;
      if (KindOf(duty) == kind) return !IsNoticed(state, duty);
      return Covers(notice, duty) && duty.state == v1::DUTY_STATE_NOT_APPLICABLE;
    });
    if (!kept_from && told.insert(notice.recipient_id()).second)
      ids.push_back(notice.recipient_id());
  }
  return ids;
}

std::optional<absl::Time> SoonestDue(const std::vector<Duty>& duties) {
  std::optional<absl::Time> soonest;
  for (const Duty& duty : duties) {
    if (duty.due_at.has_value() && (!soonest.has_value() || *duty.due_at < *soonest))
      soonest = duty.due_at;
  }
  return soonest;
}

}  // namespace porchlight
