// Which addresses a channel may be given, row by row; no error repeats one.
#include "common/channel/address.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::address_test {
namespace {

struct AddressRow {
  const char* sentence;
  v1::ChannelKind kind;
  std::string address;
  bool ok;
};

std::ostream& operator<<(std::ostream& out, const AddressRow& row) { return out << row.sentence; }

class CheckAddressTest : public ::testing::TestWithParam<AddressRow> {};

TEST_P(CheckAddressTest, Holds) {
  const AddressRow& row = GetParam();
  const absl::Status status = CheckAddress(row.kind, row.address);
  EXPECT_EQ(status.ok(), row.ok) << status;
  if (row.ok) return;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  if (row.address.size() > std::string_view("https://").size()) {
    EXPECT_THAT(std::string(status.message()), ::testing::Not(::testing::HasSubstr(row.address)));
  }
}

constexpr auto kWebhook = v1::CHANNEL_KIND_WEBHOOK;
constexpr auto kEmail = v1::CHANNEL_KIND_EMAIL;
constexpr auto kFolder = v1::CHANNEL_KIND_FOLDER;
constexpr auto kSms = v1::CHANNEL_KIND_SMS;
constexpr auto kVoice = v1::CHANNEL_KIND_VOICE;
constexpr auto kPerson = v1::CHANNEL_KIND_PERSON;

INSTANTIATE_TEST_SUITE_P(
    Webhook, CheckAddressTest,
    ::testing::Values(
        AddressRow{"https goes anywhere", kWebhook, "https://police.invalid:8443/a?b=c", true},
        AddressRow{"http stays on 127.0.0.1", kWebhook, "http://127.0.0.1:8080/hook", true},
        AddressRow{"http stays on localhost", kWebhook, "http://localhost/hook", true},
        AddressRow{"http stays on ::1", kWebhook, "http://[::1]:8080/", true},
        AddressRow{"http goes nowhere else", kWebhook, "http://police.invalid/", false},
        AddressRow{"http isn't fooled by a name", kWebhook, "http://localhost.police.invalid/",
                   false},
        AddressRow{"http isn't fooled by a user", kWebhook, "http://127.0.0.1@police.invalid/",
                   false},
        AddressRow{"no user in it", kWebhook, "https://user@police.invalid/", false},
        AddressRow{"no password in it", kWebhook, "https://user:word@police.invalid/", false},
        AddressRow{"no other scheme", kWebhook, "file:///etc/passwd", false},
        AddressRow{"a scheme is needed", kWebhook, "police.invalid/hook", false},
        AddressRow{"a host is needed", kWebhook, "https://:443/", false},
        AddressRow{"no line break", kWebhook, "https://police.invalid/a\r\nX: y", false},
        AddressRow{"no blank", kWebhook, "https://police.invalid/a b", false},
        AddressRow{"no NUL", kWebhook, std::string("https://police.invalid/\0a", 25), false},
        AddressRow{"not longer than 2000", kWebhook,
                   "https://police.invalid/" + std::string(2000, 'a'), false},
        AddressRow{"not empty", kWebhook, "", false}));

INSTANTIATE_TEST_SUITE_P(
    Email, CheckAddressTest,
    ::testing::Values(AddressRow{"a plain one", kEmail, "desk.one+missing@police.example", true},
                      AddressRow{"a domain of one label", kEmail, "desk@mailhost", true},
                      AddressRow{"no display name", kEmail, "Desk <desk@police.example>", false},
                      AddressRow{"no angle brackets", kEmail, "<desk@police.example>", false},
                      AddressRow{"no header", kEmail, "desk@police.example\r\nBcc: a@b.example",
                                 false},
                      AddressRow{"not two", kEmail, "a@b.example,c@d.example", false},
                      AddressRow{"not two ats", kEmail, "a@b@c.example", false},
                      AddressRow{"no blank", kEmail, "a b@c.example", false},
                      AddressRow{"no empty atom", kEmail, "a..b@c.example", false},
                      AddressRow{"no empty label", kEmail, "a@c..example", false},
                      AddressRow{"no label starting with a hyphen", kEmail, "a@-c.example", false},
                      AddressRow{"ASCII only", kEmail, "zo\xC3\xAB@c.example", false},
                      AddressRow{"a local part", kEmail, "@police.example", false},
                      AddressRow{"a domain", kEmail, "someone@", false},
                      AddressRow{"not longer than 254", kEmail,
                                 "desk@" + std::string(250, 'a') + ".example", false},
                      AddressRow{"not empty", kEmail, "", false}));

INSTANTIATE_TEST_SUITE_P(
    Folder, CheckAddressTest,
    ::testing::Values(AddressRow{"a plain name", kFolder, "police-desk_1", true},
                      AddressRow{"no way up", kFolder, "..", false},
                      AddressRow{"no path", kFolder, "police/desk", false},
                      AddressRow{"no absolute path", kFolder, "/police", false},
                      AddressRow{"nothing hidden", kFolder, ".police", false},
                      AddressRow{"no NUL", kFolder, std::string("police\0x", 8), false},
                      AddressRow{"not longer than 64", kFolder, std::string(65, 'a'), false},
                      AddressRow{"64 is fine", kFolder, std::string(64, 'a'), true},
                      AddressRow{"not empty", kFolder, "", false}));

INSTANTIATE_TEST_SUITE_P(
    Telephone, CheckAddressTest,
    ::testing::Values(AddressRow{"a number with its country", kSms, "+12025550101", true},
                      AddressRow{"the same for calls", kVoice, "+12025550101", true},
                      AddressRow{"15 digits are fine", kSms, "+123456789012345", true},
                      AddressRow{"not 16", kSms, "+1234567890123456", false},
                      AddressRow{"not 7", kSms, "+1234567", false},
                      AddressRow{"the country is needed", kSms, "2025550101", false},
                      AddressRow{"no country begins with 0", kSms, "+02025550101", false},
                      AddressRow{"no hyphens", kSms, "+1-202-555-0101", false},
                      AddressRow{"no blanks", kVoice, "+1 2025550101", false},
                      AddressRow{"no second plus", kSms, "++2025550101", false},
                      AddressRow{"no letters", kVoice, "+1202555CARE", false},
                      AddressRow{"no extension", kVoice, "+12025550101,2", false},
                      AddressRow{"no line break", kSms, "+12025550101\n", false},
                      AddressRow{"no NUL", kSms, std::string("+12025550101\0", 13), false},
                      AddressRow{"not empty", kSms, "", false}));

INSTANTIATE_TEST_SUITE_P(Person, CheckAddressTest,
                         ::testing::Values(AddressRow{"what to call or open", kPerson,
                                                      "Clerk's desk, 202-555-0103", true},
                                           AddressRow{"one line", kPerson, "first\nsecond", false},
                                           AddressRow{"not longer than 200", kPerson,
                                                      std::string(201, 'a'), false},
                                           AddressRow{"not empty", kPerson, "", false}));

TEST(CheckUrlTest, SaysWhoseAddressItIs) {
  EXPECT_TRUE(CheckUrl("provider_url", "https://api.example").ok());
  EXPECT_THAT(std::string(CheckUrl("provider_url", "http://api.example").message()),
              ::testing::StartsWith("provider_url must begin with https://"));
}

TEST(CheckAddressTest, NoChannelNoAddress) {
  EXPECT_FALSE(CheckAddress(v1::CHANNEL_KIND_UNSPECIFIED, "anything").ok());
}

}  // namespace
}  // namespace porchlight::address_test
