// See notice_book.h.
#include "tests/support/notice_book.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "common/base/clock.h"
#include "common/base/ids.h"

namespace porchlight::testing {

NoticeBook::NoticeBook() {
  http_.GiveTo([this](const HttpReceiver::Request& request) { Take(request); });
}

void NoticeBook::Take(const HttpReceiver::Request& request) {
  const absl::Duration now = SystemClock().Steady();
  const auto header = request.headers.find("webhook-id");
  const std::string id = header == request.headers.end() ? "" : header->second;
  const size_t hash = std::hash<std::string>()(request.body);
  absl::MutexLock lock(&mutex_);
  const auto [known, first] = bodies_.insert({id, hash});
  told_.ids.insert(id);
  if (!first) {
    told_.again.push_back(now);
    if (known->second != hash) told_.changed.insert(id);
    return;
  }
  Youth& youth = told_.youths[std::string(YouthOf(AggregateOfDelivery(id)))];
  if (request.path == "/police") {
    if (youth.police_ids.empty()) told_.police.push_back(now);
    youth.police_ids.insert(id);
    youth.police = std::min(youth.police, now);
  } else if (absl::StrContains(request.body, "You are woken")) {
    youth.page_ids.insert(id);
    youth.page = std::min(youth.page, now);
  } else if (absl::StrContains(request.body, "OVERDUE")) {
    youth.overdue = std::min(youth.overdue, now);
  }
}

NoticeBook::Told NoticeBook::told() const {
  absl::MutexLock lock(&mutex_);
  return told_;
}

NoticeBook::Youth NoticeBook::Of(const std::string& youth_id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = told_.youths.find(youth_id);
  return found == told_.youths.end() ? Youth() : found->second;
}

}  // namespace porchlight::testing
