// See redis_process.h.
#include "tests/support/redis_process.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace porchlight::testing {
namespace {

constexpr char kRedisServer[] = "/usr/bin/redis-server";
// Somebody else may take a free port before the server does.
constexpr int kPortTries = 10;
constexpr absl::Duration kUntilRedisAnswers = absl::Seconds(30);

[[noreturn]] void FailRedis(const std::string& text) {
  fprintf(stderr, "%s\n", text.c_str());
  abort();
}

std::string TextOf(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return absl::StrCat(reply.integer);
  if (reply.type != REDIS_REPLY_ARRAY) return std::string(reply.str, reply.len);
  std::string text;
  for (size_t n = 0; n < reply.elements; ++n)
    absl::StrAppend(&text, TextOf(*reply.element[n]), "\n");
  return text;
}

}  // namespace

RedisProcess::RedisProcess(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  if (!std::filesystem::exists(kRedisServer)) {
    FailRedis(absl::StrCat(kRedisServer, " is missing: deploy/setup/install.sh installs it"));
  }
  for (int n = 0; n < kPortTries; ++n) {
    port_ = FreePort();
    if (TryToStart()) return;
  }
  FailRedis(absl::StrCat("redis-server didn't start: ", ReadFile(folder() + "/log")));
}

void RedisProcess::Start() {
  if (!TryToStart()) FailRedis(absl::StrCat("redis-server: ", ReadFile(folder() + "/log")));
}

bool RedisProcess::TryToStart() {
  std::vector<std::string> command = {
      kRedisServer, "--port", absl::StrCat(port_), "--bind",         "127.0.0.1", "--dir", folder(),
      "--save",     "",       "--logfile",         folder() + "/log"};
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  child_ = std::make_unique<Child>(
      ChildOptions{.command = std::move(command), .error_file = folder() + "/errors", .user = 0});
  const auto settled = [&] {
    return child_->WaitForExit(absl::ZeroDuration()).has_value() || Answers();
  };
  return WaitUntil(settled, kUntilRedisAnswers) &&
         !child_->WaitForExit(absl::ZeroDuration()).has_value();
}

void RedisProcess::Stop() {
  child_->Send(SIGTERM);
  if (!child_->WaitForExit(kUntilRedisAnswers).has_value()) FailRedis("redis-server doesn't stop");
}

void RedisProcess::Send(int signal) {
  child_->Send(signal);
  if (signal == SIGKILL) child_->Kill();
}

std::string RedisProcess::Command(const std::vector<std::string>& words) const {
  redisContext* context = redisConnect("127.0.0.1", port_);
  std::vector<const char*> bytes;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    bytes.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(words.size()), bytes.data(), sizes.data()));
  const std::string text = reply == nullptr ? "" : TextOf(*reply);
  if (reply != nullptr) freeReplyObject(reply);
  redisFree(context);
  return text;
}

// Also where it wants a password first.
bool RedisProcess::Answers() const {
  const std::string answer = Command({"PING"});
  return answer == "PONG" || absl::StartsWith(answer, "NOAUTH");
}

}  // namespace porchlight::testing
