// The words of policy: an enum's value is written in packs, keys and tables as its name without the
// prefix, in small letters: CIRCUMSTANCE_INDIAN_CHILD is "indian_child".
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace porchlight {

// Of every value but the first, which is "unspecified"; a value's place is its number less one.
std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor& type);
std::string EnumWord(const google::protobuf::EnumDescriptor& type, int value);

template <typename Enum>
std::vector<std::string> WordsOf() {
  return EnumWords(*google::protobuf::GetEnumDescriptor<Enum>());
}

template <typename Enum>
std::string WordOf(Enum value) {
  return EnumWord(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

// "indian_child" as "indian child".
template <typename Enum>
std::string PlainWord(Enum value) {
  std::string word = WordOf(value);
  for (char& c : word) {
    if (c == '_') c = ' ';
  }
  return word;
}

}  // namespace porchlight
