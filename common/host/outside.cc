#include "common/host/outside.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/blob/folder_blob.h"
#include "common/blob/s3_blob.h"
#include "common/channel/folder_channel.h"
#include "common/channel/sms_channel.h"
#include "common/channel/smtp_channel.h"
#include "common/channel/voice_channel.h"
#include "common/channel/webhook_channel.h"
#include "common/channel/webhook_signature.h"

namespace porchlight {
namespace {

absl::StatusOr<TwilioOptions> TelephoneOptions(const TelephoneConfig& config,
                                               const HttpConfig& http) {
  absl::StatusOr<std::string> token = ReadSecretFile(config.auth_token_file);
  if (!token.ok()) return token.status();
  return TwilioOptions{.provider_url = config.provider_url,
                       .account_sid = config.account_sid,
                       .auth_token = *std::move(token),
                       .from = config.from,
                       .public_url = http.public_url,
                       .ca_file = config.ca_file,
                       .send_limit = config.time_limit};
}

}  // namespace

absl::StatusOr<Dispatcher::Channels> MakeChannels(const Config& config, const std::string& outbox,
                                                  const Clock& clock) {
  Dispatcher::Channels channels;
  channels[v1::CHANNEL_KIND_FOLDER] = std::make_shared<FolderChannel>(
      config.folder_directory.empty() ? outbox : config.folder_directory);
  WebhookOptions webhook{
      .secrets = {}, .ca_file = config.webhook.ca_file, .send_limit = config.webhook.time_limit};
  for (const RecipientConfig& recipient : config.recipients) {
    if (recipient.channel != v1::CHANNEL_KIND_WEBHOOK) continue;
    const absl::StatusOr<std::string> line = ReadSecretFile(recipient.secret_file);
    if (!line.ok()) return line.status();
    const absl::StatusOr<std::string> secret = ParseWebhookSecret(*line);
    if (!secret.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(recipient.secret_file, ": ", secret.status().message()));
    }
    webhook.secrets[recipient.id] = *secret;
  }
  channels[v1::CHANNEL_KIND_WEBHOOK] = std::make_shared<WebhookChannel>(std::move(webhook), clock);
  if (config.email.has_value()) {
    const EmailConfig& email = *config.email;
    SmtpOptions smtp{
        .host = email.host,
        .port = static_cast<uint16_t>(email.port),
        .tls = email.encryption == EmailEncryption::kStartTls ? SmtpTls::kRequired : SmtpTls::kNone,
        .user = email.user,
        .password = "",
        .from = email.from,
        .ca_file = email.ca_file,
        .send_limit = email.time_limit};
    if (!email.password_file.empty()) {
      absl::StatusOr<std::string> password = ReadSecretFile(email.password_file);
      if (!password.ok()) return password.status();
      smtp.password = *std::move(password);
    }
    channels[v1::CHANNEL_KIND_EMAIL] = std::make_shared<SmtpChannel>(std::move(smtp));
  }
  if (config.sms.has_value()) {
    absl::StatusOr<TwilioOptions> sms = TelephoneOptions(*config.sms, *config.http);
    if (!sms.ok()) return sms.status();
    channels[v1::CHANNEL_KIND_SMS] = std::make_shared<SmsChannel>(*std::move(sms), clock);
  }
  if (config.voice.has_value()) {
    absl::StatusOr<TwilioOptions> voice = TelephoneOptions(*config.voice, *config.http);
    if (!voice.ok()) return voice.status();
    channels[v1::CHANNEL_KIND_VOICE] = std::make_shared<VoiceChannel>(*std::move(voice), clock);
  }
  return channels;
}

absl::StatusOr<std::unique_ptr<Blob>> MakeBlob(const Config& config, const std::string& folder,
                                               const Clock& clock) {
  if (!config.s3.has_value()) return FolderBlob::Open(folder);
  const S3Config& s3 = *config.s3;
  absl::StatusOr<std::string> secret = ReadSecretFile(s3.secret_file);
  if (!secret.ok()) return secret.status();
  S3Options options;
  options.endpoint = s3.endpoint;
  options.region = s3.region;
  options.bucket = s3.bucket;
  options.key_id = s3.key_id;
  options.secret = *std::move(secret);
  options.ca_file = s3.ca_file;
  options.time_limit = s3.time_limit;
  return std::make_unique<S3Blob>(std::move(options), clock);
}

}  // namespace porchlight
