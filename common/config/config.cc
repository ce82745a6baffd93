#include "common/config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/ids.h"
#include "common/channel/address.h"
#include "common/config/cluster_section.h"
#include "common/config/words.h"
#include "common/config/yaml_reader.h"

namespace porchlight {
namespace {

constexpr size_t kConfigBytesMax = 1u << 20;
constexpr size_t kSecretFileBytesMax = 4096;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

// FailedPrecondition: larger than `bytes_max`.
absl::StatusOr<std::string> ReadFile(int fd, const std::string& file, size_t bytes_max) {
  std::string text(bytes_max + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, absl::StrCat("can't read ", file));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > bytes_max) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, " is larger than the ", bytes_max, " bytes that are allowed"));
  }
  text.resize(size);
  return text;
}

class Parser {
 public:
  Parser(absl::string_view file) : mistakes_(file), folder_(file.substr(0, file.rfind('/') + 1)) {}

  absl::StatusOr<Config> Parse(absl::string_view yaml) {
    if (const auto document = ParseYaml(yaml, mistakes_)) ParseDocument(*document);
    if (!mistakes_.empty()) return mistakes_.ToStatus();
    return std::move(config_);
  }

 private:
  void ParseDocument(const YAML::Node& document) {
    YamlMap map(mistakes_, document, 1, "",
                {"agency", "master_key_file", "log_level", "notices", "email", "webhook", "http",
                 "sms", "voice", "s3", "cluster", "oncall", "metrics", "folder", "recipients",
                 "directory_file", "policy_packs"});
    if (const auto* agency = map.Find("agency", Presence::kRequired)) {
      ParseAgency(*agency, map.Line("agency"));
    }
    File(map, "master_key_file", Presence::kOptional, config_.master_key_file);
    const int level = map.Word("log_level", Presence::kOptional, LogLevelWords());
    if (level >= 0) config_.log_level = static_cast<LogLevel>(level);
    if (const auto* notices = map.Find("notices", Presence::kOptional)) {
      YamlMap entries(mistakes_, *notices, map.Line("notices"), "notices", {"give_up_after_hours"});
      int64_t hours = 24;
      entries.Integer("give_up_after_hours", 1, 168, hours);
      config_.give_up_after = absl::Hours(hours);
    }
    if (const auto* email = map.Find("email", Presence::kOptional)) {
      ParseEmail(*email, map.Line("email"));
    }
    if (const auto* webhook = map.Find("webhook", Presence::kOptional)) {
      YamlMap entries(mistakes_, *webhook, map.Line("webhook"), "webhook",
                      {"ca_file", "time_limit_seconds"});
      File(entries, "ca_file", Presence::kOptional, config_.webhook.ca_file);
      TimeLimit(entries, config_.webhook.time_limit);
    }
    if (const auto* http = map.Find("http", Presence::kOptional)) {
      ParseHttp(*http, map.Line("http"));
    }
    ParseTelephone(map, "sms", v1::CHANNEL_KIND_SMS, config_.sms);
    ParseTelephone(map, "voice", v1::CHANNEL_KIND_VOICE, config_.voice);
    if (const auto* s3 = map.Find("s3", Presence::kOptional)) ParseS3(*s3, map.Line("s3"));
    if (auto cluster = map.Map("cluster", ClusterKeys()))
      config_.cluster = ReadClusterSection(*cluster, folder_, map.Has("s3"));
    if (const auto* metrics = map.Find("metrics", Presence::kOptional)) {
      YamlMap section(mistakes_, *metrics, map.Line("metrics"), "metrics", {"listen"});
      section.Text("listen", Presence::kRequired, config_.metrics_listen);
    }
    if (const auto* oncall = map.Find("oncall", Presence::kOptional)) {
      ParseOncall(*oncall, map.Line("oncall"));
    }
    if (const auto* folder = map.Find("folder", Presence::kOptional)) {
      YamlMap entries(mistakes_, *folder, map.Line("folder"), "folder", {"directory"});
      File(entries, "directory", Presence::kOptional, config_.folder_directory);
    }
    File(map, "directory_file", Presence::kOptional, config_.directory_file);
    // Somebody must be told; a directory file can say who.
    const Presence presence =
        config_.directory_file.empty() ? Presence::kRequired : Presence::kOptional;
    if (const auto* recipients = map.Find("recipients", presence)) {
      ParseRecipients(map, *recipients);
    }
    std::vector<YamlText> packs;
    map.Texts("policy_packs", Presence::kOptional, packs);
    for (const YamlText& pack : packs) config_.policy_packs.push_back(FromFolder(pack.text));
  }

  void ParseAgency(const YAML::Node& node, int line) {
    YamlMap map(mistakes_, node, line, "agency", {"id", "name", "time_zone"});
    Id(map, config_.agency.id);
    map.Text("name", Presence::kRequired, config_.agency.name);
    std::string zone;
    map.Text("time_zone", Presence::kRequired, zone);
    if (!zone.empty() && !absl::LoadTimeZone(zone, &config_.agency.time_zone)) {
      map.Mistake("time_zone", "this machine knows no such time zone",
                  "expected a name such as America/Chicago");
    }
  }

  void ParseEmail(const YAML::Node& node, int line) {
    YamlMap map(mistakes_, node, line, "email",
                {"host", "port", "encryption", "from", "user", "password_file", "ca_file",
                 "time_limit_seconds"});
    EmailConfig& email = config_.email.emplace();
    map.Text("host", Presence::kRequired, email.host);
    int64_t port = email.port;
    map.Integer("port", 1, 65535, port);
    email.port = static_cast<int>(port);
    const int encryption = map.Word("encryption", Presence::kOptional, EncryptionWords());
    if (encryption >= 0) email.encryption = static_cast<EmailEncryption>(encryption);
    if (email.encryption == EmailEncryption::kNone && !IsLoopback(email.host)) {
      map.Mistake("encryption", "notices must not cross a network in clear",
                  "expected starttls; none is for localhost, 127.0.0.1 and ::1 only");
    }
    map.Text("from", Presence::kRequired, email.from);
    if (!email.from.empty()) Address(map, "from", v1::CHANNEL_KIND_EMAIL, email.from);
    map.Text("user", Presence::kOptional, email.user);
    File(map, "password_file", Presence::kOptional, email.password_file);
    if (map.Has("user") && !map.Has("password_file")) {
      map.Mistake("password_file", "it is missing", "it is required with user");
    }
    if (map.Has("password_file") && !map.Has("user")) {
      map.Mistake("user", "it is missing", "it is required with password_file");
    }
    File(map, "ca_file", Presence::kOptional, email.ca_file);
    TimeLimit(map, email.time_limit);
  }

  void ParseHttp(const YAML::Node& node, int line) {
    YamlMap map(mistakes_, node, line, "http", {"listen", "public_url"});
    HttpConfig& http = config_.http.emplace();
    map.Text("listen", Presence::kOptional, http.listen);
    Url(map, "public_url", Presence::kRequired, http.public_url);
  }

  void ParseS3(const YAML::Node& node, int line) {
    YamlMap map(
        mistakes_, node, line, "s3",
        {"endpoint", "region", "bucket", "key_id", "secret_file", "ca_file", "time_limit_seconds"});
    S3Config& s3 = config_.s3.emplace();
    Url(map, "endpoint", Presence::kRequired, s3.endpoint);
    for (const auto& [key, text] :
         {std::pair("region", &s3.region), std::pair("bucket", &s3.bucket)}) {
      map.Text(key, Presence::kRequired, *text);
      if (absl::StrContains(*text, '/') || absl::StrContains(*text, ':')) {
        map.Mistake(key, "it has a / or :", "expected its name alone");
      }
    }
    map.Text("key_id", Presence::kRequired, s3.key_id);
    File(map, "secret_file", Presence::kRequired, s3.secret_file);
    File(map, "ca_file", Presence::kOptional, s3.ca_file);
    TimeLimit(map, s3.time_limit);
  }

  void ParseOncall(const YAML::Node& node, int line) {
    YamlMap map(mistakes_, node, line, "oncall", {"heartbeat_url", "heartbeat_every_seconds"});
    OncallConfig& oncall = config_.oncall;
    map.Text("heartbeat_url", Presence::kOptional, oncall.heartbeat_url);
    if (!oncall.heartbeat_url.empty()) {
      const absl::Status status = CheckUrl("it", oncall.heartbeat_url);
      if (!status.ok()) map.Mistake("heartbeat_url", "it can't be used", status.message());
    }
    int64_t seconds = absl::ToInt64Seconds(oncall.heartbeat_every);
    map.Integer("heartbeat_every_seconds", 5, 3600, seconds);
    oncall.heartbeat_every = absl::Seconds(seconds);
    if (map.Has("heartbeat_every_seconds") && !map.Has("heartbeat_url")) {
      map.Mistake("heartbeat_url", "it is missing", "it is required with heartbeat_every_seconds");
    }
  }

  void ParseTelephone(YamlMap& map, const char* key, v1::ChannelKind channel,
                      std::optional<TelephoneConfig>& section) {
    const auto* node = map.Find(key, Presence::kOptional);
    if (node == nullptr) return;
    YamlMap entries(mistakes_, *node, map.Line(key), key,
                    {"provider_url", "account_sid", "auth_token_file", "from", "ca_file",
                     "time_limit_seconds"});
    TelephoneConfig& telephone = section.emplace();
    Url(entries, "provider_url", Presence::kOptional, telephone.provider_url);
    entries.Text("account_sid", Presence::kRequired, telephone.account_sid);
    if (!telephone.account_sid.empty() && !CheckId("account_sid", telephone.account_sid).ok()) {
      entries.Mistake("account_sid", "it is too long or has other characters",
                      "expected 1 to 64 letters and digits");
    }
    File(entries, "auth_token_file", Presence::kRequired, telephone.auth_token_file);
    entries.Text("from", Presence::kRequired, telephone.from);
    if (!telephone.from.empty()) Address(entries, "from", channel, telephone.from);
    File(entries, "ca_file", Presence::kOptional, telephone.ca_file);
    TimeLimit(entries, telephone.time_limit);
    if (!map.Has("http")) {
      map.Mistake(key, "there is no section http",
                  "expected one with public_url, which the provider reports to");
    }
  }

  void ParseRecipients(YamlMap& map, const YAML::Node& list) {
    if (!list.IsSequence() || list.size() == 0) {
      map.Mistake("recipients", "it is not a list, or an empty one",
                  "expected at least one recipient");
      return;
    }
    std::set<std::string> ids;
    for (size_t i = 0; i < list.size(); ++i) {
      const int line = list[i].Mark().is_null() ? map.Line("recipients") : list[i].Mark().line + 1;
      YamlMap entries(mistakes_, list[i], line, absl::StrCat("recipients[", i, "]"),
                      {"id", "kind", "channel", "address", "name", "secret_file", "exercise_only"});
      RecipientConfig recipient = ParseRecipient(entries);
      if (!recipient.id.empty() && !ids.insert(recipient.id).second) {
        entries.Mistake("id", "another recipient before it has the same", "expected its own");
      }
      NeedsSection(map, entries, recipient.channel, v1::CHANNEL_KIND_EMAIL, "email",
                   "expected one with host and from");
      NeedsSection(map, entries, recipient.channel, v1::CHANNEL_KIND_SMS, "sms",
                   "expected one with account_sid, auth_token_file and from");
      NeedsSection(map, entries, recipient.channel, v1::CHANNEL_KIND_VOICE, "voice",
                   "expected one with account_sid, auth_token_file and from");
      config_.recipients.push_back(std::move(recipient));
    }
  }

  static void NeedsSection(const YamlMap& map, YamlMap& recipient, v1::ChannelKind channel,
                           v1::ChannelKind needs, absl::string_view section,
                           absl::string_view expected) {
    if (channel != needs || map.Has(section)) return;
    recipient.Mistake("channel", absl::StrCat("there is no section ", section), expected);
  }

  RecipientConfig ParseRecipient(YamlMap& map) {
    RecipientConfig recipient;
    Id(map, recipient.id);
    const int kind = map.Word("kind", Presence::kRequired, RecipientKindWords());
    recipient.kind = static_cast<v1::RecipientKind>(kind + 1);
    const int channel = map.Word("channel", Presence::kRequired, ChannelKindWords());
    recipient.channel = static_cast<v1::ChannelKind>(channel + 1);
    map.Text("address", Presence::kRequired, recipient.address);
    if (channel >= 0 && !recipient.address.empty()) {
      Address(map, "address", recipient.channel, recipient.address);
    }
    map.Text("name", Presence::kRequired, recipient.name);
    const bool webhook = recipient.channel == v1::CHANNEL_KIND_WEBHOOK;
    File(map, "secret_file", webhook ? Presence::kRequired : Presence::kOptional,
         recipient.secret_file);
    if (channel >= 0 && !webhook && map.Has("secret_file")) {
      map.Mistake("secret_file", "only webhooks are signed", "expected no such key here");
    }
    map.Boolean("exercise_only", recipient.exercise_only);
    return recipient;
  }

  static void Id(YamlMap& map, std::string& id) {
    map.Text("id", Presence::kRequired, id);
    if (!id.empty() && !CheckId("id", id).ok()) {
      map.Mistake("id", "it is too long or has other characters",
                  "expected 1 to 64 characters of A-Z, a-z, 0-9 and -");
    }
  }

  static void Address(YamlMap& map, absl::string_view key, v1::ChannelKind channel,
                      absl::string_view address) {
    const absl::Status status = CheckAddress(channel, address);
    if (!status.ok()) map.Mistake(key, "it can't be used", status.message());
  }

  static void Url(YamlMap& map, absl::string_view key, Presence presence, std::string& url) {
    map.Text(key, presence, url);
    if (url.empty()) return;
    const absl::Status status = CheckUrl("it", url);
    if (!status.ok()) map.Mistake(key, "it can't be used", status.message());
    if (url.find_first_of("?#") != std::string::npos) {
      map.Mistake(key, "it has a query or fragment", "expected none: paths are added to it");
    }
    while (absl::EndsWith(url, "/")) url.pop_back();
  }

  static void TimeLimit(YamlMap& map, absl::Duration& limit) {
    int64_t seconds = absl::ToInt64Seconds(limit);
    map.Integer("time_limit_seconds", 1, 300, seconds);
    limit = absl::Seconds(seconds);
  }

  void File(YamlMap& map, absl::string_view key, Presence presence, std::string& path) const {
    map.Text(key, presence, path);
    path = FromFolder(path);
  }

  std::string FromFolder(const std::string& path) const {
    return path.empty() || path[0] == '/' ? path : absl::StrCat(folder_, path);
  }

  YamlMistakes mistakes_;
  const std::string folder_;
  Config config_;
};

}  // namespace

absl::StatusOr<Config> ParseConfig(absl::string_view yaml, absl::string_view file) {
  return Parser(file).Parse(yaml);
}

absl::StatusOr<std::string> ReadYamlFile(absl::string_view what, const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("can't open the ", what, " ", file));
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  return ReadFile(fd, file, kConfigBytesMax);
}

absl::StatusOr<Config> ReadConfig(const std::string& file) {
  const absl::StatusOr<std::string> yaml = ReadYamlFile("configuration", file);
  if (!yaml.ok()) return yaml.status();
  return ParseConfig(*yaml, file);
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("can't open the secret file ", file));
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  struct stat about {};
  if (fstat(fd, &about) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't look at the secret file ", file));
  }
  if ((about.st_mode & 0077) != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "the secret file %s may be used by others than its owner (mode %04o); run: chmod 600 %s",
        file, about.st_mode & 07777, file));
  }
  const absl::StatusOr<std::string> text = ReadFile(fd, file, kSecretFileBytesMax);
  if (!text.ok()) return text.status();
  const absl::string_view secret = absl::StripAsciiWhitespace(*text);
  if (secret.empty() || secret.find('\n') != absl::string_view::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat("the secret file ", file, " must hold one line, the secret, and doesn't"));
  }
  return std::string(secret);
}

}  // namespace porchlight
