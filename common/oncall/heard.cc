#include "common/oncall/heard.h"

#include <set>

#include "common/base/time.h"
#include "common/processor/rules.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

class Reader {
 public:
  explicit Reader(const v1::RecordHeader& header) : header_(header) {}

  void Hear(const v1::EpisodeOpened& event) { HearReports(event.episode()); }
  void Hear(const v1::EpisodeUpdated& event) {
    HearReports(event.episode());
    if (!event.report_id().empty()) told_.report_ids.push_back(event.report_id());
  }

  void Hear(const v1::NoticesMade& event) {
    for (const v1::Notice& notice : event.notices()) {
      for (const std::string& duty_key : notice.duty_keys()) {
        Begun(duty_key, notice.has_due_at(), notice.due_at());
        told_.told_duty_keys.push_back(duty_key);
      }
      const bool settled = notice.state() == v1::DELIVERY_STATE_DELIVERED;
      if (notice.channel() == v1::CHANNEL_KIND_PERSON && !settled) told_.to_call.push_back(notice);
    }
    for (const std::string& duty_key : event.untold_duty_keys()) {
      told_.begun_duty_keys.push_back(duty_key);
      told_.untold_duty_keys.push_back(duty_key);
    }
  }

  void Hear(const v1::NoticeDelivered& event) { Settled(event.notice()); }
  void Hear(const v1::NoticeFailed& event) { told_.failed.push_back(event.notice()); }
  void Hear(const v1::ProofFiled& event) {
    for (const v1::Notice& notice : event.notices()) Settled(notice);
    if (!event.filing().notice_id().empty())
      told_.settled_notice_ids.push_back(event.filing().notice_id());
  }

  void Hear(const v1::TeamNotified& event) {
    const v1::TeamNotice& notice = event.notice();
    Begun(notice.duty_key(), notice.has_due_at(), notice.due_at());
    told_.told_duty_keys.push_back(notice.duty_key());
  }

  void Hear(const v1::TeamWithoutRoster& event) {
    if (event.over()) {
      told_.told_duty_keys.push_back(event.duty_key());
      return;
    }
    told_.begun_duty_keys.push_back(event.duty_key());
    told_.untold_duty_keys.push_back(event.duty_key());
  }

  // Of screening; all its events have them.
  template <typename Tasks>
  void HearTasks(const Tasks& tasks) {
    for (const v1::ScreeningTask& task : tasks) {
      const bool open = task.state() == v1::DUTY_STATE_OPEN;
      Begun(task.task_id(), open && task.has_due_at(), task.due_at());
    }
  }

  Told Take() { return std::move(told_); }

 private:
  void HearReports(const v1::Episode& episode) {
    told_.report_ids.assign(episode.report_ids().begin(), episode.report_ids().end());
    // Whatever it came from was decided.
    if (!header_.correlation_id().empty()) told_.report_ids.push_back(header_.correlation_id());
  }

  void Begun(const std::string& duty_key, bool has_due_at,
             const google::protobuf::Timestamp& due_at) {
    told_.begun_duty_keys.push_back(duty_key);
    if (has_due_at) told_.owner_due.emplace_back(duty_key, FromProto(due_at));
  }

  void Settled(const v1::Notice& notice) {
    told_.settled_notice_ids.push_back(notice.notice_id());
    for (const std::string& duty_key : notice.duty_keys()) told_.told_duty_keys.push_back(duty_key);
  }

  const v1::RecordHeader& header_;
  Told told_;
};

template <typename Event>
bool HearAs(const google::protobuf::Message& event, Reader& reader) {
  const auto* heard = As<Event>(&event);
  if (heard != nullptr) reader.Hear(*heard);
  return heard != nullptr;
}

template <typename... Events>
bool HearAnyOf(const google::protobuf::Message& event, Reader& reader) {
  return (HearAs<Events>(event, reader) || ...);
}

template <typename Event>
bool HearTasksOf(const google::protobuf::Message& event, Reader& reader) {
  const auto* heard = As<Event>(&event);
  if (heard != nullptr) reader.HearTasks(heard->tasks());
  return heard != nullptr;
}

template <typename... Events>
bool HearTasksOfAny(const google::protobuf::Message& event, Reader& reader) {
  return (HearTasksOf<Events>(event, reader) || ...);
}

template <typename... Events>
std::set<std::string> NamesOf() {
  return {std::string(Events::descriptor()->full_name())...};
}

}  // namespace

Told ReadTold(const v1::RecordHeader& header, const google::protobuf::Message& event) {
  Reader reader(header);
  HearAnyOf<v1::EpisodeOpened, v1::EpisodeUpdated, v1::NoticesMade, v1::NoticeDelivered,
            v1::NoticeFailed, v1::ProofFiled, v1::TeamNotified, v1::TeamWithoutRoster>(event,
                                                                                       reader) ||
      HearTasksOfAny<v1::ScreeningExpected, v1::ScreeningScheduled, v1::ScreeningDeferred,
                     v1::ScreeningCompleted, v1::InterviewRecorded, v1::ExposureRecorded,
                     v1::MedicalOfferRecorded, v1::ReturnPhotoRecorded, v1::VictimIdentified,
                     v1::VictimNotIdentified>(event, reader);
  return reader.Take();
}

bool IsHeardByOncall(absl::string_view type) {
  static const auto* heard = new std::set<std::string>(
      NamesOf<v1::EpisodeOpened, v1::EpisodeUpdated, v1::YouthReturned, v1::EpisodeClosed,
              v1::NoticesMade, v1::NoticeDelivered, v1::NoticeFailed, v1::ProofFiled,
              v1::NoticeRefused, v1::TeamNotified, v1::TeamWithoutRoster, v1::TeamComplete,
              v1::MeetingRecorded, v1::ScreeningExpected, v1::ScreeningScheduled,
              v1::ScreeningDeferred, v1::ScreeningCompleted, v1::InterviewRecorded,
              v1::ExposureRecorded, v1::MedicalOfferRecorded, v1::ReturnPhotoRecorded,
              v1::VictimIdentified, v1::VictimNotIdentified>());
  return heard->count(std::string(type)) > 0;
}

}  // namespace porchlight
