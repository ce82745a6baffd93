#include "common/log/listeners.h"

#include <algorithm>
#include <utility>

namespace porchlight {

void Listeners::Add(Signal* signal, std::vector<std::string> topics) {
  absl::MutexLock lock(&mutex_);
  listeners_.push_back({.signal = signal, .topics = std::move(topics)});
}

void Listeners::Remove(Signal* signal) {
  absl::MutexLock lock(&mutex_);
  std::erase_if(listeners_, [&](const Listener& known) { return known.signal == signal; });
}

void Listeners::Notify(const std::vector<std::string>& grown_topics) {
  absl::MutexLock lock(&mutex_);
  for (const Listener& listener : listeners_) {
    const bool concerned =
        std::any_of(grown_topics.begin(), grown_topics.end(), [&](const std::string& topic) {
          return std::find(listener.topics.begin(), listener.topics.end(), topic) !=
                 listener.topics.end();
        });
    if (concerned) listener.signal->Notify();
  }
}

void Listeners::NotifyAll() {
  absl::MutexLock lock(&mutex_);
  for (const Listener& listener : listeners_) listener.signal->Notify();
}

}  // namespace porchlight
