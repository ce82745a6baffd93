// Options that commands have in common which change something: who did it, when, and one word of
// several.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/policy/words.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/porchlight/client.h"
#include "services/porchlight/output.h"

namespace porchlight {

// The words of an enum as they are typed: "case-file".
template <typename Enum>
std::vector<std::string> TypedWords() {
  std::vector<std::string> words = WordsOf<Enum>();
  for (std::string& word : words) std::replace(word.begin(), word.end(), '_', '-');
  return words;
}

template <typename Enum>
Enum FromTypedWord(const std::string& typed) {
  const std::vector<std::string> words = TypedWords<Enum>();
  return static_cast<Enum>(std::find(words.begin(), words.end(), typed) - words.begin() + 1);
}

// One of an enum's words; any other is refused with the list of them.
template <typename Enum, typename Set>
CLI::Option* AddChoice(CLI::App& command, const std::string& flags, const std::string& help,
                       Set set) {
  return command
      .add_option_function<std::string>(
          flags, [set](const std::string& typed) { set(FromTypedWord<Enum>(typed)); }, help)
      ->check(CLI::IsMember(TypedWords<Enum>()));
}

// A time as typed, for a field of a request.
struct TypedTime {
  std::string flag;
  std::string text;
};

inline void AddTime(CLI::App& command, TypedTime& time, const std::string& help) {
  command.add_option(time.flag, time.text, help + ", such as \"2026-11-22 02:10\"");
}

// Leaves `field` absent if no time was typed.
template <typename Mutable>
absl::Status SetTime(const TypedTime& time, Mutable mutable_field) {
  if (time.text.empty()) return absl::OkStatus();
  const absl::StatusOr<google::protobuf::Timestamp> parsed = ParseTime(time.flag, time.text);
  if (!parsed.ok()) return parsed.status();
  *mutable_field() = *parsed;
  return absl::OkStatus();
}

// What each command that changes something is made of.
template <typename Request>
struct Change {
  ServerOptions server;
  Request request;
  TypedTime time;
};

// --reporter and --request-id.
template <typename Request>
void AddActor(CLI::App& command, Request& request) {
  command.add_option("--reporter", *request.mutable_actor()->mutable_actor_id(), "Your worker id");
  command.add_option("--request-id", *request.mutable_request_id(),
                     "The same again counts once (8 to 64 of A-Za-z0-9-)");
}

template <typename Request>
void FinishRequest(Request& request) {
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(v1::REACHED_BY_COMMAND_LINE);
}

template <typename Reply>
void PrintWarnings(const Reply& reply) {
  for (const std::string& warning : reply.warnings())
    std::cout << "Please check: " << warning << ".\n";
}

}  // namespace porchlight
