// A case told step by step on the scenario world: what people do and what time passes, and after
// each step exactly who was told and who was woken. What nobody asked about fails at the end.
#pragma once

#include <string>
#include <vector>

#include "tests/support/world.h"

namespace porchlight {

class Story {
 public:
  // A time such as "2026-11-22T02:10:00-06:00"; somebody of each kind that the packs name; the
  // supervisors "first" and, after ten minutes, "second"; a team of an advocate and a clinic.
  explicit Story(const std::string& begins);
  // Fails if somebody was told or woken whom no step expected.
  ~Story();

  void Report(const std::string& jurisdiction, const std::vector<v1::Circumstance>& known = {});
  void Sighted(const std::string& text);
  void Located(v1::Circumstance where);
  void Files(const std::string& about, const std::string& number = "");
  void Refuses(const std::string& by);
  // The newest open alert that this person was paged for.
  void Acknowledges(const std::string& person);
  void Returns();
  void Screens(v1::ScreeningBand band);
  void Interviews();
  void Photographs();
  void ExposedAt(absl::Duration ago);
  void Offers(const std::string& rule);
  void Identifies();
  void TeamAnswers(const std::string& seat);
  void TeamMeets();
  void Closes(v1::CloseReason reason);
  void Passes(absl::Duration time);
  // Until that time after the report.
  void Until(absl::Duration after_report);

  // "police: missing", "court: returned", "advocate: team", since the last call, sorted.
  std::vector<std::string> Told();
  // "first: woken page.supervisor.1.1", "first: soon police.law_enforcement.1.1", sorted.
  std::vector<std::string> Woken();
  // Keys of the duties that are open and have begun, sorted.
  std::vector<std::string> Open();

  World world;

 private:
  template <typename Reply, typename Request>
  void Does(const std::string& service, Request request);
  v1::OncallState State();

  int requests_ = 0;
  size_t pages_seen_ = 0;
  absl::Time reported_at_;
};

}  // namespace porchlight
