// What intake can't understand, and says so: a report is never refused because something is
// missing or odd. Errors name the field and never repeat its value. Pure.
#pragma once

#include "absl/status/status.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

// Each: OK, or InvalidArgument with what to do. None looks at the request id.
absl::Status CheckReport(const v1::ReportMissingRequest& request);
absl::Status CheckReturn(const v1::RecordReturnRequest& request);
absl::Status CheckAddition(const v1::AddToEpisodeRequest& request);
absl::Status CheckClosing(const v1::CloseEpisodeRequest& request);
absl::Status CheckJoin(const v1::JoinYouthRequest& request);
// Of the request as a whole; each youth is checked by itself.
absl::Status CheckYouths(const v1::SetYouthsRequest& request);
// A roster can be mended at leisure, so nothing doubtful goes into it.
absl::Status CheckYouth(const v1::Youth& youth);

}  // namespace porchlight
