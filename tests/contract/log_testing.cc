#include "tests/contract/log_testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

namespace porchlight {

TempDirectory::TempDirectory() : path_(::testing::TempDir() + "/porchlight.XXXXXX") {
  EXPECT_NE(mkdtemp(path_.data()), nullptr);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

AppendResult AppendTo(Log& log, const TopicPartition& where, std::vector<std::string> records,
                      std::optional<int64_t> expected_end) {
  AppendRequest request{
      .where = where, .records = std::move(records), .expected_end = expected_end};
  std::vector<AppendRequest> requests;
  requests.push_back(std::move(request));
  std::vector<AppendResult> results = log.Append(std::move(requests));
  EXPECT_EQ(results.size(), 1u);
  return results.at(0);
}

std::vector<std::string> ReadAll(Log& log, const TopicPartition& where) {
  std::vector<std::string> all;
  while (true) {
    const auto read = log.Read(where, static_cast<int64_t>(all.size()));
    EXPECT_TRUE(read.ok()) << read.status();
    if (!read.ok() || read->empty()) return all;
    all.insert(all.end(), read->begin(), read->end());
  }
}

int64_t EndOf(Log& log, const TopicPartition& where) {
  const absl::StatusOr<int64_t> end = log.End(where);
  EXPECT_TRUE(end.ok()) << end.status();
  return end.value_or(-1);
}

absl::StatusOr<std::vector<Counted>> ReadChain(Log& log, const TopicPartition& where) {
  ChainReader reader(log, where, ChainTail());
  std::vector<Counted> all;
  while (true) {
    const int64_t from = reader.tail().next_offset;
    absl::StatusOr<std::vector<Counted>> next = reader.Next();
    if (!next.ok()) return next.status();
    for (Counted& counted : *next) all.push_back(std::move(counted));
    if (reader.tail().next_offset == from) return all;
  }
}

std::vector<std::string> ChainWriter::CatchUp() {
  std::vector<std::string> ids;
  while (true) {
    const int64_t from = reader_.tail().next_offset;
    const absl::StatusOr<std::vector<Counted>> next = reader_.Next();
    if (!next.ok()) {
      // A read fault that the test planned: it comes back later.
      if (!absl::IsUnavailable(next.status())) ADD_FAILURE() << next.status();
      return ids;
    }
    for (const Counted& counted : *next) ids.push_back(counted.transition.aggregate_id());
    if (reader_.tail().next_offset == from) return ids;
  }
}

AppendRequest ChainWriter::Seal(const std::string& name, int count) const {
  AppendRequest request{.where = reader_.where(), .records = {}, .expected_end = {}};
  request.expected_end = reader_.tail().next_offset;
  ChainTail tail = reader_.tail();
  for (int i = 1; i <= count; ++i) {
    v1::Transition transition;
    transition.set_aggregate_id(absl::StrCat(name, i));
    const v1::TransitionRecord record = SealLink(tail, transition);
    request.records.push_back(record.SerializeAsString());
    tail.hash = record.hash();
    tail.sequence = record.sequence();
  }
  return request;
}

AppendResult ChainWriter::Append(const std::string& name, int count) {
  std::vector<AppendRequest> requests;
  requests.push_back(Seal(name, count));
  return log_.Append(std::move(requests)).at(0);
}

std::string InChildProcess(const std::function<void(int descriptor)>& work,
                           size_t kill_after_bytes) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    work(ends[1]);
    _exit(0);
  }
  close(ends[1]);
  std::string written;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    written.append(buffer, static_cast<size_t>(got));
    if (kill_after_bytes > 0 && written.size() >= kill_after_bytes) kill(child, SIGKILL);
  }
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return written;
}

void WriteLine(int descriptor, const std::string& line) {
  const std::string bytes = line + "\n";
  if (write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) _exit(1);
}

}  // namespace porchlight
