// What follows from a configuration, and the one that is in force without a file.
#include <yaml-cpp/yaml.h>

#include "absl/strings/str_cat.h"
#include "common/config/cluster_section.h"
#include "common/config/config.h"
#include "common/config/words.h"

namespace porchlight {
namespace {

constexpr absl::string_view kMask = "*****";

// Some receivers put a token into the path or query of their URL: only scheme and host are shown.
std::string MaskedUrl(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t rest = url.find_first_of("/?#", host);
  if (rest == std::string::npos || rest + 1 == url.size()) return url;
  return absl::StrCat(url.substr(0, rest + 1), kMask);
}

std::string MaskedAddress(const RecipientConfig& recipient) {
  return recipient.channel == v1::CHANNEL_KIND_WEBHOOK ? MaskedUrl(recipient.address)
                                                       : recipient.address;
}

void WriteText(YAML::Emitter& out, const char* key, const std::string& value) {
  if (!value.empty()) out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
}

template <typename Value>
void WriteValue(YAML::Emitter& out, const char* key, const Value& value) {
  out << YAML::Key << key << YAML::Value << value;
}

void WriteEmail(YAML::Emitter& out, const EmailConfig& email) {
  out << YAML::Key << "email" << YAML::Value << YAML::BeginMap;
  WriteText(out, "host", email.host);
  WriteValue(out, "port", email.port);
  WriteValue(out, "encryption", EncryptionWords()[static_cast<size_t>(email.encryption)]);
  WriteText(out, "from", email.from);
  WriteText(out, "user", email.user);
  WriteText(out, "password_file", email.password_file);
  WriteText(out, "ca_file", email.ca_file);
  WriteValue(out, "time_limit_seconds", absl::ToInt64Seconds(email.time_limit));
  out << YAML::EndMap;
}

void WriteS3(YAML::Emitter& out, const S3Config& s3) {
  out << YAML::Key << "s3" << YAML::Value << YAML::BeginMap;
  WriteText(out, "endpoint", s3.endpoint);
  WriteText(out, "region", s3.region);
  WriteText(out, "bucket", s3.bucket);
  WriteText(out, "key_id", s3.key_id);
  WriteText(out, "secret_file", s3.secret_file);
  WriteText(out, "ca_file", s3.ca_file);
  WriteValue(out, "time_limit_seconds", absl::ToInt64Seconds(s3.time_limit));
  out << YAML::EndMap;
}

void WriteTelephone(YAML::Emitter& out, const char* key,
                    const std::optional<TelephoneConfig>& telephone) {
  if (!telephone.has_value()) return;
  out << YAML::Key << key << YAML::Value << YAML::BeginMap;
  WriteText(out, "provider_url", telephone->provider_url);
  WriteText(out, "account_sid", telephone->account_sid);
  WriteText(out, "auth_token_file", telephone->auth_token_file);
  WriteText(out, "from", telephone->from);
  WriteText(out, "ca_file", telephone->ca_file);
  WriteValue(out, "time_limit_seconds", absl::ToInt64Seconds(telephone->time_limit));
  out << YAML::EndMap;
}

void WriteRecipient(YAML::Emitter& out, const RecipientConfig& recipient) {
  out << YAML::BeginMap;
  WriteText(out, "id", recipient.id);
  WriteValue(out, "kind", RecipientKindWords()[static_cast<size_t>(recipient.kind) - 1]);
  WriteValue(out, "channel", ChannelKindWords()[static_cast<size_t>(recipient.channel) - 1]);
  WriteText(out, "address", MaskedAddress(recipient));
  WriteText(out, "name", recipient.name);
  WriteText(out, "secret_file", recipient.secret_file);
  WriteValue(out, "exercise_only", recipient.exercise_only);
  out << YAML::EndMap;
}

}  // namespace

Config DefaultConfig() {
  const auto folder = [](const char* id, v1::RecipientKind kind, const char* name) {
    RecipientConfig recipient;
    recipient.id = id;
    recipient.kind = kind;
    recipient.channel = v1::CHANNEL_KIND_FOLDER;
    recipient.address = id;
    recipient.name = name;
    return recipient;
  };
  Config config;
  config.agency.id = "example-agency";
  config.agency.name = "Example Agency";
  config.recipients = {
      folder("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, "Example police, as a folder"),
      folder("ncmec", v1::RECIPIENT_KIND_NCMEC, "NCMEC, as a folder"),
      folder("supervisor", v1::RECIPIENT_KIND_SUPERVISOR, "Supervisor on call, as a folder"),
  };
  return config;
}

std::string ToMaskedYaml(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "agency" << YAML::Value << YAML::BeginMap;
  WriteText(out, "id", config.agency.id);
  WriteText(out, "name", config.agency.name);
  WriteText(out, "time_zone", config.agency.time_zone.name());
  out << YAML::EndMap;
  WriteText(out, "master_key_file", config.master_key_file);
  WriteValue(out, "log_level", LogLevelWords()[static_cast<size_t>(config.log_level)]);
  out << YAML::Key << "notices" << YAML::Value << YAML::BeginMap;
  WriteValue(out, "give_up_after_hours", absl::ToInt64Hours(config.give_up_after));
  out << YAML::EndMap;
  if (config.email.has_value()) WriteEmail(out, *config.email);
  out << YAML::Key << "webhook" << YAML::Value << YAML::BeginMap;
  WriteText(out, "ca_file", config.webhook.ca_file);
  WriteValue(out, "time_limit_seconds", absl::ToInt64Seconds(config.webhook.time_limit));
  out << YAML::EndMap;
  if (config.http.has_value()) {
    out << YAML::Key << "http" << YAML::Value << YAML::BeginMap;
    WriteText(out, "listen", config.http->listen);
    WriteText(out, "public_url", config.http->public_url);
    out << YAML::EndMap;
  }
  WriteTelephone(out, "sms", config.sms);
  WriteTelephone(out, "voice", config.voice);
  if (config.s3.has_value()) WriteS3(out, *config.s3);
  if (config.cluster.has_value()) WriteClusterSection(out, *config.cluster);
  if (!config.metrics_listen.empty()) {
    out << YAML::Key << "metrics" << YAML::Value << YAML::BeginMap;
    WriteText(out, "listen", config.metrics_listen);
    out << YAML::EndMap;
  }
  if (!config.oncall.heartbeat_url.empty()) {
    out << YAML::Key << "oncall" << YAML::Value << YAML::BeginMap;
    WriteText(out, "heartbeat_url", MaskedUrl(config.oncall.heartbeat_url));
    WriteValue(out, "heartbeat_every_seconds", absl::ToInt64Seconds(config.oncall.heartbeat_every));
    out << YAML::EndMap;
  }
  if (!config.folder_directory.empty()) {
    out << YAML::Key << "folder" << YAML::Value << YAML::BeginMap;
    WriteText(out, "directory", config.folder_directory);
    out << YAML::EndMap;
  }
  out << YAML::Key << "recipients" << YAML::Value << YAML::BeginSeq;
  for (const RecipientConfig& recipient : config.recipients) WriteRecipient(out, recipient);
  out << YAML::EndSeq;
  WriteText(out, "directory_file", config.directory_file);
  if (!config.policy_packs.empty()) WriteValue(out, "policy_packs", config.policy_packs);
  out << YAML::EndMap;
  return absl::StrCat(out.c_str(), "\n");
}

v1::Directory DirectoryOf(const Config& config) {
  v1::Directory directory;
  for (const RecipientConfig& recipient : config.recipients) {
    v1::Recipient& entry = *directory.add_recipients();
    entry.set_recipient_id(recipient.id);
    entry.set_kind(recipient.kind);
    entry.set_channel(recipient.channel);
    entry.set_address(recipient.address);
    entry.set_display_name(recipient.name);
    entry.set_exercise_only(recipient.exercise_only);
  }
  return directory;
}

}  // namespace porchlight
