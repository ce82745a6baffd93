#include "services/porchlight/fact_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

// "name=value" in two.
absl::StatusOr<std::pair<std::string, std::string>> Halves(absl::string_view option,
                                                           const std::string& text) {
  const std::pair<std::string, std::string> halves = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (!halves.first.empty() && !halves.second.empty()) return halves;
  return absl::InvalidArgumentError(absl::StrCat(option, " must be NAME=VALUE"));
}

}  // namespace

void FactOptions::AddTo(CLI::App& command, v1::YouthFacts& facts) {
  facts_ = &facts;
  const auto text = [&](const std::string& flag, std::string* field, const std::string& help) {
    command.add_option(flag, *field, help)->group("The youth");
  };
  text("--first-name", facts.mutable_first_name(), "");
  text("--last-name", facts.mutable_last_name(), "");
  text("--preferred-name", facts.mutable_preferred_name(), "What the youth is called");
  text("--pronouns", facts.mutable_pronouns(), "");
  text("--date-of-birth", facts.mutable_date_of_birth(), "YYYY-MM-DD");
  command.add_option("--age", age_years_, "Years, where the date of birth isn't known")
      ->group("The youth");
  text("--sex", facts.mutable_sex(), "");
  text("--race", facts.mutable_race(), "");
  text("--ethnicity", facts.mutable_ethnicity(), "");
  command.add_option("--height-cm", height_cm_, "")->group("The youth");
  command.add_option("--weight-kg", weight_kg_, "")->group("The youth");
  text("--eyes", facts.mutable_eyes(), "Colour");
  text("--hair", facts.mutable_hair(), "Colour, length");
  text("--marks", facts.mutable_marks(), "Scars, marks, tattoos, piercings");
  text("--description", facts.mutable_physical_description(), "Anything else to be known by");
  text("--clothing", facts.mutable_clothing(), "Worn when last seen");
  text("--endangerment", facts.mutable_endangerment(),
       "Risks: pregnancy, suicidal, trafficking...");
  text("--health", facts.mutable_health(), "Medications and health needs");
  text("--contacts", facts.mutable_contacts(), "Telephone, accounts, people close to the youth");
  text("--vehicle", facts.mutable_vehicle(), "");
  command
      .add_option("--circumstance", circumstances_,
                  "What is known to be so, such as indian-child or medical-need; may be repeated")
      ->allow_extra_args(false);
  command
      .add_option(
          "--anchor", anchors_,
          "A time that deadlines count from, such as \"departure=2026-11-22 02:10\"; may be "
          "repeated")
      ->allow_extra_args(false);
  command
      .add_option("--unavailable", unavailable_,
                  "Why a fact isn't reasonably available, such as \"photo=none was taken\"; may be "
                  "repeated")
      ->allow_extra_args(false);
}

absl::Status FactOptions::Read(google::protobuf::RepeatedField<int>& circumstances,
                               google::protobuf::RepeatedPtrField<v1::AnchorTime>& anchors) const {
  facts_->set_height_cm(height_cm_);
  facts_->set_weight_kg(weight_kg_);
  facts_->set_age_years(age_years_);
  for (const std::string& word : circumstances_) {
    const absl::StatusOr<v1::Circumstance> one = EnumOf<v1::Circumstance>("--circumstance", word);
    if (!one.ok()) return one.status();
    circumstances.Add(*one);
  }
  for (const std::string& text : anchors_) {
    const auto halves = Halves("--anchor", text);
    if (!halves.ok()) return halves.status();
    const auto anchor = EnumOf<v1::PolicyAnchor>("--anchor", halves->first);
    if (!anchor.ok()) return anchor.status();
    const auto time = ParseTime("--anchor", halves->second);
    if (!time.ok()) return time.status();
    v1::AnchorTime& added = *anchors.Add();
    added.set_anchor(*anchor);
    *added.mutable_at() = *time;
  }
  for (const std::string& text : unavailable_) {
    const auto halves = Halves("--unavailable", text);
    if (!halves.ok()) return halves.status();
    (*facts_->mutable_unavailable())[halves->first] = halves->second;
  }
  return absl::OkStatus();
}

}  // namespace porchlight
