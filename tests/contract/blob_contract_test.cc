// What every Blob adapter promises, and what the folder adds: a crash leaves all of a blob or none.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/blob/folder_blob.h"
#include "common/blob/memory_blob.h"
#include "common/blob/s3_blob.h"
#include "gmock/gmock.h"
#include "tests/support/http_receiver.h"
#include "tests/support/s3_process.h"

namespace porchlight::blob_contract_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const SystemClock kClock;

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "porchlight-blob-XXXXXX").string();
    path_ = mkdtemp(path.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

std::unique_ptr<FolderBlob> OpenFolder(const std::string& path) {
  absl::StatusOr<std::unique_ptr<FolderBlob>> blob = FolderBlob::Open(path);
  EXPECT_TRUE(blob.ok()) << blob.status();
  return blob.ok() ? *std::move(blob) : nullptr;
}

class BlobContract : public ::testing::TestWithParam<std::string> {
 protected:
  BlobContract() {
    if (GetParam() == "memory") {
      blob_ = std::make_unique<MemoryBlob>();
    } else if (GetParam() == "s3") {
      static const testing::S3Process server;
      blob_ = std::make_unique<S3Blob>(server.options(), kClock);
      EXPECT_TRUE(blob_->Remove("photo").ok());
    } else {
      blob_ = OpenFolder(folder_.Path("blobs"));
    }
  }
  Folder folder_;
  std::unique_ptr<Blob> blob_;
};

INSTANTIATE_TEST_SUITE_P(Adapters, BlobContract, ::testing::Values("memory", "folder", "s3"),
                         [](const auto& about) { return about.param; });

TEST_P(BlobContract, GivesBackWhatWasPut) {
  const std::string bytes("\0\xff binary\n", 10);
  for (const std::string& content : {std::string(), bytes, std::string(5'000'000, 'x')}) {
    ASSERT_TRUE(blob_->Put("photo", content).ok());
    ASSERT_TRUE(blob_->Get("photo").ok());
    EXPECT_EQ(*blob_->Get("photo"), content);
  }
}

TEST_P(BlobContract, ReplacesTheWholeBlob) {
  ASSERT_TRUE(blob_->Put("photo", "a long first version").ok());
  ASSERT_TRUE(blob_->Put("photo", "short").ok());
  EXPECT_EQ(*blob_->Get("photo"), "short");
}

TEST_P(BlobContract, RemovesAlsoWhatIsNotThere) {
  EXPECT_EQ(blob_->Get("photo").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(blob_->Remove("photo").ok());
  ASSERT_TRUE(blob_->Put("photo", "x").ok());
  ASSERT_TRUE(blob_->Put("other", "y").ok());
  EXPECT_TRUE(blob_->Remove("photo").ok());
  EXPECT_EQ(blob_->Get("photo").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*blob_->Get("other"), "y");
}

TEST_P(BlobContract, RefusesNamesThatAreNotAllowed) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string(".hidden"),
        std::string("a/b"), std::string("../a"), std::string("a b"), std::string("a\0b", 3),
        std::string("é"), std::string(201, 'a')}) {
    EXPECT_EQ(blob_->Put(name, "x").code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(blob_->Get(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(blob_->Remove(name).code(), absl::StatusCode::kInvalidArgument) << name;
  }
  for (const std::string& name :
       {std::string("a"), std::string("A-z_0.9"), std::string(200, 'a')}) {
    EXPECT_TRUE(blob_->Put(name, "x").ok()) << name;
  }
}

TEST_P(BlobContract, ReadersNeverSeeHalfABlob) {
  const std::string ones(300'000, '1');
  const std::string twos(200'000, '2');
  ASSERT_TRUE(blob_->Put("photo", ones).ok());
  std::atomic<bool> stop = false;
  std::jthread writer([&] {
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(blob_->Put("photo", i % 2 == 0 ? twos : ones).ok());
    stop = true;
  });
  std::jthread other_writer([&] {
    while (!stop) EXPECT_TRUE(blob_->Put("photo", twos).ok());
  });
  while (!stop) {
    const absl::StatusOr<std::string> read = blob_->Get("photo");
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_TRUE(*read == ones || *read == twos);
  }
}

TEST(FolderBlobTest, KeepsBlobsOverARestart) {
  Folder folder;
  ASSERT_TRUE(OpenFolder(folder.Path("blobs"))->Put("photo", "x").ok());
  EXPECT_EQ(*OpenFolder(folder.Path("blobs"))->Get("photo"), "x");
}

TEST(FolderBlobTest, RemovesWhatACrashLeftHalfWritten) {
  Folder folder;
  ASSERT_TRUE(OpenFolder(folder.Path("blobs"))->Put("photo", "x").ok());
  std::ofstream(folder.Path("blobs/.new-1-1")) << "half";
  const auto blob = OpenFolder(folder.Path("blobs"));
  EXPECT_FALSE(std::filesystem::exists(folder.Path("blobs/.new-1-1")));
  EXPECT_EQ(*blob->Get("photo"), "x");
}

TEST(FolderBlobTest, SaysWhichFolderCantBeUsed) {
  Folder folder;
  const absl::Status status = FolderBlob::Open(folder.Path("no/such")).status();
  EXPECT_NE(status.message().find(folder.Path("no/such")), absl::string_view::npos) << status;
}

std::string Away(const absl::Status& status) {
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  return std::string(status.message());
}

TEST(S3BlobTest, SaysWhatIsWrongAndNeverTheSecret) {
  const testing::S3Process server;
  const auto said = [&](S3Options options) {
    S3Blob blob(options, kClock);
    const std::string put = Away(blob.Put("photo", "sealed"));
    EXPECT_THAT(put, AllOf(HasSubstr("photo"), HasSubstr(options.bucket),
                           HasSubstr(options.endpoint), Not(HasSubstr(options.secret))));
    const std::string get = Away(blob.Get("photo").status());
    const std::string remove = Away(blob.Remove("photo"));
    const std::string why = put.substr(put.find(options.endpoint));
    EXPECT_THAT(get, HasSubstr(why));
    EXPECT_THAT(remove, HasSubstr(why));
    return why;
  };
  S3Options options = server.options();
  options.secret = "a-wrong-secret";
  EXPECT_THAT(said(options), HasSubstr("the secret is not the one of this key id"));
  options = server.options();
  options.key_id = "nobody";
  EXPECT_THAT(said(options), HasSubstr("the key id is not known"));
  options = server.options();
  options.bucket = "another";
  EXPECT_THAT(said(options), HasSubstr("there is no such bucket"));
  EXPECT_TRUE(S3Blob(server.options(), kClock).Put("photo", "sealed").ok());
}

TEST(S3BlobTest, WaitsForNobodyWhoDoesNotAnswer) {
  ManualClock clock(absl::UnixEpoch());
  testing::S3Process server;
  S3Blob blob(server.options(), clock);
  ASSERT_TRUE(blob.Put("photo", "sealed").ok());
  server.child().Kill();
  EXPECT_THAT(Away(blob.Put("photo", "sealed")), HasSubstr("check the endpoint"));
  EXPECT_THAT(Away(blob.Get("photo").status()), HasSubstr("tried again soon"));
  EXPECT_THAT(Away(blob.Remove("photo")), HasSubstr("tried again soon"));
  clock.Advance(absl::Milliseconds(50));
  EXPECT_THAT(Away(blob.Get("photo").status()), HasSubstr("check the endpoint"));
}

TEST(S3BlobTest, BelievesOnlyWhatAnswersAsS3Does) {
  testing::HttpReceiver receiver;
  S3Options options;
  options.endpoint = receiver.Url("");
  options.region = "us-east-2";
  options.bucket = "photos";
  options.key_id = "key";
  options.secret = "secret";
  S3Blob blob(options, kClock);
  EXPECT_THAT(Away(blob.Put("photo", "sealed")), HasSubstr("not as S3 does"));
  EXPECT_THAT(Away(blob.Get("photo").status()), HasSubstr("not as S3 does"));
  EXPECT_THAT(Away(blob.Remove("photo")), HasSubstr("not as S3 does"));
  receiver.Always("/photos/photo", {.status = 404, .body = "not found"});
  EXPECT_THAT(Away(blob.Get("photo").status()), HasSubstr("answered 404"));
  receiver.Always("/photos/photo", {.status = 503, .body = "<Error><Code>SlowDown</Code></Error>"});
  EXPECT_THAT(Away(blob.Put("photo", "sealed")), HasSubstr("too much to do"));
  receiver.Always("/photos/photo", {.status = 301, .headers = {{"Location", "/elsewhere"}}});
  EXPECT_THAT(Away(blob.Put("photo", "sealed")), HasSubstr("answered 301"));
  receiver.Always("/photos/photo", {.status = 200,
                                    .headers = {{"ETag", "\"tag\""}},
                                    .body = "half of it",
                                    .fault = testing::HttpReceiver::Fault::kHangUpInBody});
  EXPECT_THAT(Away(blob.Get("photo").status()), HasSubstr("check the endpoint"));
}

TEST(S3BlobTest, SignsWhatItSendsAndHowItIsMeantToBeRead) {
  testing::HttpReceiver receiver;
  receiver.Always("/photos/photo", {.status = 200, .headers = {{"ETag", "\"tag\""}}});
  S3Options options;
  options.endpoint = receiver.Url("");
  options.region = "us-east-2";
  options.bucket = "photos";
  options.key_id = "key";
  options.secret = "secret";
  ASSERT_TRUE(S3Blob(options, kClock).Put("photo", "sealed").ok());
  const testing::HttpReceiver::Request request = receiver.requests().at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.body, "sealed");
  EXPECT_THAT(request.headers.at("authorization"),
              AllOf(StartsWith("AWS4-HMAC-SHA256 Credential=key/"),
                    HasSubstr("/us-east-2/s3/aws4_request"), HasSubstr("x-amz-content-sha256")));
  EXPECT_EQ(request.headers.at("x-amz-content-sha256"), absl::BytesToHexString(Sha256("sealed")));
}

// What the child said to have put is there in full after kill -9.
TEST(FolderBlobTest, SurvivesKill) {
  Folder folder;
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto blob = FolderBlob::Open(folder.Path("blobs"));
    for (char i = 1;; i = static_cast<char>(i % 100 + 1)) {
      if (!blob.ok() ||
          !(*blob)->Put(absl::StrCat("photo-", int{i}), std::string(50'000, i)).ok() ||
          write(pipe_fds[1], &i, 1) != 1) {
        _exit(1);
      }
    }
  }
  close(pipe_fds[1]);
  int put = 0;
  for (char i = 0; put < 20 && read(pipe_fds[0], &i, 1) == 1;) put = std::max<int>(put, i);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (char i = 0; read(pipe_fds[0], &i, 1) == 1;) put = std::max<int>(put, i);
  close(pipe_fds[0]);
  ASSERT_GE(put, 20);
  const auto blob = OpenFolder(folder.Path("blobs"));
  for (int i = 1; i <= put; ++i) {
    const absl::StatusOr<std::string> read_back = blob->Get(absl::StrCat("photo-", i));
    ASSERT_TRUE(read_back.ok()) << read_back.status();
    EXPECT_EQ(*read_back, std::string(50'000, static_cast<char>(i)));
  }
}

}  // namespace
}  // namespace porchlight::blob_contract_test
