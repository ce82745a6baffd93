// A configuration is understood as written or refused with the line, the key and what is expected.
#include "common/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace porchlight::config_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kFull[] = R"(agency:
  id: example-county
  name: Example County
  time_zone: America/Chicago
master_key_file: /etc/porchlight/master.key
log_level: warning
notices:
  give_up_after_hours: 48
email:
  host: smtp.example.org
  port: 2525
  encryption: starttls
  from: porchlight@example.org
  user: porchlight
  password_file: smtp.password
  ca_file: /etc/ssl/example.pem
  time_limit_seconds: 20
webhook:
  ca_file: /etc/ssl/example.pem
  time_limit_seconds: 5
http:
  listen: 127.0.0.1:8380
  public_url: https://porchlight.example/
sms:
  provider_url: https://telephone.example/api/
  account_sid: AC0123
  auth_token_file: telephone.secret
  from: "+12025550100"
  ca_file: /etc/ssl/example.pem
  time_limit_seconds: 7
voice:
  account_sid: AC0456
  auth_token_file: /etc/porchlight/voice.secret
  from: +12025550199
s3:
  endpoint: https://storage.example/
  region: us-east-2
  bucket: photos
  key_id: AKEXAMPLE
  secret_file: s3.secret
  time_limit_seconds: 9
folder:
  directory: /var/lib/porchlight/outbox
recipients:
  - id: city-police
    kind: law_enforcement
    channel: webhook
    address: https://police.example/hook/path-token?key=query-token
    name: "Example City Police, missing persons desk"
    secret_file: /etc/porchlight/city-police.secret
  - id: supervisor
    kind: supervisor
    channel: email
    address: on-call@example.org
    name: Supervisor on call
  - id: drill
    kind: ncmec
    channel: folder
    address: drill
    name: NCMEC in drills
    exercise_only: true
  - id: attorney
    kind: attorney
    channel: sms
    address: "+12025550101"
    name: Attorney
  - id: team
    kind: team_member
    channel: voice
    address: "+12025550102"
    name: Team
  - id: court
    kind: court
    channel: person
    address: "Clerk's desk, 202-555-0103"
    name: "Court of the county"
metrics:
  listen: 0.0.0.0:9464
)";

constexpr char kSmall[] = R"(agency:
  id: a
  name: A
  time_zone: UTC
recipients:
  - id: police
    kind: law_enforcement
    channel: folder
    address: police
    name: Police
)";

std::vector<std::string> Mistakes(const std::string& yaml) {
  const absl::StatusOr<Config> config = ParseConfig(yaml, "/etc/p/p.yaml");
  if (config.ok()) return {};
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return absl::StrSplit(config.status().message(), '\n');
}

// The mistakes after `from` was replaced by `to` in the full example.
std::vector<std::string> Changed(const std::string& from, const std::string& to) {
  EXPECT_THAT(kFull, HasSubstr(from));
  return Mistakes(absl::StrReplaceAll(kFull, {{from, to}}));
}

TEST(Config, IsReadAsWritten) {
  const absl::StatusOr<Config> config = ParseConfig(kFull, "/etc/p/p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->agency.id, "example-county");
  EXPECT_EQ(config->agency.name, "Example County");
  EXPECT_EQ(config->agency.time_zone.name(), "America/Chicago");
  EXPECT_EQ(config->metrics_listen, "0.0.0.0:9464");
  EXPECT_EQ(config->master_key_file, "/etc/porchlight/master.key");
  EXPECT_EQ(config->log_level, LogLevel::kWarning);
  EXPECT_EQ(config->give_up_after, absl::Hours(48));
  ASSERT_TRUE(config->email.has_value());
  EXPECT_EQ(config->email->host, "smtp.example.org");
  EXPECT_EQ(config->email->port, 2525);
  EXPECT_EQ(config->email->encryption, EmailEncryption::kStartTls);
  EXPECT_EQ(config->email->from, "porchlight@example.org");
  EXPECT_EQ(config->email->user, "porchlight");
  EXPECT_EQ(config->email->password_file, "/etc/p/smtp.password");
  EXPECT_EQ(config->email->ca_file, "/etc/ssl/example.pem");
  EXPECT_EQ(config->email->time_limit, absl::Seconds(20));
  EXPECT_EQ(config->webhook.time_limit, absl::Seconds(5));
  EXPECT_EQ(config->folder_directory, "/var/lib/porchlight/outbox");
  ASSERT_EQ(config->recipients.size(), 6u);
  EXPECT_EQ(config->recipients[0].kind, v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_EQ(config->recipients[0].channel, v1::CHANNEL_KIND_WEBHOOK);
  EXPECT_EQ(config->recipients[0].secret_file, "/etc/porchlight/city-police.secret");
  EXPECT_FALSE(config->recipients[0].exercise_only);
  EXPECT_EQ(config->recipients[1].channel, v1::CHANNEL_KIND_EMAIL);
  EXPECT_TRUE(config->recipients[2].exercise_only);
  EXPECT_EQ(config->recipients[3].channel, v1::CHANNEL_KIND_SMS);
  EXPECT_EQ(config->recipients[4].channel, v1::CHANNEL_KIND_VOICE);
  EXPECT_EQ(config->recipients[5].channel, v1::CHANNEL_KIND_PERSON);
}

TEST(Config, NamesItsDirectoryFileAndPacks) {
  const auto config = ParseConfig(
      absl::StrCat(kFull, "directory_file: directory.yaml\npolicy_packs: [packs, /etc/x.yaml]\n"),
      "/etc/p/p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->directory_file, "/etc/p/directory.yaml");
  EXPECT_THAT(config->policy_packs, ::testing::ElementsAre("/etc/p/packs", "/etc/x.yaml"));
  EXPECT_THAT(ToMaskedYaml(*config),
              ::testing::HasSubstr("directory_file: \"/etc/p/directory.yaml\""));
}

TEST(Config, ReadsHttpAndTelephones) {
  const absl::StatusOr<Config> config = ParseConfig(kFull, "/etc/p/p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_TRUE(config->http.has_value());
  EXPECT_EQ(config->http->listen, "127.0.0.1:8380");
  EXPECT_EQ(config->http->public_url, "https://porchlight.example");
  ASSERT_TRUE(config->sms.has_value());
  EXPECT_EQ(config->sms->provider_url, "https://telephone.example/api");
  EXPECT_EQ(config->sms->account_sid, "AC0123");
  EXPECT_EQ(config->sms->auth_token_file, "/etc/p/telephone.secret");
  EXPECT_EQ(config->sms->from, "+12025550100");
  EXPECT_EQ(config->sms->ca_file, "/etc/ssl/example.pem");
  EXPECT_EQ(config->sms->time_limit, absl::Seconds(7));
  ASSERT_TRUE(config->voice.has_value());
  EXPECT_EQ(config->voice->provider_url, "https://api.twilio.com");
  EXPECT_EQ(config->voice->account_sid, "AC0456");
  EXPECT_EQ(config->voice->from, "+12025550199");
  EXPECT_EQ(config->voice->time_limit, absl::Seconds(15));
}

TEST(Config, ReadsWhereBlobsAreKept) {
  const absl::StatusOr<Config> config = ParseConfig(kFull, "/etc/p/p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_TRUE(config->s3.has_value());
  EXPECT_EQ(config->s3->endpoint, "https://storage.example");
  EXPECT_EQ(config->s3->region, "us-east-2");
  EXPECT_EQ(config->s3->bucket, "photos");
  EXPECT_EQ(config->s3->key_id, "AKEXAMPLE");
  EXPECT_EQ(config->s3->secret_file, "/etc/p/s3.secret");
  EXPECT_EQ(config->s3->time_limit, absl::Seconds(9));
}

TEST(Config, HasDefaults) {
  const absl::StatusOr<Config> config = ParseConfig(kSmall, "p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->master_key_file, "");
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
  EXPECT_EQ(config->give_up_after, absl::Hours(24));
  EXPECT_FALSE(config->email.has_value());
  EXPECT_FALSE(config->http.has_value());
  EXPECT_FALSE(config->sms.has_value());
  EXPECT_FALSE(config->voice.has_value());
  EXPECT_EQ(config->webhook.time_limit, absl::Seconds(10));
}

TEST(Config, KnowsEveryKindOfRecipient) {
  const auto* kinds = v1::RecipientKind_descriptor();
  for (int i = 0; i < kinds->value_count(); ++i) {
    if (kinds->value(i)->number() == 0) continue;
    const std::string word =
        absl::AsciiStrToLower(kinds->value(i)->name().substr(strlen("RECIPIENT_KIND_")));
    const absl::StatusOr<Config> config =
        ParseConfig(absl::StrReplaceAll(kSmall, {{"law_enforcement", word}}), "p.yaml");
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->recipients[0].kind, kinds->value(i)->number());
  }
}

TEST(Config, TellsOneMistakeWithItsLine) {
  const struct {
    const char* from;
    const char* to;
    const char* mistake;
  } kCases[] = {
      {"  id: example-county\n", "", "/etc/p/p.yaml:1: key \"agency.id\": it is missing; "},
      {"id: example-county", "id: a b", "/etc/p/p.yaml:2: key \"agency.id\": "},
      {"id: example-county", "id:", "/etc/p/p.yaml:2: key \"agency.id\": it has no value; "},
      {"id: example-county", "id: [a]", "/etc/p/p.yaml:2: key \"agency.id\": it is a list"},
      {"name: Example County", "name: \"a\\nb\"", "/etc/p/p.yaml:3: key \"agency.name\": "},
      {"America/Chicago", "America/Nowhere", "/etc/p/p.yaml:4: key \"agency.time_zone\": "},
      {"log_level: warning", "log_level: loud",
       "/etc/p/p.yaml:6: key \"log_level\": its value isn't known; expected one of debug, info, "
       "warning, error"},
      {"log_level: warning", "log_level: warning\nlog_level: info",
       "/etc/p/p.yaml:7: key \"log_level\": it is given twice, first in line 6; expected once"},
      {"log_level: warning", "loglevel: warning",
       "/etc/p/p.yaml:6: key \"loglevel\": there is no such key; expected one of agency, "},
      {"give_up_after_hours: 48", "give_up_after_hours: 169",
       "/etc/p/p.yaml:8: key \"notices.give_up_after_hours\": it is too large; expected a whole "
       "number from 1 to 168"},
      {"give_up_after_hours: 48", "give_up_after_hours: 0",
       "/etc/p/p.yaml:8: key \"notices.give_up_after_hours\": it is too small; "},
      {"give_up_after_hours: 48", "give_up_after_hours: 1.5",
       "/etc/p/p.yaml:8: key \"notices.give_up_after_hours\": it isn't a whole number; "},
      {"notices:\n  give_up_after_hours: 48", "notices: 48",
       "/etc/p/p.yaml:7: key \"notices\": it has no keys of its own; "},
      {"port: 2525", "port: 65536", "/etc/p/p.yaml:11: key \"email.port\": it is too large; "},
      {"encryption: starttls", "encryption: none",
       "/etc/p/p.yaml:12: key \"email.encryption\": notices must not cross a network in clear; "},
      {"from: porchlight@example.org", "from: porchlight",
       "/etc/p/p.yaml:13: key \"email.from\": it can't be used; "},
      {"  user: porchlight\n", "", "/etc/p/p.yaml:9: key \"email.user\": it is missing; "},
      {"  password_file: smtp.password\n", "",
       "/etc/p/p.yaml:9: key \"email.password_file\": it is missing; "},
      {"https://porchlight.example/", "http://porchlight.example/",
       "/etc/p/p.yaml:23: key \"http.public_url\": it can't be used; it must begin with https://"},
      {"https://porchlight.example/", "https://porchlight.example/?a=b",
       "/etc/p/p.yaml:23: key \"http.public_url\": it has a query or fragment; "},
      {"  public_url: https://porchlight.example/\n", "",
       "/etc/p/p.yaml:21: key \"http.public_url\": it is missing; "},
      {"https://telephone.example/api/", "telephone.example",
       "/etc/p/p.yaml:25: key \"sms.provider_url\": it can't be used; "},
      {"account_sid: AC0123", "account_sid: AC/0123",
       "/etc/p/p.yaml:26: key \"sms.account_sid\": it is too long or has other characters; "},
      {"auth_token_file: telephone.secret",
       "auth_token_file: telephone.secret\n  auth_token: planted",
       "/etc/p/p.yaml:28: key \"sms.auth_token\": secrets are never kept in this file; "},
      {"\"+12025550100\"", "2025550100", "/etc/p/p.yaml:28: key \"sms.from\": it can't be used; "},
      {"+12025550199", "+1 202 555 0199",
       "/etc/p/p.yaml:34: key \"voice.from\": it can't be used; "},
      {"https://storage.example/", "http://storage.example/",
       "/etc/p/p.yaml:36: key \"s3.endpoint\": it can't be used; it must begin with https://"},
      {"bucket: photos", "bucket: photos/of-youths",
       "/etc/p/p.yaml:38: key \"s3.bucket\": it has a / or :; expected its name alone"},
      {"secret_file: s3.secret", "secret_file: s3.secret\n  secret: planted",
       "/etc/p/p.yaml:41: key \"s3.secret\": secrets are never kept in this file; "},
      {"    kind: supervisor", "    kind: boss",
       "/etc/p/p.yaml:52: key \"recipients[1].kind\": its value isn't known; "},
      {"id: supervisor", "id: city-police",
       "/etc/p/p.yaml:51: key \"recipients[1].id\": another recipient before it has the same; "},
      {"https://police", "http://police",
       "/etc/p/p.yaml:48: key \"recipients[0].address\": it can't be used; "},
      {"    secret_file: /etc/porchlight/city-police.secret\n", "",
       "/etc/p/p.yaml:45: key \"recipients[0].secret_file\": it is missing; it is required"},
      {"    exercise_only: true", "    exercise_only: yes",
       "/etc/p/p.yaml:61: key \"recipients[2].exercise_only\": its value isn't known; "},
      {"    exercise_only: true", "    secret_file: x",
       "/etc/p/p.yaml:61: key \"recipients[2].secret_file\": only webhooks are signed; "},
  };
  for (const auto& row : kCases) {
    EXPECT_THAT(Changed(row.from, row.to), ElementsAre(StartsWith(row.mistake))) << row.to;
  }
}

TEST(Config, TellsAllMistakesAtOnceInOrderOfLines) {
  EXPECT_THAT(Mistakes("log_level: loud\nfoo: 1\nagency:\n  id: a b\nrecipients: []\n"),
              ElementsAre(StartsWith("/etc/p/p.yaml:1: key \"log_level\""),
                          StartsWith("/etc/p/p.yaml:2: key \"foo\""),
                          StartsWith("/etc/p/p.yaml:3: key \"agency.name\""),
                          StartsWith("/etc/p/p.yaml:3: key \"agency.time_zone\""),
                          StartsWith("/etc/p/p.yaml:4: key \"agency.id\""),
                          StartsWith("/etc/p/p.yaml:5: key \"recipients\"")));
}

TEST(Config, NeverTakesASecretNorRepeatsIt) {
  const auto password =
      Changed("user: porchlight", "user: porchlight\n  password: hunter2-planted");
  ASSERT_EQ(password.size(), 1u);
  EXPECT_THAT(password[0], StartsWith("/etc/p/p.yaml:15: key \"email.password\": secrets are never "
                                      "kept in this file; "));
  EXPECT_THAT(password[0], HasSubstr("password_file"));
  EXPECT_THAT(password[0], Not(HasSubstr("planted")));
  const auto secret = Changed("exercise_only: true", "secret: whsec_planted");
  ASSERT_EQ(secret.size(), 1u);
  EXPECT_THAT(secret[0], HasSubstr("secret_file"));
  EXPECT_THAT(secret[0], Not(HasSubstr("planted")));
}

TEST(Config, EmailRecipientsNeedAServer) {
  const std::string yaml = absl::StrReplaceAll(
      kSmall, {{"channel: folder", "channel: email"}, {"address: police", "address: p@x.example"}});
  EXPECT_THAT(Mistakes(yaml),
              ElementsAre(StartsWith("/etc/p/p.yaml:8: key \"recipients[0].channel\": there is no "
                                     "section email; ")));
}

TEST(Config, TelephoneRecipientsNeedAnAccountAndThatOurAddress) {
  const std::string yaml = absl::StrReplaceAll(
      kSmall, {{"channel: folder", "channel: sms"}, {"address: police", "address: +12025550101"}});
  EXPECT_THAT(Mistakes(yaml),
              ElementsAre(StartsWith("/etc/p/p.yaml:8: key \"recipients[0].channel\": there is no "
                                     "section sms; ")));
  EXPECT_THAT(Mistakes(absl::StrReplaceAll(yaml, {{"channel: sms", "channel: voice"}})),
              ElementsAre(HasSubstr("there is no section voice; ")));
  const char account[] = "  account_sid: AC1\n  auth_token_file: t\n  from: +12025550100\n";
  EXPECT_THAT(Mistakes(absl::StrCat(yaml, "sms:\n", account)),
              ElementsAre(StartsWith("/etc/p/p.yaml:11: key \"sms\": there is no section http; ")));
  EXPECT_THAT(Mistakes(absl::StrCat(yaml, "sms:\n", account,
                                    "http:\n  public_url: http://127.0.0.1:7380\n")),
              ElementsAre());
}

TEST(Config, MailInClearOnlyToThisMachine) {
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    EXPECT_TRUE(Mistakes(absl::StrCat(kSmall, "email:\n  host: \"", host,
                                      "\"\n  encryption: none\n  from: p@x.example\n"))
                    .empty());
  }
  EXPECT_FALSE(Mistakes(absl::StrCat(kSmall,
                                     "email:\n  encryption: none\n  host: localhost.example\n"
                                     "  from: p@x.example\n"))
                   .empty());
}

TEST(Config, RefusesWhatIsNotOneDocument) {
  EXPECT_THAT(Mistakes(""), ElementsAre(StartsWith("/etc/p/p.yaml:1: there are no keys; ")));
  EXPECT_THAT(Mistakes("- a\n"), ElementsAre(StartsWith("/etc/p/p.yaml:1: there are no keys; ")));
  EXPECT_THAT(Mistakes("agency: {id: a\n"), ElementsAre(HasSubstr("this isn't YAML")));
  EXPECT_THAT(Mistakes(absl::StrCat(kSmall, "---\n", kSmall)),
              ElementsAre(HasSubstr("a second document begins here")));
  EXPECT_FALSE(Mistakes("a: &a [*a]\n? [b]\n: c\n").empty());
  EXPECT_FALSE(Mistakes(std::string(10'000, '[')).empty());
  EXPECT_FALSE(Mistakes(std::string("\0\xff", 2)).empty());
}

TEST(Config, PrintsWhatIsInForceWithoutSecrets) {
  const std::string text = ToMaskedYaml(*ParseConfig(kFull, "/etc/p/p.yaml"));
  EXPECT_THAT(text, HasSubstr("/etc/porchlight/city-police.secret"));
  EXPECT_THAT(text, HasSubstr("https://police.example/*****"));
  EXPECT_THAT(text, Not(HasSubstr("-token")));
  EXPECT_THAT(text, HasSubstr("give_up_after_hours: 48"));
}

// What is printed means the same when it is read again.
TEST(Config, ReadsBackWhatItPrints) {
  for (const Config& config :
       {DefaultConfig(), *ParseConfig(kFull, "/etc/p/p.yaml"), *ParseConfig(kSmall, "p.yaml")}) {
    const std::string text = ToMaskedYaml(config);
    const absl::StatusOr<Config> again = ParseConfig(text, "printed.yaml");
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << text;
    EXPECT_EQ(ToMaskedYaml(*again), text);
  }
}

TEST(Config, WithoutAFileTellsThreeFolders) {
  const v1::Directory directory = DirectoryOf(DefaultConfig());
  ASSERT_EQ(directory.recipients_size(), 3);
  EXPECT_EQ(directory.recipients(0).kind(), v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_EQ(directory.recipients(1).kind(), v1::RECIPIENT_KIND_NCMEC);
  EXPECT_EQ(directory.recipients(2).kind(), v1::RECIPIENT_KIND_SUPERVISOR);
  for (const v1::Recipient& recipient : directory.recipients()) {
    EXPECT_EQ(recipient.channel(), v1::CHANNEL_KIND_FOLDER);
  }
  EXPECT_EQ(DefaultConfig().agency.id, "example-agency");
  EXPECT_EQ(DefaultConfig().agency.time_zone, absl::UTCTimeZone());
}

TEST(Config, BecomesTheDirectory) {
  const v1::Directory directory = DirectoryOf(*ParseConfig(kFull, "/etc/p/p.yaml"));
  ASSERT_EQ(directory.recipients_size(), 6);
  const v1::Recipient& police = directory.recipients(0);
  EXPECT_EQ(police.recipient_id(), "city-police");
  EXPECT_EQ(police.channel(), v1::CHANNEL_KIND_WEBHOOK);
  EXPECT_EQ(police.address(), "https://police.example/hook/path-token?key=query-token");
  EXPECT_EQ(police.display_name(), "Example City Police, missing persons desk");
  EXPECT_TRUE(directory.recipients(2).exercise_only());
}

class ConfigFiles : public ::testing::Test {
 protected:
  ConfigFiles() {
    std::string path = (std::filesystem::temp_directory_path() / "porchlight-conf-XXXXXX").string();
    folder_ = mkdtemp(path.data());
  }
  ~ConfigFiles() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text, unsigned mode) {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    return path;
  }
  std::string folder_;
};

TEST_F(ConfigFiles, AreReadOrNamed) {
  EXPECT_TRUE(ReadConfig(Write("p.yaml", kSmall, 0644)).ok());
  const absl::Status missing = ReadConfig(folder_ + "/none.yaml").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("none.yaml"));
  EXPECT_FALSE(ReadConfig(folder_).ok());
  EXPECT_FALSE(ReadConfig(Write("large.yaml", std::string(2'000'000, '#'), 0644)).ok());
}

TEST_F(ConfigFiles, SecretsAreOneLineForTheOwnerOnly) {
  EXPECT_EQ(*ReadSecretFile(Write("a", "whsec_x\n", 0600)), "whsec_x");
  const absl::Status open = ReadSecretFile(Write("b", "planted", 0640)).status();
  EXPECT_THAT(std::string(open.message()), HasSubstr("chmod 600"));
  for (const char* text : {"", "\n", "planted\nplanted\n"}) {
    const absl::Status status = ReadSecretFile(Write("c", text, 0600)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("planted")));
  }
}

TEST(Config, TellsOfAHeartbeatAndMasksItsToken) {
  const std::string yaml =
      absl::StrCat(kSmall,
                   "oncall:\n  heartbeat_url: https://beat.example/secret-token\n"
                   "  heartbeat_every_seconds: 30\n");
  const absl::StatusOr<Config> config = ParseConfig(yaml, "/etc/p/p.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->oncall.heartbeat_every, absl::Seconds(30));
  EXPECT_THAT(ToMaskedYaml(*config), HasSubstr("https://beat.example/*****"));
  EXPECT_THAT(ToMaskedYaml(*config), Not(HasSubstr("secret-token")));
  EXPECT_THAT(Mistakes(absl::StrCat(kSmall, "oncall:\n  heartbeat_every_seconds: 30\n")),
              ElementsAre(HasSubstr("required with heartbeat_every_seconds")));
  EXPECT_THAT(Mistakes(absl::StrCat(kSmall, "oncall:\n  heartbeat_url: ftp://beat.example/\n")),
              ElementsAre(HasSubstr("heartbeat_url")));
}

}  // namespace
}  // namespace porchlight::config_test
