// Short words for the log's contract tests.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/log/chain.h"
#include "common/log/log.h"
#include "gtest/gtest.h"

namespace porchlight {

// A directory that goes away with everything in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

AppendResult AppendTo(Log& log, const TopicPartition& where, std::vector<std::string> records,
                      std::optional<int64_t> expected_end = std::nullopt);
std::vector<std::string> ReadAll(Log& log, const TopicPartition& where);
int64_t EndOf(Log& log, const TopicPartition& where);

// Everything that counts, from the start of the partition.
absl::StatusOr<std::vector<Counted>> ReadChain(Log& log, const TopicPartition& where);

// One of several who believe that they own a partition: it seals transitions onto what it has read.
class ChainWriter {
 public:
  ChainWriter(Log& log, TopicPartition where) : log_(log), reader_(log, where, ChainTail()) {}

  // Reads on to the end, and returns the aggregate ids of what counts.
  std::vector<std::string> CatchUp();
  // The next `count` transitions as records, of aggregates NAME1, NAME2, ...
  AppendRequest Seal(const std::string& name, int count = 1) const;
  AppendResult Append(const std::string& name, int count = 1);

 private:
  Log& log_;
  ChainReader reader_;
};

// Runs `work` in a process of its own, which then ends abruptly, without closing anything. Returns
// what it wrote to the descriptor that it was given. `kill_after_bytes` > 0: the process is killed
// (SIGKILL) as soon as it has written so much.
std::string InChildProcess(const std::function<void(int descriptor)>& work,
                           size_t kill_after_bytes = 0);
// For `work` of InChildProcess.
void WriteLine(int descriptor, const std::string& line);

}  // namespace porchlight
