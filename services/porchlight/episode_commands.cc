// episodes and episode: what intake knows.
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct EpisodeOptions {
  ServerOptions server;
  bool all = false;
  std::string episode_id;
};

std::string NameOf(const v1::YouthFacts& youth) {
  std::vector<std::string> parts;
  for (const std::string& part : {youth.first_name(), youth.last_name()}) {
    if (!part.empty()) parts.push_back(part);
  }
  if (!youth.preferred_name().empty())
    parts.push_back(absl::StrCat("(", youth.preferred_name(), ")"));
  return absl::StrJoin(parts, " ");
}

std::string WhoText(const v1::Episode& episode) {
  std::vector<std::string> known;
  for (const std::string& fact :
       {std::string(episode.exercise() ? "[EXERCISE]" : ""), NameOf(episode.youth()),
        std::string(episode.same_as_episode_id().empty()
                        ? ""
                        : absl::StrCat("[same as ", episode.same_as_episode_id(), "]")),
        episode.placement()}) {
    if (!fact.empty()) known.push_back(fact);
  }
  return absl::StrJoin(known, " ");
}

int Episodes(const EpisodeOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  v1::ListEpisodesReply all;
  v1::ListEpisodesRequest request;
  request.set_include_ended(options.all);
  request.set_page_size(500);
  do {
    v1::ListEpisodesReply page;
    const absl::Status status =
        Call(options.server, *stub, &v1::Intake::Stub::ListEpisodes, request, page);
    if (!status.ok()) return Fail(status);
    request.set_page_token(page.next_page_token());
    all.mutable_episodes()->MergeFrom(page.episodes());
  } while (!request.page_token().empty());
  if (options.server.json) {
    PrintJson(all);
    return kDone;
  }
  if (all.episodes().empty()) {
    std::cout << (options.all ? "No episodes.\n"
                              : "No open episodes. --all shows those that have ended too.\n");
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::Episode& episode : all.episodes()) {
    rows.push_back({episode.episode_id(),
                    Word("EPISODE_STATE_", v1::EpisodeState_Name(episode.state())),
                    TimeText(episode.has_received_at(), episode.received_at()), WhoText(episode)});
  }
  PrintTable({"EPISODE", "STATE", "KNOWN SINCE", "WHO, FROM WHERE"}, rows);
  return kDone;
}

// One line for each thing that is known; nothing for what isn't.
class Lines {
 public:
  void Add(absl::string_view label, absl::string_view text) {
    if (text.empty()) return;
    std::cout << label << ":" << std::string(label.size() < 20 ? 20 - label.size() : 1, ' ') << text
              << "\n";
  }
  void Add(absl::string_view label, bool present, const google::protobuf::Timestamp& time) {
    Add(label, TimeText(present, time));
  }
  void Add(absl::string_view label, uint32_t number, absl::string_view unit) {
    if (number != 0) Add(label, absl::StrCat(number, unit));
  }
};

void PrintYouth(const v1::YouthFacts& youth, Lines& lines) {
  lines.Add("Name", NameOf(youth));
  lines.Add("Pronouns", youth.pronouns());
  lines.Add("Date of birth", youth.date_of_birth());
  lines.Add("Age as told", youth.age_years(), " years");
  lines.Add("Sex", youth.sex());
  lines.Add("Race", youth.race());
  lines.Add("Ethnicity", youth.ethnicity());
  lines.Add("Height", youth.height_cm(), " cm");
  lines.Add("Weight", youth.weight_kg(), " kg");
  lines.Add("Eyes", youth.eyes());
  lines.Add("Hair", youth.hair());
  lines.Add("Marks", youth.marks());
  lines.Add("Description", youth.physical_description());
  lines.Add("Clothing", youth.clothing());
  lines.Add("Risks", youth.endangerment());
  lines.Add("Health needs", youth.health());
  lines.Add("Contacts", youth.contacts());
  lines.Add("Vehicle", youth.vehicle());
  lines.Add("Photo", youth.photo_id());
  const std::map<std::string, std::string> unavailable(youth.unavailable().begin(),
                                                       youth.unavailable().end());
  for (const auto& [name, reason] : unavailable)
    lines.Add("Not available", absl::StrCat(name, ": ", reason));
}

void PrintCase(const v1::Episode& episode, Lines& lines) {
  lines.Add("Missing from", episode.placement());
  lines.Add("Last seen at", episode.last_seen_place());
  lines.Add("Last seen on", episode.has_last_seen_at(), episode.last_seen_at());
  lines.Add("What happened", episode.circumstances());
  if (!episode.status_word().empty()) {
    lines.Add("Agency's word",
              absl::StrCat(episode.status_word(), " (", PlainWord(episode.status()), ")"));
  }
  for (const v1::KnownCircumstance& one : episode.circumstances_known()) {
    lines.Add("Known", absl::StrCat(PlainWord(one.circumstance()), ", since ",
                                    TimeText(true, one.known_since())));
  }
  for (const v1::AnchorTime& anchor : episode.anchors())
    lines.Add("Time told",
              absl::StrCat(PlainWord(anchor.anchor()), " ", TimeText(true, anchor.at())));
  lines.Add("Jurisdiction", episode.jurisdiction());
  lines.Add("Caseworker", episode.caseworker_id());
  lines.Add("Reporter", episode.reporter_contact());
  lines.Add("Returned on", episode.has_returned_at(), episode.returned_at());
  lines.Add("Return known since", episode.has_return_received_at(), episode.return_received_at());
  if (episode.recovered_where() != v1::RECOVERED_WHERE_UNSPECIFIED)
    lines.Add("Found", PlainWord(episode.recovered_where()));
  lines.Add("Closed on", episode.has_closed_at(), episode.closed_at());
  if (episode.close_reason() != v1::CLOSE_REASON_UNSPECIFIED)
    lines.Add("Closed because", PlainWord(episode.close_reason()));
  lines.Add("Known too under", absl::StrJoin(episode.joined_youth_ids(), ", "));
  lines.Add("Same as episode", episode.same_as_episode_id());
}

int Episode(const EpisodeOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  v1::GetEpisodeRequest request;
  request.set_episode_id(options.episode_id);
  v1::GetEpisodeReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::GetEpisode, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  const v1::Episode& episode = reply.episode();
  Lines lines;
  lines.Add("Episode", absl::StrCat(episode.episode_id(), episode.exercise() ? " EXERCISE" : ""));
  lines.Add("State", PlainWord(episode.state()));
  lines.Add("Known since", episode.has_received_at(), episode.received_at());
  PrintYouth(episode.youth(), lines);
  PrintCase(episode, lines);
  lines.Add("Not known yet", absl::StrJoin(episode.still_unknown(), ", "));
  if (episode.facts().empty()) return kDone;
  std::vector<std::vector<std::string>> rows;
  for (const v1::AddedFact& fact : episode.facts()) {
    rows.push_back({TimeText(true, fact.received_at()), PlainWord(fact.kind()),
                    TimeText(fact.has_occurred_at(), fact.occurred_at()), Short(fact.place(), 24),
                    fact.text()});
  }
  std::cout << "\n";
  PrintTable({"ADDED", "KIND", "WHEN IT WAS", "PLACE", "TEXT"}, rows);
  return kDone;
}

}  // namespace

void AddEpisodeCommands(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EpisodeOptions>();
  CLI::App* episodes = app.add_subcommand("episodes", "List open episodes");
  AddServerOptions(*episodes, options->server);
  episodes->add_flag("--all", options->all, "Also those that have ended");
  episodes->callback([options, &exit_code] { exit_code = Episodes(*options); });

  episodes->footer("Example: porchlight episodes --all");
  CLI::App* episode = app.add_subcommand("episode", "All that is known of one episode");
  episode->footer("Example: porchlight episode y-100_e1");
  AddServerOptions(*episode, options->server);
  episode->add_option("--episode,episode", options->episode_id, "The episode's id")->required();
  episode->callback([options, &exit_code] { exit_code = Episode(*options); });
}

}  // namespace porchlight
