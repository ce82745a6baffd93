#include "common/oncall/sweep_thread.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/channel/http_get.h"
#include "common/logger/logger.h"

namespace porchlight {
namespace {

constexpr absl::Duration kBetweenPasses = absl::Seconds(5);
constexpr absl::Duration kBetweenParts = absl::Milliseconds(100);
constexpr CurlLimits kHeartbeatLimits = {.connect = absl::Seconds(5), .send = absl::Seconds(10)};

}  // namespace

SweepThread::SweepThread(const EdgePorts& ports)
    : config_(ports.options.config.oncall), sweep_(ports), thread_([this] { Loop(); }) {}

SweepThread::~SweepThread() {
  stopping_ = true;
  wake_.Notify();
  thread_.join();
}

void SweepThread::Loop() {
  while (!stopping_) {
    const bool ended = sweep_.Step();
    if (!config_.heartbeat_url.empty() && sweep_.HeartbeatIsDue(config_.heartbeat_every)) Beat();
    wake_.Wait(ended ? kBetweenPasses : kBetweenParts);
  }
}

void SweepThread::Beat() {
  sender_.Start(
      std::make_unique<HttpGet>(config_.heartbeat_url, kHeartbeatLimits, [](ChannelAnswer answer) {
        if (answer.answer == v1::DELIVERY_ANSWER_ACCEPTED) return;
        LogLine(LogLevel::kWarning, "the heartbeat was not taken: check oncall.heartbeat_url",
                {{"status", absl::StrCat(answer.code)}});
      }));
}

}  // namespace porchlight
