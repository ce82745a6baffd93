#include "common/roster/roster_file.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/edge/check.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;

constexpr char kCircumstances[] = "circumstances_known";

// Texts and numbers; ids of photos come from the server.
bool IsCell(const FieldDescriptor* field) {
  return !field->is_repeated() && field->name() != "photo_id" &&
         (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
          field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32);
}

void AddColumns(const google::protobuf::Descriptor* type, std::vector<std::string>& columns) {
  for (int i = 0; i < type->field_count(); ++i) {
    if (IsCell(type->field(i))) columns.push_back(type->field(i)->name());
  }
}

// "Date of Birth" as "date_of_birth".
std::string ColumnOf(absl::string_view heading) {
  std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(heading));
  for (char& c : name) c = c == ' ' || c == '-' ? '_' : c;
  return name;
}

absl::Status SetCircumstances(absl::string_view text, v1::Youth& youth) {
  const std::vector<std::string> words = WordsOf<v1::Circumstance>();
  for (absl::string_view cell :
       absl::StrSplit(text, absl::ByAnyChar(";,"), absl::SkipWhitespace())) {
    const auto found = std::find(words.begin(), words.end(), ColumnOf(cell));
    if (found == words.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(kCircumstances, " has a word that isn't one of ", absl::StrJoin(words, ", "),
                       "; put a semicolon between two"));
    }
    youth.add_circumstances_known(static_cast<v1::Circumstance>(found - words.begin() + 1));
  }
  return absl::OkStatus();
}

absl::Status SetCell(const std::string& column, absl::string_view text, v1::Youth& youth) {
  if (text.empty()) return absl::OkStatus();
  if (column == kCircumstances) return SetCircumstances(text, youth);
  google::protobuf::Message* message = &youth;
  const FieldDescriptor* field = v1::Youth::descriptor()->FindFieldByName(column);
  if (field == nullptr) {
    message = youth.mutable_facts();
    field = v1::YouthFacts::descriptor()->FindFieldByName(column);
  }
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    message->GetReflection()->SetString(message, field, std::string(text));
    return absl::OkStatus();
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) {
    return absl::InvalidArgumentError(
        absl::StrCat(column, " isn't a whole number; leave it empty if it isn't known"));
  }
  message->GetReflection()->SetUInt32(message, field, number);
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> RosterColumns() {
  std::vector<std::string> columns;
  AddColumns(v1::Youth::descriptor(), columns);
  AddColumns(v1::YouthFacts::descriptor(), columns);
  columns.emplace_back(kCircumstances);
  return columns;
}

absl::StatusOr<RosterFile> RosterFile::Open(absl::string_view text) {
  RosterFile file(text);
  const std::vector<std::string> known = RosterColumns();
  const std::string expected =
      absl::StrCat("the first row must name the columns: youth_id, and any of ",
                   absl::StrJoin(known.begin() + 1, known.end(), ", "));
  CsvRow header;
  if (!file.reader_.Next(header))
    return absl::InvalidArgumentError(absl::StrCat("the file is empty; ", expected));
  if (!header.error.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", header.line, ": ", header.error.message(), "; ", expected));
  }
  for (const std::string& heading : header.cells) {
    const std::string column = ColumnOf(heading);
    const int place = static_cast<int>(file.columns_.size()) + 1;
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", place, " has a name that isn't known; ", expected));
    }
    if (std::find(file.columns_.begin(), file.columns_.end(), column) != file.columns_.end())
      return absl::InvalidArgumentError(absl::StrCat("column ", column, " is there twice"));
    file.columns_.push_back(column);
  }
  if (std::find(file.columns_.begin(), file.columns_.end(), "youth_id") == file.columns_.end())
    return absl::InvalidArgumentError(absl::StrCat("column youth_id is missing; ", expected));
  return file;
}

bool RosterFile::Next(RosterRow& row) {
  CsvRow cells;
  if (!reader_.Next(cells)) return false;
  row = {.line = cells.line, .youth = {}, .error = cells.error};
  if (!row.error.ok()) return true;
  if (cells.cells.size() != columns_.size()) {
    row.error = absl::InvalidArgumentError(
        absl::StrCat("the row has ", cells.cells.size(), " cells, the first row ", columns_.size(),
                     "; put a text with a comma in it between quotes"));
    return true;
  }
  for (size_t i = 0; i < columns_.size() && row.error.ok(); ++i)
    row.error = SetCell(columns_[i], absl::StripAsciiWhitespace(cells.cells[i]), row.youth);
  if (row.error.ok()) row.error = CheckFields(row.youth);
  if (row.error.ok() && row.youth.youth_id().empty())
    row.error = absl::InvalidArgumentError("youth_id is empty; every youth needs one of their own");
  if (row.error.ok() && !youth_ids_.insert(row.youth.youth_id()).second) {
    row.error =
        absl::InvalidArgumentError("youth_id stands in an earlier row too; only that one counts");
  }
  return true;
}

int RosterFile::percent_read() const {
  return size_ == 0 ? 100 : static_cast<int>(reader_.position() * 100 / size_);
}

}  // namespace porchlight
