#include "common/evidence/words.h"

#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/utf8.h"

namespace porchlight {
namespace {

using Words = std::map<absl::string_view, absl::string_view>;

// What people told the services. By name without the package.
const Words& RequestWords() {
  static const auto* words = new Words{
      {"ReportMissingRequest", "Report: a youth is missing from care"},
      {"RecordReturnRequest", "Report: the youth has returned"},
      {"AddToEpisodeRequest", "Report: something new is known"},
      {"CloseEpisodeRequest", "Request to close the episode"},
      {"SetYouthsRequest", "Roster: what is known of the youth"},
      {"JoinYouthRequest", "Report: the youth is known under another id too"},
      {"JoinSideRequest", "Report: the youth is known under another id too"},
      {"ReplayDeadLetterRequest", "Request to send a notice again"},
      {"FileProofRequest", "Report: somebody was told, and what they answered"},
      {"RecordRefusalRequest", "Report: a recipient said no"},
      {"AcknowledgeAlertRequest", "Answer to a page"},
      {"LookAgainRequest", "Request to look at the duties again"},
      {"DeferScreeningRequest", "Request to put a task off"},
      {"CompleteScreeningRequest", "Report: a screening was done"},
      {"RecordInterviewRequest", "Report: a return interview was held"},
      {"RecordExposureRequest", "Report: what medical windows count from"},
      {"RecordMedicalOfferRequest", "Report: a medical offer"},
      {"RecordReturnPhotoRequest", "Report: a photo was taken after the return"},
      {"IdentifyVictimRequest", "A person's decision on identification as a victim"},
      {"AcknowledgeTeamNoticeRequest", "Answer of a member of the team"},
      {"RecordMeetingRequest", "Report: the team met"},
  };
  return *words;
}

// What the services decided. By name without the package.
const Words& EventWords() {
  static const auto* words = new Words{
      {"EpisodeOpened", "Episode opened"},
      {"EpisodeUpdated", "Episode updated by what became known"},
      {"YouthReturned", "Return recorded"},
      {"EpisodeClosed", "Episode closed"},
      {"YouthSet", "Youth's entry in the roster set"},
      {"YouthJoined", "Joined: both ids are the same youth"},
      {"NoticesMade", "Decided who must be told"},
      {"NoticeDelivered", "Notice delivered"},
      {"NoticeFailed", "Notice given up: a person must tell this recipient"},
      {"NoticeRefused", "A recipient said no: the next step begins"},
      {"NotificationHeard", "Taken note of for the notices: what another service said"},
      {"ProofFiled", "Proof typed in"},
      {"OncallHeard", "Taken note of by the watch: what another service said or did"},
      {"DutiesWatched", "Duties watched"},
      {"DutyAtRisk", "Warning: a duty is near its time and there is no proof yet"},
      {"DutyMissed", "A duty's time came without proof"},
      {"AlertRaised", "Alert"},
      {"AlertPaged", "People paged"},
      {"AlertEscalated", "Nobody answered yet: the next people paged"},
      {"AlertPageSettled", "What became of a page"},
      {"AlertAcknowledged", "A person answered: they have it"},
      {"AlertSilenced", "Alert ended: nobody need act on it any more"},
      {"ScreeningExpected", "Tasks looked at: what a return would ask for"},
      {"ScreeningScheduled", "Tasks of the return set"},
      {"ScreeningDeferred", "Task put off"},
      {"ScreeningCompleted", "Screening done"},
      {"InterviewRecorded", "Return interview held"},
      {"ExposureRecorded", "Recorded what medical windows count from"},
      {"MedicalOfferRecorded", "Medical offer recorded"},
      {"ReturnPhotoRecorded", "Photo after the return recorded"},
      {"VictimIdentified", "A person decided on identification as a victim"},
      {"VictimNotIdentified", "A person decided on identification as a victim"},
      {"TeamCaseHeard", "Taken note of for the team: what another service said"},
      {"TeamNotified", "Team called"},
      {"TeamWithoutRoster", "No roster to call a team from"},
      {"TeamDeliverySettled", "What became of a message to a member"},
      {"TeamMemberAnswered", "A member of the team answered"},
      {"TeamComplete", "Enough of the team have answered"},
      {"TeamChased", "Those who haven't answered asked again"},
      {"TeamChaseEnded", "Nobody of the team is asked any more"},
      {"MeetingRecorded", "Meeting of the team recorded"},
  };
  return *words;
}

// How many bytes of `text`, which begins with a whole character, must not be printed; 0: it may be.
size_t UnsafeBytes(absl::string_view text, size_t character_bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (character_bytes == 1) return byte(0) < 0x20 || byte(0) == 0x7f ? 1 : 0;
  const bool control = byte(0) == 0xc2 && byte(1) < 0xa0;
  // Marks, embeddings, overrides and isolates of direction.
  const bool turns =
      (byte(0) == 0xd8 && byte(1) == 0x9c) ||
      (byte(0) == 0xe2 && byte(1) == 0x80 &&
       ((byte(2) >= 0x8e && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae))) ||
      (byte(0) == 0xe2 && byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
  return control || turns ? character_bytes : 0;
}

}  // namespace

std::string WordsOfType(absl::string_view type) {
  const absl::string_view name = absl::StripPrefix(type, "porchlight.v1.");
  for (const Words* words : {&RequestWords(), &EventWords()}) {
    const auto found = words->find(name);
    if (found != words->end()) return std::string(found->second);
  }
  return SafeText(type);
}

std::string TimeWords(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%E4Y-%m-%d %H:%M:%S %z", time, zone);
}

std::string SafeText(absl::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const size_t whole = Utf8CharacterBytes(text);
    const size_t bytes = whole == 0 ? 1 : whole;
    const size_t unsafe = whole == 0 ? 1 : UnsafeBytes(text, whole);
    if (text[0] == '\n' || text[0] == '\t') {
      safe += ' ';
    } else if (unsafe > 0) {
      for (size_t i = 0; i < unsafe; ++i) {
        absl::StrAppend(&safe, "\\x", absl::BytesToHexString(text.substr(i, 1)));
      }
    } else {
      absl::StrAppend(&safe, text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  return safe;
}

}  // namespace porchlight
