#include "tests/support/notice_office.h"

#include "absl/strings/ascii.h"
#include "common/policy/loader.h"
#include "common/policy/words.h"
#include "porchlight/v1/screening.pb.h"
#include "tests/support/directory.h"

namespace porchlight {

v1::Recipient Desk(const std::string& id, v1::RecipientKind kind) {
  return TestRecipient(id, kind);
}

std::vector<std::string> Told(const Decision& decision) {
  std::vector<std::string> told;
  for (const NewEvent& event : decision.events) {
    const auto* made = As<v1::NoticesMade>(event.payload.get());
    if (made == nullptr) continue;
    for (const v1::Notice& notice : made->notices()) {
      if (!notice.delivery_id().empty())
        told.push_back(absl::StrCat(notice.recipient_id(), " ", WordOf(notice.kind())));
    }
  }
  return told;
}

NoticeOffice::NoticeOffice()
    : NoticeOffice({Desk("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
                    Desk("ncmec", v1::RECIPIENT_KIND_NCMEC)}) {}

NoticeOffice::NoticeOffice(const std::vector<v1::Recipient>& recipients,
                           const std::string& jurisdiction)
    : jurisdiction_(jurisdiction) {
  for (const v1::Recipient& recipient : recipients) *directory.add_recipients() = recipient;
  const PackSet packs = LoadPacks({}).value();
  for (const auto& [id, pack] : packs.packs()) *directory.add_packs() = pack;
}

void NoticeOffice::AddPack(v1::RecipientKind kind) {
  std::string rules;
  if (kind != v1::RECIPIENT_KIND_LAW_ENFORCEMENT && kind != v1::RECIPIENT_KIND_NCMEC) {
    rules = absl::StrCat(
        "rules:\n  - id: told\n    title: Tell them\n    citation: Example Code 1\n"
        "    on: missing\n    action: notify\n    tell: ",
        WordOf(kind),
        "\n    by: caseworker\n    due: 24 hours from received\n"
        "    proved_by: delivery_receipt\n");
  }
  const PackSet set = ParsePacks({{"test.yaml", absl::StrCat("pack: us-zz\nextends: us\n"
                                                             "name: Nowhere\n",
                                                             rules)}})
                          .value();
  v1::PolicyPack& pack = *directory.add_packs() = *set.Find("us-zz");
  // Here NCMEC waits for nobody.
  for (v1::PolicyRule& rule : *pack.mutable_rules()) rule.clear_after();
}

v1::Episode NoticeOffice::Robin() const {
  v1::Episode episode;
  episode.set_episode_id("youth-1_e1");
  episode.set_youth_id("youth-1");
  episode.set_state(v1::EPISODE_STATE_MISSING);
  episode.set_jurisdiction(jurisdiction_);
  *episode.mutable_received_at() = ToProto(kReported);
  v1::YouthFacts& youth = *episode.mutable_youth();
  youth.set_first_name("identity-marker");
  youth.set_physical_description("description-marker");
  youth.set_endangerment("endangerment-marker");
  youth.set_health("health-marker");
  youth.set_contacts("contact-marker");
  episode.set_last_seen_place("circumstances-marker");
  episode.set_circumstances("narrative-marker");
  return episode;
}

v1::Episode NoticeOffice::Known() const {
  return state_.has_episode() ? state_.episode() : Robin();
}

Decision NoticeOffice::Opened(const v1::Episode& episode) {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = episode;
  return Decide(&opened, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Updated(const v1::Episode& episode,
                               const std::vector<std::string>& changed) {
  v1::EpisodeUpdated updated;
  *updated.mutable_episode() = episode;
  updated.mutable_changed()->Assign(changed.begin(), changed.end());
  return Decide(&updated, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Adds(const std::string& text) {
  v1::EpisodeUpdated updated;
  *updated.mutable_episode() = Known();
  v1::AddedFact& fact = *updated.mutable_episode()->add_facts();
  fact.set_kind(v1::FACT_KIND_SIGHTING);
  *fact.mutable_received_at() = ToProto(now);
  fact.set_text(text);
  updated.set_fact_kind(v1::FACT_KIND_SIGHTING);
  updated.add_changed("facts");
  return Decide(&updated, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Returned() {
  v1::YouthReturned returned;
  *returned.mutable_episode() = Known();
  returned.mutable_episode()->set_state(v1::EPISODE_STATE_RETURNED);
  *returned.mutable_episode()->mutable_return_received_at() = ToProto(now);
  return Decide(&returned, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Closed(v1::CloseReason reason) {
  v1::EpisodeClosed closed;
  *closed.mutable_episode() = Known();
  closed.mutable_episode()->set_state(v1::EPISODE_STATE_CLOSED);
  closed.mutable_episode()->set_close_reason(reason);
  return Decide(&closed, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Identified() {
  v1::VictimIdentified identified;
  v1::Identification& decided = *identified.mutable_identification();
  decided.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  *decided.mutable_decided_at() = ToProto(now);
  *decided.mutable_received_at() = ToProto(now);
  return Decide(&identified, v1::INPUT_KIND_EVENT);
}

Decision NoticeOffice::Files(const v1::FileProofRequest& request) {
  return Decide(&request, v1::INPUT_KIND_COMMAND);
}

Decision NoticeOffice::Files(const std::string& about, const std::string& number) {
  v1::FileProofRequest request;
  request.set_about(about);
  request.set_number(number);
  request.set_how(v1::REACHED_BY_PHONE);
  return Files(request);
}

Decision NoticeOffice::Refuses(const std::string& by, const std::string& reason) {
  v1::RecordRefusalRequest request;
  request.set_by(by);
  request.set_reason(reason);
  return Decide(&request, v1::INPUT_KIND_COMMAND);
}

Decision NoticeOffice::LooksAfter(absl::Duration time) {
  now += time;
  return Decide(nullptr, v1::INPUT_KIND_TIMER);
}

Decision NoticeOffice::Settles(const std::string& notice_id, v1::DeliveryState state) {
  for (const v1::Notice& notice : state_.notices()) {
    if (notice.notice_id() == notice_id) settled_.set_delivery_id(notice.delivery_id());
  }
  settled_.set_state(state);
  *settled_.mutable_settled_at() = ToProto(now);
  return Decide(nullptr, v1::INPUT_KIND_DELIVERY);
}

void NoticeOffice::Evolve(const google::protobuf::Message& event) {
  v1::RecordHeader header;
  header.set_episode_id("youth-1_e1");
  *header.mutable_received_at() = ToProto(now);
  rules_.Evolve(state_, {header, event});
}

Decision NoticeOffice::Decide(const google::protobuf::Message* payload, v1::InputKind kind) {
  Input input;
  input.kind = kind;
  input.service = "notification";
  input.aggregate_id = "youth-1_e1";
  input.input_id = absl::StrCat("input-", ++inputs_);
  input.payload = payload;
  input.timer_id = "look";
  input.delivery = settled_;
  input.header.set_episode_id("youth-1_e1");
  *input.header.mutable_received_at() = ToProto(now);
  input.now = now;
  Decision decision = rules_.Decide(state_, input, directory);
  for (const NewEvent& event : decision.events) Evolve(*event.payload);
  if (kind == v1::INPUT_KIND_TIMER || !decision.timers_removed.empty()) look_at.reset();
  for (const v1::Timer& timer : decision.timers_set) look_at = FromProto(timer.due_at());
  return decision;
}

}  // namespace porchlight
