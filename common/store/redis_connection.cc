// See redis_connection.h.
#include "common/store/redis_connection.h"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight {
namespace {

// Earlier ones wrap what went wrong in a script into words of their own.
constexpr int kMajorVersionMin = 7;

struct ErrorText {
  absl::string_view begins_with;
  absl::string_view text;
};

// What servers say in error replies, and what to do then. The rest of their text is left out: it
// may repeat what was sent.
constexpr ErrorText kErrors[] = {
    {"NOAUTH", "wants a password; set the store's password file"},
    {"WRONGPASS", "refused the user or the password; check both, and the users that it knows"},
    {"ERR invalid password", "refused the password; check the store's password file"},
    {"ERR AUTH <password> called without",
     "has no password set, but one was given; set it there, or remove it here"},
    {"ERR Client sent AUTH, but no password",
     "has no password set, but one was given; set it there, or remove it here"},
    {"NOPERM",
     "doesn't let this user do what a store needs; give it all commands on keys "
     "porchlight:*, and INFO"},
    {"READONLY", "is a read-only replica; give the address of the primary"},
    {"OOM", "is out of memory; raise its maxmemory or give the machine more"},
    {"MISCONF", "can't save to its disk and takes no writes; see its log and its disk"},
    {"LOADING", "is still loading its data; it is tried again"},
    {"MASTERDOWN", "is a replica that has lost its primary; give the address of a primary"},
    {"NOREPLICAS", "has fewer replicas than it must have to take writes; see its replicas"},
    {"BUSY", "is held up by a script of somebody else; see its slow log"},
    {"MOVED", "is one node of a Redis Cluster, which isn't supported; give a server by itself"},
    {"ASK", "is one node of a Redis Cluster, which isn't supported; give a server by itself"},
    {"CLUSTERDOWN",
     "is one node of a Redis Cluster, which isn't supported; give a server by "
     "itself"},
    {"WRONGTYPE",
     "holds something that isn't ours under the store's keys; wipe the store, which "
     "is made again from the log"},
    {"ERR max number of clients", "has as many clients as it takes; raise its maxclients"},
};

timeval TimeOf(absl::Duration limit) { return absl::ToTimeval(limit); }

// "value" of the line "name:value" of INFO; empty if there is none.
absl::string_view InfoOf(absl::string_view info, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(info, "\r\n")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (parts.first == name) return parts.second;
  }
  return "";
}

absl::Status Unfit(const RedisServer& server, absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(server.Name(), " ", what));
}

absl::Status ErrorOf(const RedisServer& server, absl::string_view command,
                     absl::string_view error) {
  for (const ErrorText& known : kErrors) {
    if (absl::StartsWith(error, known.begins_with)) return Unfit(server, known.text);
  }
  const absl::string_view code = error.substr(0, error.find(' '));
  return Unfit(server, absl::StrCat("answered ", code, " to ", command,
                                    ", which is not expected; see its log and its version"));
}

}  // namespace

std::string RedisServer::Name() const { return absl::StrCat("Redis at ", host, ":", port); }

void FreeRedisReply::operator()(redisReply* reply) const { freeReplyObject(reply); }

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(const RedisServer& server) {
  redisContext* context =
      redisConnectWithTimeout(server.host.c_str(), server.port, TimeOf(server.connect_limit));
  if (context == nullptr) return Unfit(server, "can't be connected to: no memory is left here");
  std::unique_ptr<RedisConnection> connection(new RedisConnection(server, context));
  if (context->err != 0) {
    return Unfit(server, absl::StrCat("can't be reached: ", context->errstr,
                                      "; check its address, and that it runs"));
  }
  absl::Status status = connection->SetAnswerLimit(server.connect_limit);
  if (status.ok()) status = connection->LogIn();
  if (status.ok()) status = connection->CheckServer();
  if (status.ok()) status = connection->SetAnswerLimit(server.answer_limit);
  if (!status.ok()) return status;
  return connection;
}

RedisConnection::~RedisConnection() { redisFree(context_); }

absl::Status RedisConnection::SetAnswerLimit(absl::Duration limit) {
  limit_ = limit;
  if (redisSetTimeout(context_, TimeOf(limit)) == REDIS_OK) return absl::OkStatus();
  return Broken();
}

absl::Status RedisConnection::LogIn() {
  if (server_.password.empty()) return absl::OkStatus();
  std::vector<absl::string_view> words = {"AUTH"};
  if (!server_.user.empty()) words.push_back(server_.user);
  words.push_back(server_.password);
  return Run(words).status();
}

absl::Status RedisConnection::CheckServer() {
  const absl::StatusOr<RedisReply> reply = Run({"INFO"});
  if (!reply.ok()) return reply.status();
  const absl::string_view info((*reply)->str, (*reply)->len);
  const absl::string_view version = InfoOf(info, "redis_version");
  int major = 0;
  if (!absl::SimpleAtoi(version.substr(0, version.find('.')), &major)) {
    return Unfit(server_, "doesn't answer as Redis does; check its address");
  }
  if (major < kMajorVersionMin) {
    return Unfit(server_, absl::StrCat("is version ", version, "; at least version ",
                                       kMajorVersionMin, " is needed"));
  }
  if (InfoOf(info, "loading") == "1") return ErrorOf(server_, "INFO", "LOADING");
  if (InfoOf(info, "role") != "master") return ErrorOf(server_, "INFO", "READONLY");
  if (absl::StartsWith(InfoOf(info, "maxmemory_policy"), "allkeys-") &&
      InfoOf(info, "maxmemory") != "0") {
    return Unfit(server_,
                 "throws parts of a store away when its memory is full; set its maxmemory-policy "
                 "to noeviction");
  }
  run_id_ = std::string(InfoOf(info, "run_id"));
  return absl::OkStatus();
}

// What hiredis says of a connection that is no more.
absl::Status RedisConnection::Broken() {
  usable_ = false;
  switch (context_->err) {
    case REDIS_ERR_EOF:
      return Unfit(server_, "closed the connection; it is connected to again");
    case REDIS_ERR_PROTOCOL:
      return Unfit(server_, "doesn't speak Redis's protocol; check its address");
    case REDIS_ERR_IO:
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return Unfit(server_, absl::StrCat("gave no answer within ", absl::FormatDuration(limit_),
                                           "; check that it runs, that it isn't overloaded, and "
                                           "its address"));
      }
      break;
    default:
      break;
  }
  return Unfit(server_, absl::StrCat("can't be talked to: ", context_->errstr,
                                     "; it is connected to again"));
}

absl::StatusOr<RedisReply> RedisConnection::Run(const std::vector<absl::string_view>& words) {
  std::vector<const char*> bytes;
  std::vector<size_t> sizes;
  bytes.reserve(words.size());
  sizes.reserve(words.size());
  for (absl::string_view word : words) {
    bytes.push_back(word.data());
    sizes.push_back(word.size());
  }
  errno = 0;
  RedisReply reply(static_cast<redisReply*>(
      redisCommandArgv(context_, static_cast<int>(words.size()), bytes.data(), sizes.data())));
  if (reply == nullptr) return Broken();
  if (reply->type != REDIS_REPLY_ERROR) return reply;
  usable_ = false;
  return ErrorOf(server_, words[0], absl::string_view(reply->str, reply->len));
}

}  // namespace porchlight
