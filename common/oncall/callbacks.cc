#include "common/oncall/callbacks.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "common/base/time.h"
#include "common/channel/twilio_account.h"
#include "common/channel/twilio_signature.h"
#include "common/edge/signed_link.h"
#include "common/logger/logger.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/page_message.h"

namespace porchlight {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(10);
constexpr size_t kYouthsPerPage = 500;

// For HTML and XML alike.
std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

HttpResponse Page(int status, absl::string_view title, absl::string_view body) {
  return {.status = status,
          .body = absl::StrCat(
              "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width\"><title>Porchlight</title>"
              "</head><body><h1>",
              Escape(title), "</h1>", body, "</body></html>\n"),
          .content_type = "text/html; charset=utf-8",
          .headers = {{"Cache-Control", "no-store"}}};
}

std::string Paragraph(absl::string_view text) { return absl::StrCat("<p>", Escape(text), "</p>"); }

HttpResponse TwiMl(absl::string_view verb, absl::string_view text) {
  return {.status = 200,
          .body = absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><", verb, ">",
                               Escape(text), "</", verb, "></Response>"),
          .content_type = "text/xml; charset=utf-8"};
}

// By its first word, whole: "You have the wrong number" is no yes.
bool MeansYes(absl::string_view body) {
  const std::string text = absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(body));
  const auto end = std::find_if_not(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
  const std::string word(text.begin(), end);
  for (absl::string_view yes :
       {"ack", "acknowledge", "acknowledged", "yes", "ok", "okay", "1", "y"}) {
    if (word == yes) return true;
  }
  return false;
}

// Of what is logged, nothing that could be a number or a name in words.
absl::string_view WordOf(absl::string_view text) {
  const bool is_word =
      text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
      });
  return is_word ? text : "unreadable";
}

absl::string_view Field(const FormFields& fields, absl::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "";
}

class Callbacks {
 public:
  Callbacks(const EdgePorts& ports, CallbackTokens tokens)
      : ports_(ports), tokens_(std::move(tokens)) {}

  HttpResponse Show(const HttpRequest& request) {
    const absl::StatusOr<SignedLink> link = LinkOf(request);
    if (!link.ok()) return Refused(link.status());
    const absl::StatusOr<v1::Alert> alert = AlertOf(link->subject_id);
    if (!alert.ok()) return Refused(alert.status());
    const std::string about = Paragraph(alert->text());
    if (alert->state() != v1::ALERT_STATE_OPEN) {
      return Page(200, "This is over",
                  absl::StrCat(about, Paragraph(absl::StrCat("Nobody need do anything about it any "
                                                             "more: ",
                                                             alert->reason(), "."))));
    }
    return Page(200, "Do you have this?",
                absl::StrCat(about,
                             "<form method=\"post\"><button type=\"submit\">I have this</button>"
                             "</form>"));
  }

  HttpResponse AcknowledgeByLink(const HttpRequest& request) {
    const absl::StatusOr<SignedLink> link = LinkOf(request);
    if (!link.ok()) return Refused(link.status());
    const auto reply = Acknowledge(link->subject_id, link->recipient_id, v1::REACHED_BY_WEB,
                                   DeriveId("acknowledge", request.captured.at(0)));
    if (!reply.ok()) return Refused(reply.status());
    std::string body = Paragraph(reply->alert().text());
    for (const std::string& warning : reply->warnings())
      absl::StrAppend(&body, Paragraph(absl::StrCat("Please note: ", warning, ".")));
    const bool open = reply->alert().state() == v1::ALERT_STATE_OPEN;
    return Page(
        200, "Thank you: it is recorded that you have this",
        open ? absl::StrCat(body, Paragraph("More people are needed and are paged.")) : body);
  }

  HttpResponse HearCall(const HttpRequest& request) {
    const absl::StatusOr<FormFields> form = SignedForm(request, tokens_.voice_auth_token);
    if (!form.ok()) return Refused(form.status());
    const absl::StatusOr<SignedLink> link = LinkOf(request);
    if (!link.ok()) return TwiMl("Say", link.status().message());
    if (Field(*form, "Digits") != "1")
      return TwiMl("Say", "That was not 1, so nothing is recorded. Goodbye.");
    const auto reply = Acknowledge(link->subject_id, link->recipient_id, v1::REACHED_BY_CALLBACK,
                                   DeriveId("voice", request.captured.at(0)));
    return TwiMl("Say", reply.ok() ? "Thank you. It is recorded that you have this. Goodbye."
                                   : "That could not be recorded. Please call the agency.");
  }

  // Logged only: whoever was paged in vain doesn't acknowledge, so that the next one is.
  HttpResponse HearStatus(const HttpRequest& request) {
    absl::StatusOr<FormFields> form = SignedForm(request, tokens_.sms_auth_token);
    if (!form.ok()) form = SignedForm(request, tokens_.voice_auth_token);
    if (!form.ok()) return Refused(form.status());
    const std::string status(
        Field(*form, Field(*form, "CallSid").empty() ? "MessageStatus" : "CallStatus"));
    const bool failed =
        status == "undelivered" || status == "failed" || status == "busy" || status == "no-answer";
    LogLine(failed ? LogLevel::kWarning : LogLevel::kInfo, "the telephone provider says",
            {{"delivery_id", std::string(WordOf(request.Query("delivery")))},
             {"status", std::string(WordOf(status))},
             {"error_code", std::string(WordOf(Field(*form, "ErrorCode")))}});
    return PlainText(200, "Noted.");
  }

  HttpResponse HearText(const HttpRequest& request) {
    const absl::StatusOr<FormFields> form = SignedForm(request, tokens_.sms_auth_token);
    if (!form.ok()) return Refused(form.status());
    if (!MeansYes(Field(*form, "Body")))
      return TwiMl("Message", "Answer ACK to say that you have what you were paged for.");
    const std::string message_id(Field(*form, "MessageSid"));
    if (message_id.empty())
      return PlainText(400,
                       "MessageSid is missing, so a repetition couldn't be told from a reply.");
    const absl::StatusOr<absl::Time> heard_at = FirstHeardAt(message_id);
    if (!heard_at.ok()) return Refused(heard_at.status());
    const absl::StatusOr<std::vector<Answered>> answered =
        OpenAlertsOf(Field(*form, "From"), *heard_at);
    if (!answered.ok()) return Refused(answered.status());
    size_t recorded = 0;
    for (const auto& [alert_id, person_id] : *answered) {
      const auto reply = Acknowledge(alert_id, person_id, v1::REACHED_BY_CALLBACK,
                                     DeriveId("sms", absl::StrCat(message_id, "/", alert_id)));
      if (reply.ok()) ++recorded;
    }
    if (recorded < answered->size()) {
      // The provider then calls again.
      return PlainText(503, "Not all of it could be recorded; call again.");
    }
    return TwiMl("Message", recorded == 0 ? "Nothing is open that you were paged for."
                                          : "Thank you. It is recorded that you have this.");
  }

 private:
  using Answered = std::pair<std::string, std::string>;  // alert, person

  absl::StatusOr<SignedLink> LinkOf(const HttpRequest& request) const {
    return ReadLink(ports_.options.link_key, kAcknowledgePurpose, request.captured.at(0),
                    ports_.clock.Now());
  }

  absl::StatusOr<v1::Alert> AlertOf(const std::string& alert_id) const {
    const auto youth = ports_.states.Load(std::string(YouthOf(alert_id)));
    if (!youth.ok() && !absl::IsNotFound(youth.status())) return youth.status();
    const v1::Alert* alert =
        youth.ok() ? FindAlert(static_cast<const v1::OncallState&>(*youth->rules_state), alert_id)
                   : nullptr;
    if (alert == nullptr)
      return absl::NotFoundError("there is no such alert any more; it was over long ago");
    return *alert;
  }

  absl::StatusOr<v1::AcknowledgeAlertReply> Acknowledge(const std::string& alert_id,
                                                        const std::string& person_id,
                                                        v1::ReachedBy how,
                                                        const std::string& request_id) {
    v1::AcknowledgeAlertRequest request;
    request.set_request_id(request_id);
    request.set_alert_id(alert_id);
    request.set_person_id(person_id);
    request.set_how(how);
    request.mutable_actor()->set_actor_id(person_id);
    request.mutable_actor()->set_reached_by(how);
    v1::AcknowledgeAlertReply reply;
    const absl::Status status = ports_.commands.Submit({.request_id = request_id,
                                                        .youth_id = std::string(YouthOf(alert_id)),
                                                        .received_at = ports_.clock.Now(),
                                                        .actor = request.actor(),
                                                        .longest_wait = kLongestWait},
                                                       request, reply);
    if (!status.ok()) return status;
    return reply;
  }

  absl::StatusOr<FormFields> SignedForm(const HttpRequest& request,
                                        const std::string& auth_token) const {
    absl::StatusOr<FormFields> form = ParseForm(request.body);
    if (!form.ok()) return form.status();
    const auto& http = ports_.options.config.http;
    const std::string url = absl::StrCat(http.has_value() ? http->public_url : "", request.target);
    if (!IsSignedByTwilio(auth_token, url, *form, request.Header("x-twilio-signature")))
      return absl::PermissionDeniedError("this callback isn't signed by the telephone provider");
    return form;
  }

  // A callback that comes again answers nothing that was paged after it first came, also after a
  // restart: its signature says nothing of time, and would hold for ever.
  absl::StatusOr<absl::Time> FirstHeardAt(const std::string& message_id) {
    const std::string name = absl::StrCat("sms-", DeriveId("heard", message_id));
    absl::MutexLock lock(&mutex_);
    google::protobuf::Timestamp heard_at = ToProto(ports_.clock.Now());
    const absl::StatusOr<std::string> before = ports_.blob.Get(name);
    if (before.ok()) {
      if (!heard_at.ParseFromString(*before))
        return absl::DataLossError("it isn't known any more when this message first came");
    } else if (!absl::IsNotFound(before.status())) {
      return before.status();
    } else if (absl::Status kept = ports_.blob.Put(name, heard_at.SerializeAsString());
               !kept.ok()) {
      return kept;
    }
    return FromProto(heard_at);
  }

  absl::StatusOr<std::vector<Answered>> OpenAlertsOf(absl::string_view number,
                                                     absl::Time until) const {
    const auto directory = ports_.directory.Read();
    if (!directory.ok()) return directory.status();
    std::set<std::string> ways;
    for (const v1::Recipient& recipient : (*directory)->recipients()) {
      if (recipient.channel() == v1::CHANNEL_KIND_SMS && recipient.address() == number)
        ways.insert(recipient.recipient_id());
    }
    std::vector<Answered> answered;
    std::string token;
    do {
      const absl::StatusOr<StatePage> page = ports_.states.List(true, kYouthsPerPage, token);
      if (!page.ok()) return page.status();
      for (const auto& [youth_id, aggregate] : page->aggregates)
        AddAnswered(static_cast<const v1::OncallState&>(*aggregate.rules_state), ways, until,
                    answered);
      token = page->next_page_token;
    } while (!token.empty());
    return answered;
  }

  static void AddAnswered(const v1::OncallState& state, const std::set<std::string>& ways,
                          absl::Time until, std::vector<Answered>& answered) {
    for (const v1::Alert& alert : state.alerts()) {
      if (alert.state() != v1::ALERT_STATE_OPEN) continue;
      for (const v1::AlertPage& page : alert.pages()) {
        if (ways.count(page.recipient_id()) == 0 || FromProto(page.made_at()) >= until) continue;
        answered.emplace_back(alert.alert_id(), page.person_id());
        break;
      }
    }
  }

  static HttpResponse Refused(const absl::Status& status) {
    switch (status.code()) {
      case absl::StatusCode::kPermissionDenied:
        return PlainText(403, status.message());
      case absl::StatusCode::kFailedPrecondition:
        return PlainText(410, status.message());
      case absl::StatusCode::kNotFound:
        return PlainText(404, status.message());
      case absl::StatusCode::kInvalidArgument:
        return PlainText(400, status.message());
      default:
        return PlainText(503, absl::StrCat("Please try again in a moment: ", status.message()));
    }
  }

  const EdgePorts ports_;
  const CallbackTokens tokens_;
  // Of two callbacks at once with one message one is the first.
  absl::Mutex mutex_;
};

std::string TokenOf(const std::optional<TelephoneConfig>& telephone) {
  if (!telephone.has_value()) return "";
  const absl::StatusOr<std::string> token = ReadSecretFile(telephone->auth_token_file);
  if (token.ok()) return *token;
  LogLine(LogLevel::kError, "callbacks of the telephone provider can't be checked and are refused",
          {{"reason", std::string(token.status().message())}});
  return "";
}

}  // namespace

CallbackTokens ReadCallbackTokens(const Config& config) {
  return {.sms_auth_token = TokenOf(config.sms), .voice_auth_token = TokenOf(config.voice)};
}

void AddCallbacks(const EdgePorts& ports, CallbackTokens tokens, HttpRouter& routes) {
  const auto callbacks = std::make_shared<Callbacks>(ports, std::move(tokens));
  routes.Get("/acknowledge/*",
             [callbacks](const HttpRequest& request) { return callbacks->Show(request); });
  routes.Post("/acknowledge/*", [callbacks](const HttpRequest& request) {
    return callbacks->AcknowledgeByLink(request);
  });
  routes.Post("/callbacks/sms",
              [callbacks](const HttpRequest& request) { return callbacks->HearText(request); });
  routes.Post(std::string(kTwilioStatusPath),
              [callbacks](const HttpRequest& request) { return callbacks->HearStatus(request); });
  routes.Post("/callbacks/voice/*",
              [callbacks](const HttpRequest& request) { return callbacks->HearCall(request); });
}

}  // namespace porchlight
