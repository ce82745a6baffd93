// One connection to a Redis server, by hiredis. It is opened only to a server that can keep a
// store: a primary of a known version that doesn't throw data away by itself. What goes wrong
// becomes Unavailable with a text that names the server, what was wrong and what to do; never a
// password, a key or a value. A command that got no answer may have taken effect.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct redisContext;
struct redisReply;

namespace porchlight {

struct RedisServer {
  std::string host;
  int port = 6379;
  std::string user;      // empty: Redis's default user
  std::string password;  // empty: none is asked for
  // To connect, and for each answer while it is found out what the server is.
  absl::Duration connect_limit = absl::Milliseconds(250);
  // For the first byte of an answer, and between any two.
  absl::Duration answer_limit = absl::Milliseconds(500);

  // For texts: "Redis at HOST:PORT".
  std::string Name() const;
};

struct FreeRedisReply {
  void operator()(redisReply* reply) const;
};
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

// Not thread-safe.
class RedisConnection {
 public:
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisServer& server);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // The answer to a command, which is no error.
  absl::StatusOr<RedisReply> Run(const std::vector<absl::string_view>& words);

  // False after any error: what would be read next may be an earlier answer, or the server is no
  // longer one to write to.
  bool usable() const { return usable_; }
  // Which run of which server this is: another one after a restart or a fail-over.
  const std::string& run_id() const { return run_id_; }

 private:
  RedisConnection(const RedisServer& server, redisContext* context)
      : server_(server), context_(context) {}
  absl::Status LogIn();
  absl::Status CheckServer();
  absl::Status SetAnswerLimit(absl::Duration limit);
  absl::Status Broken();

  const RedisServer server_;
  redisContext* const context_;
  absl::Duration limit_;
  bool usable_ = true;
  std::string run_id_;
};

}  // namespace porchlight
