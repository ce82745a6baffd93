// See twilio_account.h.
#include "common/channel/twilio_account.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/channel/http_post.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

class TwilioPost final : public HttpPost {
 public:
  using HttpPost::HttpPost;

 protected:
  void ReadReply(ChannelAnswer& answer) const override {
    google::protobuf::Struct parsed;
    if (!google::protobuf::util::JsonStringToMessage(reply(), &parsed).ok()) parsed.Clear();
    const auto& fields = parsed.fields();
    const auto sid = fields.find("sid");
    const auto message = fields.find("message");
    if (answer.answer == v1::DELIVERY_ANSWER_ACCEPTED) {
      if (sid == fields.end() || sid->second.string_value().empty()) {
        answer.answer = v1::DELIVERY_ANSWER_UNKNOWN;
        answer.text =
            "a yes without the provider's own id for it: is provider_url that of its HTTP API?";
        return;
      }
      answer.text = CutReply(absl::StrCat("sid ", sid->second.string_value()));
    } else if (message != fields.end()) {
      const auto code = fields.find("code");
      const double number = code == fields.end() ? 0 : code->second.number_value();
      answer.text = CutReply(absl::StrCat("error ", number, ": ", message->second.string_value()));
    } else {
      HttpPost::ReadReply(answer);
    }
  }
};

}  // namespace

TwilioAccount::TwilioAccount(TwilioOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

void TwilioAccount::Create(absl::string_view resource, const Outgoing& outgoing, FormFields fields,
                           Answered done) {
  fields.emplace_back("To", outgoing.recipient.address());
  fields.emplace_back("From", options_.from);
  fields.emplace_back("StatusCallback",
                      absl::StrCat(options_.public_url, kTwilioStatusPath,
                                   "?delivery=", PercentEncode(outgoing.delivery_id)));
  HttpPostOptions post;
  post.url = absl::StrCat(options_.provider_url, "/2010-04-01/Accounts/", options_.account_sid, "/",
                          resource, ".json");
  post.body = EncodeForm(fields);
  post.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
  post.user = options_.account_sid;
  post.password = options_.auth_token;
  post.ca_file = options_.ca_file;
  post.limits = {options_.connect_limit, options_.send_limit};
  sender_.Start(std::make_unique<TwilioPost>(std::move(post), clock_, std::move(done)));
}

}  // namespace porchlight
