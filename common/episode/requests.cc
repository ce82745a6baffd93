#include "common/episode/requests.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/edge/check.h"

namespace porchlight {
namespace {

// Runs the checks in turn until one refuses.
template <typename... Checks>
absl::Status First(Checks... checks) {
  absl::Status checked;
  ((checked = checks(), checked.ok()) && ...);
  return checked;
}

absl::Status CheckOptionalId(absl::string_view field, absl::string_view id) {
  return id.empty() ? absl::OkStatus() : CheckId(field, id);
}

absl::Status CheckActor(const v1::Actor& actor) {
  return CheckOptionalId("actor_id", actor.actor_id());
}

absl::Status CheckCircumstances(const google::protobuf::RepeatedField<int>& circumstances) {
  for (const int one : circumstances) {
    if (!v1::Circumstance_IsValid(one) || one == v1::CIRCUMSTANCE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          "circumstances_known has one that this version doesn't know; tell it in circumstances or "
          "endangerment instead, in words");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAnchors(const google::protobuf::RepeatedPtrField<v1::AnchorTime>& anchors) {
  std::set<int> seen;
  for (const v1::AnchorTime& one : anchors) {
    const bool tellable = v1::PolicyAnchor_IsValid(one.anchor()) &&
                          one.anchor() > v1::POLICY_ANCHOR_OCCURRED && one.has_at();
    if (!tellable || !seen.insert(one.anchor()).second) {
      return absl::InvalidArgumentError(
          "anchors must each have a time, come once, and be one of suspected, absence, departure, "
          "last_contact, determined_missing and last_exposure");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFactsToldByCaller(const v1::YouthFacts& facts) {
  if (facts.photo_id().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "photo_id is given by the server; send the picture itself, in photo of AddToEpisode");
}

absl::Status CheckSomebody(const v1::ReportMissingRequest& request) {
  const v1::YouthFacts& youth = request.youth();
  if (!request.youth_id().empty() || !youth.first_name().empty() || !youth.last_name().empty() ||
      !youth.preferred_name().empty() || !request.placement().empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "nothing says who is missing: give at least a name, a placement or a youth id. Nothing was "
      "kept.");
}

absl::Status CheckKind(const v1::AddToEpisodeRequest& request) {
  if (!v1::FactKind_IsValid(request.kind()) || request.kind() == v1::FACT_KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        "kind must be one of sighting, contact, photo, other, located and crime_learned");
  }
  if (request.kind() == v1::FACT_KIND_PHOTO && request.photo().empty())
    return absl::InvalidArgumentError("photo is empty: send a JPEG or PNG of at most 10 MiB");
  const bool tells = !request.text().empty() || !request.place().empty() ||
                     !request.photo().empty() || request.youth().ByteSizeLong() > 0 ||
                     !request.circumstances_known().empty() || !request.anchors().empty();
  if (request.kind() == v1::FACT_KIND_OTHER && !tells)
    return absl::InvalidArgumentError("nothing is told: give a text, a photo or a fact to add");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckReport(const v1::ReportMissingRequest& request) {
  return First([&] { return CheckFields(request); }, [&] { return CheckActor(request.actor()); },
               [&] { return CheckOptionalId("youth_id", request.youth_id()); },
               [&] { return CheckOptionalId("jurisdiction", request.jurisdiction()); },
               [&] { return CheckFactsToldByCaller(request.youth()); },
               [&] { return CheckCircumstances(request.circumstances_known()); },
               [&] { return CheckAnchors(request.anchors()); },
               [&] { return CheckSomebody(request); });
}

absl::Status CheckAddition(const v1::AddToEpisodeRequest& request) {
  return First([&] { return CheckFields(request); }, [&] { return CheckActor(request.actor()); },
               [&] { return CheckEpisodeId(request.episode_id()); },
               [&] { return CheckFactsToldByCaller(request.youth()); },
               [&] { return CheckCircumstances(request.circumstances_known()); },
               [&] { return CheckAnchors(request.anchors()); }, [&] { return CheckKind(request); });
}

absl::Status CheckClosing(const v1::CloseEpisodeRequest& request) {
  const absl::Status checked =
      First([&] { return CheckFields(request); }, [&] { return CheckActor(request.actor()); },
            [&] { return CheckEpisodeId(request.episode_id()); });
  if (!checked.ok()) return checked;
  if (v1::CloseReason_IsValid(request.reason()) &&
      request.reason() != v1::CLOSE_REASON_UNSPECIFIED) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "reason must be one of returned, aged_out, court_ended_care, deceased and reported_in_error");
}

absl::Status CheckYouth(const v1::Youth& youth) {
  const absl::Status checked = First(
      [&] { return CheckFields(youth); }, [&] { return CheckId("youth_id", youth.youth_id()); },
      [&] { return CheckOptionalId("jurisdiction", youth.jurisdiction()); },
      [&] { return CheckOptionalId("caseworker_id", youth.caseworker_id()); },
      [&] { return CheckFactsToldByCaller(youth.facts()); },
      [&] { return CheckCircumstances(youth.circumstances_known()); });
  if (!checked.ok()) return checked;
  const v1::YouthFacts& facts = youth.facts();
  absl::CivilDay birth;
  if (!facts.date_of_birth().empty() && !absl::ParseCivilTime(facts.date_of_birth(), &birth))
    return absl::InvalidArgumentError("date_of_birth isn't a date like 2010-05-13");
  if (facts.height_cm() != 0 && (facts.height_cm() < 30 || facts.height_cm() > 260))
    return absl::InvalidArgumentError("height_cm isn't between 30 and 260; it counts centimetres");
  if (facts.weight_kg() != 0 && (facts.weight_kg() < 2 || facts.weight_kg() > 400))
    return absl::InvalidArgumentError("weight_kg isn't between 2 and 400; it counts kilograms");
  return absl::OkStatus();
}

absl::Status CheckReturn(const v1::RecordReturnRequest& request) {
  return First([&] { return CheckFields(request); }, [&] { return CheckActor(request.actor()); },
               [&] { return CheckEpisodeId(request.episode_id()); });
}

absl::Status CheckJoin(const v1::JoinYouthRequest& request) {
  const absl::Status checked =
      First([&] { return CheckActor(request.actor()); },
            [&] { return CheckId("reported_youth_id", request.reported_youth_id()); },
            [&] { return CheckId("youth_id", request.youth_id()); });
  if (!checked.ok() || request.youth_id() != request.reported_youth_id()) return checked;
  return absl::InvalidArgumentError(
      "reported_youth_id and youth_id are the same; give the id that the youth was reported under "
      "and the one of the roster");
}

absl::Status CheckYouths(const v1::SetYouthsRequest& request) {
  if (request.youths_size() <= kYouthsPerRequestMax) return CheckActor(request.actor());
  return absl::InvalidArgumentError(absl::StrCat("youths has ", request.youths_size(),
                                                 " entries; send at most ", kYouthsPerRequestMax,
                                                 " in one request. Nothing was kept."));
}

}  // namespace porchlight
