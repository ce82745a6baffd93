// The far end of the webhook: answers every POST with 200 and notes when the first byte of the
// request arrived. One thread, connections kept open; it does as little as a receiver can.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace porchlight::bench {

// Text by which a request tells its number, anywhere in it. Also the id of a youth.
std::string Marker(size_t number);

class Receiver {
 public:
  explicit Receiver(size_t markers_max);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // "http://127.0.0.1:PORT", and where notices of interest, pages, and all that nobody looks at
  // come.
  const std::string& address() const { return address_; }
  std::string url() const { return address_ + "/hook"; }
  std::string page_url() const { return address_ + "/page"; }
  std::string other_url() const { return address_ + "/other"; }

  // By Clock::Steady: when the first byte of the first request with this marker arrived;
  // InfiniteDuration if none did.
  absl::Duration Arrival(size_t number) const;
  // The same of pages: the first, the last, and how many.
  absl::Duration FirstPage(size_t number) const;
  absl::Duration LastPage(size_t number) const;
  int Pages(size_t number) const { return pages_[number].count; }
  // Notices with or without a marker, repetitions included.
  size_t requests() const { return requests_; }
  // False if there aren't so many within `longest`.
  bool WaitForRequests(size_t count, absl::Duration longest) const;
  // False if one of [first, end) hasn't arrived within `longest`.
  bool WaitForMarkers(size_t first, size_t end, absl::Duration longest) const;
  bool WaitForPages(size_t first, size_t end, absl::Duration longest) const;

 private:
  struct Connection {
    std::string unread;
    absl::Duration began;  // of the request in `unread`
  };

  struct PagesOfOne {
    std::atomic<int64_t> first = 0;  // nanoseconds; 0: none
    std::atomic<int64_t> last = 0;
    std::atomic<int> count = 0;
  };

  void Run();
  void Accept();
  void ReadFrom(int fd);
  bool TakeRequest(int fd, Connection& connection);
  void Note(absl::string_view request, absl::Duration began);

  int listener_ = -1;
  int epoll_ = -1;
  int stop_ = -1;  // an eventfd
  std::string address_;
  std::map<int, Connection> connections_;
  std::vector<std::atomic<int64_t>> arrivals_;  // nanoseconds; 0: not arrived
  std::vector<PagesOfOne> pages_;
  std::atomic<size_t> requests_{0};
  std::thread thread_;
};

}  // namespace porchlight::bench
