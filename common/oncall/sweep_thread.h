// Repeats the sweep every few seconds on a thread of its own, and calls the configured heartbeat
// while it is clean. Decides nothing.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "common/base/signal.h"
#include "common/channel/curl_sender.h"
#include "common/oncall/sweep.h"

namespace porchlight {

class SweepThread {
 public:
  explicit SweepThread(const EdgePorts& ports);
  // Waits for the part in progress.
  ~SweepThread();
  SweepThread(const SweepThread&) = delete;
  SweepThread& operator=(const SweepThread&) = delete;

 private:
  void Loop();
  void Beat();

  const OncallConfig config_;
  Sweep sweep_;
  CurlSender sender_;
  Signal wake_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace porchlight
