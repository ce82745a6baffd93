// What looks odd in what was told. It is accepted all the same: each text says what to
// check, for the caller, and repeats nothing of what was told. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

// Status words of agencies, laws and police forms, as people write them; a blank or mark is
// as good as another. NOT_KNOWN: none of the list.
v1::StatusKind StatusOf(absl::string_view word);

// "last_seen_at is in the future: ...", or empty. A clock on a phone may be a little ahead.
std::string FutureOddity(absl::string_view field, absl::Time time, absl::Time now);

// Of what is told of a youth.
std::vector<std::string> Oddities(const v1::YouthFacts& facts, absl::Time now);
std::vector<std::string> Oddities(const google::protobuf::RepeatedPtrField<v1::AnchorTime>& anchors,
                                  absl::Time now);
// `episode`: what was known before the report.
std::vector<std::string> Oddities(const v1::ReportMissingRequest& report,
                                  const v1::Episode& episode, absl::Time now);
// `episode`: before the return.
std::vector<std::string> Oddities(const v1::RecordReturnRequest& request,
                                  const v1::Episode& episode, absl::Time now);
std::vector<std::string> Oddities(const v1::AddToEpisodeRequest& addition,
                                  const v1::Episode& episode, absl::Time now);

}  // namespace porchlight
