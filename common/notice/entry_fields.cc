// The fields of a police entry, in the order and form in which NCIC asks for them.
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/time.h"
#include "common/notice/packet.h"

namespace porchlight {
namespace {

constexpr double kCentimetresInAnInch = 2.54;
constexpr double kPoundsInAKilogram = 2.20462;

struct ColourCode {
  absl::string_view word;
  absl::string_view code;
};
constexpr ColourCode kEyeCodes[] = {
    {"blue", "BLU"}, {"brown", "BRO"}, {"green", "GRN"}, {"hazel", "HAZ"}};
constexpr ColourCode kHairCodes[] = {{"black", "BLK"},  {"brown", "BRO"}, {"blond", "BLN"},
                                     {"blonde", "BLN"}, {"red", "RED"},   {"gray", "GRY"},
                                     {"grey", "GRY"},   {"white", "WHI"}};

// The code and the word, where what was told is nothing but a colour; else only what was told.
template <size_t n>
std::string WithCode(const std::string& told, const ColourCode (&codes)[n]) {
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(told));
  for (const ColourCode& colour : codes) {
    if (colour.word == word) return absl::StrCat(colour.code, " (", told, ")");
  }
  return told;
}

// Feet and inches as one number, such as 505.
std::string Height(uint32_t height_cm) {
  if (height_cm == 0) return "";
  const long inches = std::lround(height_cm / kCentimetresInAnInch);
  return absl::StrCat(inches / 12, absl::Dec(inches % 12, absl::kZeroPad2), " (", height_cm,
                      " cm)");
}

std::string Weight(uint32_t weight_kg) {
  if (weight_kg == 0) return "";
  return absl::StrCat(absl::Dec(std::lround(weight_kg * kPoundsInAKilogram), absl::kZeroPad3), " (",
                      weight_kg, " kg)");
}

// Last name first.
std::string Name(const v1::YouthFacts& youth) {
  if (youth.first_name().empty() || youth.last_name().empty())
    return absl::StrCat(youth.last_name(), youth.first_name());
  return absl::StrCat(youth.last_name(), ", ", youth.first_name());
}

std::string BirthDate(const v1::YouthFacts& youth) {
  absl::CivilDay day;
  if (absl::ParseCivilTime(youth.date_of_birth(), &day)) {
    return absl::StrCat(absl::FormatCivilTime(absl::CivilYear(day)),
                        absl::Dec(day.month(), absl::kZeroPad2),
                        absl::Dec(day.day(), absl::kZeroPad2), " (", youth.date_of_birth(), ")");
  }
  if (!youth.date_of_birth().empty()) return youth.date_of_birth();
  return youth.age_years() == 0
             ? ""
             : absl::StrCat("not known; about ", youth.age_years(), " years old");
}

class EntryWriter {
 public:
  explicit EntryWriter(const v1::YouthFacts& youth) : youth_(youth) {}

  // `name`: of the field, as reports tell why it isn't available.
  void Add(absl::string_view code, absl::string_view label, absl::string_view name,
           const std::string& value) {
    v1::PacketField& field = fields_.emplace_back();
    field.set_code(std::string(code));
    field.set_label(std::string(label));
    field.set_value(value);
    if (!value.empty()) return;
    const auto why = youth_.unavailable().find(std::string(name));
    field.set_not_available(absl::StrCat(
        "not reasonably available: ",
        why == youth_.unavailable().end() ? std::string("not told yet") : why->second));
  }

  std::vector<v1::PacketField> Take() { return std::move(fields_); }

 private:
  const v1::YouthFacts& youth_;
  std::vector<v1::PacketField> fields_;
};

}  // namespace

std::vector<v1::PacketField> EntryFields(const v1::Episode& episode, const absl::TimeZone& zone) {
  const v1::YouthFacts& youth = episode.youth();
  EntryWriter writer(youth);
  writer.Add("NAM", "Name", youth.last_name().empty() ? "last_name" : "first_name", Name(youth));
  writer.Add("SEX", "Sex", "sex", youth.sex());
  writer.Add("RAC", "Race", "race", youth.race());
  writer.Add("ETN", "Ethnicity", "ethnicity", youth.ethnicity());
  writer.Add("DOB", "Date of birth", "date_of_birth", BirthDate(youth));
  writer.Add("HGT", "Height", "height_cm", Height(youth.height_cm()));
  writer.Add("WGT", "Weight", "weight_kg", Weight(youth.weight_kg()));
  writer.Add("EYE", "Eyes", "eyes", WithCode(youth.eyes(), kEyeCodes));
  writer.Add("HAI", "Hair", "hair", WithCode(youth.hair(), kHairCodes));
  writer.Add("SMT", "Scars, marks, tattoos", "marks", youth.marks());
  writer.Add("DLC", "Date of last contact", "last_seen_at",
             episode.has_last_seen_at()
                 ? absl::FormatTime("%Y%m%d (%H:%M %Z)", FromProto(episode.last_seen_at()), zone)
                 : "");
  writer.Add("MIS", "Clothing when last seen", "clothing", youth.clothing());
  writer.Add("MIS", "Risks", "endangerment", youth.endangerment());
  writer.Add("MIS", "Health needs", "health", youth.health());
  writer.Add("MIS", "Circumstances", "circumstances", episode.circumstances());
  return writer.Take();
}

}  // namespace porchlight
