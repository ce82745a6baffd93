// What only the folder channel promises: which files appear, and that no name leads out of it.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "common/channel/folder_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/answers.h"
#include "tests/support/receiver_process.h"

namespace porchlight::channel_folder_test {
namespace {

using porchlight::testing::ReadFile;
using porchlight::testing::SendAndWait;
using porchlight::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FolderChannelTest : public ::testing::Test {
 protected:
  Outgoing To(const std::string& address) const {
    Outgoing outgoing;
    outgoing.delivery_id = "yabc_dhash";
    outgoing.recipient.set_recipient_id("police");
    outgoing.recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
    outgoing.recipient.set_address(address);
    outgoing.message.set_subject("Missing from care");
    outgoing.message.set_text("A youth is missing from care.\n");
    outgoing.message.set_json(R"({"n":1})");
    return outgoing;
  }
  std::set<std::string> Files(const std::string& subfolder) const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(out_ + "/" + subfolder)) {
      names.insert(entry.path().filename());
    }
    return names;
  }
  void Attach(Outgoing& outgoing, const std::string& name, const std::string& content) const {
    v1::Attachment& attachment = *outgoing.message.add_attachments();
    attachment.set_file_name(name);
    attachment.set_content(content);
  }

  TemporaryFolder folder_;
  const std::string out_ = folder_.path() + "/out";
  FolderChannel channel_{out_};
};

TEST_F(FolderChannelTest, WritesTextJsonAndAttachments) {
  Outgoing outgoing = To("desk");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  Attach(outgoing, "photo.jpg", bytes);
  ASSERT_EQ(SendAndWait(channel_, outgoing).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_THAT(Files("desk"),
              ElementsAre("yabc_dhash.json", "yabc_dhash.photo.jpg", "yabc_dhash.txt"));
  EXPECT_EQ(ReadFile(out_ + "/desk/yabc_dhash.txt"),
            "Missing from care\n\nA youth is missing from care.\n");
  EXPECT_EQ(ReadFile(out_ + "/desk/yabc_dhash.json"), R"({"n":1})");
  EXPECT_EQ(ReadFile(out_ + "/desk/yabc_dhash.photo.jpg"), bytes);
}

TEST_F(FolderChannelTest, RepetitionIsOneEffect) {
  SendAndWait(channel_, To("desk"));
  Outgoing again = To("desk");
  again.message.set_text("The same, written again.\n");
  ASSERT_EQ(SendAndWait(channel_, again).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_THAT(Files("desk"), ElementsAre("yabc_dhash.json", "yabc_dhash.txt"));
  EXPECT_THAT(ReadFile(out_ + "/desk/yabc_dhash.txt"), HasSubstr("written again"));
}

TEST_F(FolderChannelTest, OnlyTheOwnerMayRead) {
  SendAndWait(channel_, To("desk"));
  struct stat info {};
  ASSERT_EQ(stat((out_ + "/desk/yabc_dhash.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((out_ + "/desk").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(FolderChannelTest, ExerciseIsSaidFirst) {
  Outgoing outgoing = To("desk");
  outgoing.exercise = true;
  SendAndWait(channel_, outgoing);
  EXPECT_EQ(ReadFile(out_ + "/desk/yabc_dhash.txt").rfind("[EXERCISE] Missing", 0), 0u);
}

TEST_F(FolderChannelTest, AttachmentNamesStayInsideAndApart) {
  Outgoing outgoing = To("desk");
  Attach(outgoing, "../../up.txt", "1");
  Attach(outgoing, "txt", "2");
  Attach(outgoing, "photo.jpg", "3");
  Attach(outgoing, "photo.jpg", "4");
  Attach(outgoing, "", "5");
  ASSERT_EQ(SendAndWait(channel_, outgoing).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_THAT(Files("desk"),
              ElementsAre("yabc_dhash..._.._up.txt", "yabc_dhash.2-photo.jpg", "yabc_dhash.2-txt",
                          "yabc_dhash.attachment", "yabc_dhash.json", "yabc_dhash.photo.jpg",
                          "yabc_dhash.txt"));
  EXPECT_THAT(ReadFile(out_ + "/desk/yabc_dhash.txt"), HasSubstr("A youth is missing"));
}

TEST_F(FolderChannelTest, NoAddressOrIdLeadsOut) {
  for (const char* address : {"..", "../up", "/tmp", "a/b", "", ".hidden"}) {
    const ChannelAnswer answer = SendAndWait(channel_, To(address));
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED) << address;
  }
  Outgoing outgoing = To("desk");
  outgoing.delivery_id = "../up";
  EXPECT_EQ(SendAndWait(channel_, outgoing).answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(FolderChannelTest, SubfolderThatIsALinkIsNotFollowed) {
  std::filesystem::create_directories(folder_.path() + "/elsewhere");
  std::filesystem::create_directories(out_);
  std::filesystem::create_directory_symlink(folder_.path() + "/elsewhere", out_ + "/desk");
  EXPECT_EQ(SendAndWait(channel_, To("desk")).answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() + "/elsewhere"));
}

TEST_F(FolderChannelTest, WhatCannotBeWrittenNowIsRetriedWithWhatToDo) {
  FolderChannel nowhere(folder_.path() + "/no/such/parent");
  ChannelAnswer answer = SendAndWait(nowhere, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(answer.text, HasSubstr("parent exists"));
  EXPECT_THAT(answer.text, ::testing::Not(HasSubstr("desk")));

  // A folder stands where the file should, so that the last step fails: nothing half-done is left.
  std::filesystem::create_directories(out_ + "/desk/yabc_dhash.txt/in-the-way");
  answer = SendAndWait(channel_, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(Files("desk"), ElementsAre("yabc_dhash.json", "yabc_dhash.txt"));
  std::filesystem::remove_all(out_ + "/desk/yabc_dhash.txt");
  EXPECT_EQ(SendAndWait(channel_, To("desk")).answer, v1::DELIVERY_ANSWER_ACCEPTED);
}

TEST_F(FolderChannelTest, FullDiskIsRetriedWithWhatToDo) {
  // /dev/full can't be a folder; a file size limit of this process fails writes in the same way.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 16;
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const ChannelAnswer answer = SendAndWait(channel_, To("desk"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(answer.text, HasSubstr("free some space"));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/desk/yabc_dhash.txt"));
}

TEST_F(FolderChannelTest, LeftoversOfACrashAreNotInTheWay) {
  std::filesystem::create_directories(out_ + "/desk");
  for (int i = 0; i < 20; ++i) {
    std::ofstream(out_ + "/desk/." + std::to_string(getpid()) + "-" + std::to_string(i) + ".tmp");
  }
  EXPECT_EQ(SendAndWait(channel_, To("desk")).answer, v1::DELIVERY_ANSWER_ACCEPTED);
}

}  // namespace
}  // namespace porchlight::channel_folder_test
