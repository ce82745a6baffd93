// The configuration: one YAML file, read and checked once when the program starts. What is wrong in
// it is told all at once, with the line. No secret is ever part of it: secrets are in files of
// their own, and only their paths are here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/logger/logger.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

struct AgencyConfig {
  std::string id;
  std::string name;
  absl::TimeZone time_zone = absl::UTCTimeZone();
};

enum class EmailEncryption { kStartTls, kNone };

struct EmailConfig {
  std::string host;
  int port = 587;
  EmailEncryption encryption = EmailEncryption::kStartTls;
  std::string from;
  std::string user;           // empty: don't log in
  std::string password_file;  // with user
  std::string ca_file;        // empty: the system's own
  absl::Duration time_limit = absl::Seconds(30);
};

struct WebhookConfig {
  std::string ca_file;  // empty: the system's own
  absl::Duration time_limit = absl::Seconds(10);
};

// What comes from outside by HTTP: links in messages, callbacks.
struct HttpConfig {
  std::string listen = "127.0.0.1:7380";
  std::string public_url;  // how others reach it; without a slash at its end
};

// Text messages, or voice calls: an account at a provider that has Twilio's HTTP API.
struct TelephoneConfig {
  std::string provider_url = "https://api.twilio.com";  // without a slash at its end
  std::string account_sid;
  std::string auth_token_file;
  std::string from;     // E.164
  std::string ca_file;  // empty: the system's own
  absl::Duration time_limit = absl::Seconds(15);
};

// Where the services run as processes of their own, on Kafka and Redis, in place of a data folder.
struct KafkaConfig {
  std::string brokers;                                          // "kafka-1:9092,kafka-2:9092"
  std::vector<std::pair<std::string, std::string>> properties;  // security.*, sasl.* and ssl.*
  std::string sasl_password_file;
  absl::Duration session = absl::Seconds(6);
};

struct RedisConfig {
  std::string host;
  int port = 6379;
  std::string user;           // empty: Redis's default user
  std::string password_file;  // empty: none is asked for
};

struct ClusterConfig {
  KafkaConfig kafka;
  RedisConfig redis;
  std::string blob_directory;  // shared by all processes; where there is no section s3
};

// Where photos are kept in place of the data folder: one bucket of an S3 API.
struct S3Config {
  std::string endpoint;  // without a slash at its end
  std::string region;
  std::string bucket;
  std::string key_id;
  std::string secret_file;
  std::string ca_file;  // empty: the system's own
  absl::Duration time_limit = absl::Seconds(5);
};

struct OncallConfig {
  // Called while every open duty is sure to be watched, so that somebody outside notices when it
  // isn't, or when this server is gone. Empty: nobody is. May hold a token: it is shown masked.
  std::string heartbeat_url;
  absl::Duration heartbeat_every = absl::Seconds(60);
};

struct RecipientConfig {
  std::string id;
  v1::RecipientKind kind = v1::RECIPIENT_KIND_UNSPECIFIED;
  v1::ChannelKind channel = v1::CHANNEL_KIND_UNSPECIFIED;
  std::string address;
  std::string name;
  std::string secret_file;  // of webhooks, and only of them
  bool exercise_only = false;
};

struct Config {
  AgencyConfig agency;
  std::string master_key_file;  // empty: DATA/master.key
  LogLevel log_level = LogLevel::kInfo;
  absl::Duration give_up_after = absl::Hours(24);
  std::optional<EmailConfig> email;
  WebhookConfig webhook;
  std::optional<HttpConfig> http;
  std::optional<TelephoneConfig> sms;    // with http
  std::optional<TelephoneConfig> voice;  // with http
  std::optional<ClusterConfig> cluster;  // without: one process on a data folder
  std::optional<S3Config> s3;            // without: photos are files under DATA
  OncallConfig oncall;
  std::string metrics_listen;    // "0.0.0.0:9464"; empty: metrics aren't shown
  std::string folder_directory;  // empty: DATA/outbox
  std::vector<RecipientConfig> recipients;
  std::string directory_file;             // empty: none; common/config/directory_file.h
  std::vector<std::string> policy_packs;  // files and folders, over the packs built in
};

// Without a file: an example agency, whose three recipients are folders.
Config DefaultConfig();

// InvalidArgument with a line for each mistake: `FILE:LINE: key "x": what is wrong; what is
// expected`. Texts don't repeat values: one may be a secret in the wrong place. Relative paths are
// taken from the file's folder. NotFound, PermissionDenied: the file can't be read.
absl::StatusOr<Config> ReadConfig(const std::string& file);
absl::StatusOr<Config> ParseConfig(absl::string_view yaml, absl::string_view file);

// The configuration in force, defaults and all. Shows where secrets are, never what they are: of a
// webhook's URL, what may be one is "*****".
std::string ToMaskedYaml(const Config& config);

// The recipients, without what directory_file and policy_packs add.
v1::Directory DirectoryOf(const Config& config);

// The text of a file of at most 1 MiB. `what` it is called in errors: "configuration".
absl::StatusOr<std::string> ReadYamlFile(absl::string_view what, const std::string& file);

// The one line of a secret's file. FailedPrecondition: others than its owner may read it, or it
// doesn't hold exactly one line; the text says what to do, never what it read.
absl::StatusOr<std::string> ReadSecretFile(const std::string& file);

}  // namespace porchlight
