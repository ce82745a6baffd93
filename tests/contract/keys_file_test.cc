// What only the file of keys promises: it outlives crashes, opens with its own master key alone,
// and keeps no trace of a destroyed key.
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "common/keys/master_key.h"
#include "tests/contract/keys_folder.h"

namespace porchlight::keys_file_test {
namespace {

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// All bytes of all files of the folder.
std::string FolderText(const std::string& folder) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    text += FileText(entry.path());
  }
  return text;
}

// As stored, by name. The keys must not be open.
std::map<std::string, std::string> WrappedKeys(const std::string& path) {
  std::map<std::string, std::string> wrapped;
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  const auto collect = [](void* into, int, char** columns, char**) {
    (*static_cast<std::map<std::string, std::string>*>(into))[columns[0]] = columns[1];
    return 0;
  };
  EXPECT_EQ(
      sqlite3_exec(database, "SELECT name, hex(wrapped) FROM keys", collect, &wrapped, nullptr),
      SQLITE_OK);
  sqlite3_close(database);
  for (auto& [name, hex] : wrapped) {
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    hex = bytes;
  }
  return wrapped;
}

void ExecuteSql(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

absl::Status OpenStatus(const std::string& path, const Key& master) {
  return FileKeys::Open(path, master, "/etc/porchlight/master.key").status();
}

// Runs `work` in a child that has no rights of root's; what it returns comes back.
template <typename Work>
std::string AsNobody(Work work) {
  int pipe_fds[2];
  EXPECT_EQ(pipe(pipe_fds), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 &&
        (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)) {
      _exit(1);
    }
    const std::string result = work();
    _exit(write(pipe_fds[1], result.data(), result.size()) < 0 ? 1 : 0);
  }
  close(pipe_fds[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t got; (got = read(pipe_fds[0], buffer, sizeof buffer)) > 0;) {
    result.append(buffer, static_cast<size_t>(got));
  }
  close(pipe_fds[0]);
  waitpid(child, nullptr, 0);
  return result;
}

class FileKeysTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("keys.db");
};

TEST_F(FileKeysTest, OutlivesARestart) {
  const Key key = *OpenKeys(path_)->GetOrCreate("youth/a");
  {
    const auto keys = OpenKeys(path_);
    EXPECT_EQ(*keys->Get("youth/a"), key);
    EXPECT_TRUE(keys->Destroy("youth/a").ok());
    EXPECT_TRUE(keys->Destroy("youth/b").ok());
  }
  const auto keys = OpenKeys(path_);
  EXPECT_EQ(keys->Get("youth/a").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(keys->GetOrCreate("youth/b").status().code(), absl::StatusCode::kFailedPrecondition);
}

// Every key that the child gave out is there after kill -9, with the same bytes, and every one that
// it destroyed stays so.
TEST_F(FileKeysTest, SurvivesKill) {
  for (int round = 0; round < 5; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto keys = FileKeys::Open(path_, TestMaster());
      for (int i = 0;; ++i) {
        const std::string name = absl::StrCat("youth/", round, "-", i);
        const absl::StatusOr<Key> key =
            keys.ok() ? (*keys)->GetOrCreate(name) : absl::StatusOr<Key>(keys.status());
        if (!key.ok() || (i % 3 == 0 && !(*keys)->Destroy(name).ok()) ||
            write(pipe_fds[1], key->data(), key->size()) != 32) {
          _exit(1);
        }
      }
    }
    close(pipe_fds[1]);
    std::vector<Key> given;
    Key key;
    while (given.size() < 20 && read(pipe_fds[0], key.data(), key.size()) == 32) {
      given.push_back(key);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(pipe_fds[0], key.data(), key.size()) == 32) given.push_back(key);
    close(pipe_fds[0]);
    ASSERT_GE(given.size(), 20u);
    const auto keys = OpenKeys(path_);
    for (size_t i = 0; i < given.size(); ++i) {
      const absl::StatusOr<Key> got = keys->Get(absl::StrCat("youth/", round, "-", i));
      if (i % 3 == 0) {
        EXPECT_EQ(got.status().code(), absl::StatusCode::kFailedPrecondition);
      } else {
        ASSERT_TRUE(got.ok()) << got.status();
        EXPECT_EQ(*got, given[i]);
      }
    }
  }
}

TEST_F(FileKeysTest, KeepsNoTraceOfADestroyedKey) {
  constexpr int kKeys = 500;
  {
    const auto keys = OpenKeys(path_);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&keys, t] {
        for (int i = t; i < kKeys; i += 8) {
          // Names of any length, out of order.
          const std::string name =
              absl::StrCat("youth/", i * 7919 % kKeys, std::string(i % 60, 'x'));
          EXPECT_TRUE(keys->GetOrCreate(name).ok());
        }
      });
    }
  }
  const std::map<std::string, std::string> wrapped = WrappedKeys(path_);
  ASSERT_GE(wrapped.size(), static_cast<size_t>(kKeys));
  {
    const auto keys = OpenKeys(path_);
    const std::string before = FolderText(folder_.path());
    int destroyed = 0;
    for (const auto& [name, bytes] : wrapped) {
      // Also the 24 bytes of nonce alone, in case only a part was overwritten.
      ASSERT_TRUE(absl::StrContains(before, bytes)) << name;
      if (name.rfind("youth/", 0) != 0 || ++destroyed % 5 == 0) continue;
      ASSERT_TRUE(keys->Destroy(name).ok());
    }
    const std::string after = FolderText(folder_.path());
    destroyed = 0;
    for (const auto& [name, bytes] : wrapped) {
      const bool kept = name.rfind("youth/", 0) != 0 || ++destroyed % 5 == 0;
      for (size_t part = 0; part < 72; part += 24) {
        EXPECT_EQ(absl::StrContains(after, bytes.substr(part, 24)), kept) << name;
      }
    }
  }
}

// Destroyed right after it was made, while the key is still in the write-ahead log only.
TEST_F(FileKeysTest, EmptiesTheWriteAheadLogWithTheKey) {
  const auto keys = OpenKeys(path_);
  ASSERT_TRUE(keys->GetOrCreate("youth/a").ok());
  EXPECT_GT(std::filesystem::file_size(path_ + "-wal"), 0u);
  ASSERT_TRUE(keys->Destroy("youth/a").ok());
  EXPECT_EQ(std::filesystem::file_size(path_ + "-wal"), 0u);
}

TEST_F(FileKeysTest, NeverHoldsAKeyInClear) {
  const auto keys = OpenKeys(path_);
  const Key key = *keys->GetOrCreate("youth/a");
  const std::string text = FolderText(folder_.path());
  EXPECT_FALSE(absl::StrContains(
      text, absl::string_view(reinterpret_cast<const char*>(key.data()), key.size())));
  EXPECT_FALSE(absl::StrContains(text, std::string(32, '\7')));
}

TEST_F(FileKeysTest, IsReadableByItsOwnerOnly) {
  const auto keys = OpenKeys(path_);
  ASSERT_TRUE(keys->GetOrCreate("youth/a").ok());
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(0077),
              std::filesystem::perms::none)
        << entry.path();
  }
}

TEST_F(FileKeysTest, OpensWithItsOwnMasterKeyOnly) {
  const Key key = *OpenKeys(path_)->GetOrCreate("youth/a");
  const absl::Status status = OpenStatus(path_, TestMaster(8));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StartsWith(status.message(),
                               absl::StrCat("the master key in /etc/porchlight/master.key doesn't "
                                            "open ",
                                            path_)))
      << status;
  EXPECT_EQ(*OpenKeys(path_)->Get("youth/a"), key);
}

// A wrapped key copied to another name must not serve there.
TEST_F(FileKeysTest, AKeyMovedToAnotherNameIsDamage) {
  {
    const auto keys = OpenKeys(path_);
    ASSERT_TRUE(keys->GetOrCreate("youth/a").ok());
    ASSERT_TRUE(keys->GetOrCreate("youth/b").ok());
  }
  ExecuteSql(path_,
             "UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE name = 'youth/b') "
             "WHERE name = 'youth/a'");
  const auto keys = OpenKeys(path_);
  EXPECT_EQ(keys->Get("youth/a").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(keys->GetOrCreate("youth/a").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(keys->Get("youth/b").ok());
  EXPECT_TRUE(keys->Destroy("youth/a").ok());
}

TEST_F(FileKeysTest, NoticesThatItsProofOfTheMasterKeyIsGone) {
  ASSERT_TRUE(OpenKeys(path_)->GetOrCreate("youth/a").ok());
  ExecuteSql(path_, "DELETE FROM keys WHERE name = 'master-key-check'");
  EXPECT_EQ(OpenStatus(path_, TestMaster()).code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileKeysTest, IsHeldByOneProcess) {
  const auto keys = OpenKeys(path_);
  const absl::Status status = OpenStatus(path_, TestMaster());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(status.message(), path_)) << status;
}

TEST_F(FileKeysTest, LeavesOtherFilesAlone) {
  std::ofstream(path_) << "something else that somebody needs, longer than a header of a database";
  const std::string before = FileText(path_);
  EXPECT_FALSE(OpenStatus(path_, TestMaster()).ok());
  EXPECT_EQ(FileText(path_), before);
}

TEST_F(FileKeysTest, SaysWhatItMayNotUse) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0555));
  std::string text = AsNobody([&] { return OpenStatus(path_, TestMaster()).ToString(); });
  EXPECT_TRUE(absl::StrContains(text, path_)) << text;
  EXPECT_TRUE(absl::StrContains(text, "give the user that runs Porchlight the right")) << text;
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));

  text = OpenStatus(folder_.Path("no-such/keys.db"), TestMaster()).ToString();
  EXPECT_TRUE(absl::StrContains(text, folder_.Path("no-such/keys.db"))) << text;
}

class MasterKeyTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("master.key");
};

TEST_F(MasterKeyTest, IsMadeOnceAndReadBack) {
  const absl::StatusOr<Key> made = CreateMasterKey(path_);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*ReadMasterKey(path_), *made);
  EXPECT_EQ(FileText(path_).size(), 65u);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(CreateMasterKey(path_).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(*ReadMasterKey(path_), *made);
  const auto files = std::filesystem::directory_iterator(folder_.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  EXPECT_NE(*CreateMasterKey(folder_.Path("other.key")), *made);
}

TEST_F(MasterKeyTest, IsRefusedIfOthersMayReadIt) {
  ASSERT_TRUE(CreateMasterKey(path_).ok());
  for (const unsigned mode : {0640u, 0604u, 0620u, 0601u}) {
    std::filesystem::permissions(path_, std::filesystem::perms(mode));
    const absl::Status status = ReadMasterKey(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat("chmod 600 ", path_))) << status;
  }
  std::filesystem::permissions(path_, std::filesystem::perms(0400));
  EXPECT_TRUE(ReadMasterKey(path_).ok());
}

TEST_F(MasterKeyTest, IsRefusedIfItIsNotOne) {
  EXPECT_EQ(ReadMasterKey(path_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ReadMasterKey(folder_.path()).ok());
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g'),
        std::string(64, 'a') + "\nmore", std::string(1000, 'a'), std::string(63, 'a') + " ",
        std::string(62, 'a') + " a", std::string(62, 'a') + std::string(2, '\0')}) {
    std::ofstream(path_) << text;
    std::filesystem::permissions(path_, std::filesystem::perms(0600));
    const absl::Status status = ReadMasterKey(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << text;
    EXPECT_TRUE(absl::StrContains(status.message(), path_)) << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "aaa")) << status;
  }
  for (const std::string& text :
       {std::string(64, 'a'), std::string(64, 'A') + "\n", std::string(64, '0') + "\r\n"}) {
    std::ofstream(path_) << text;
    EXPECT_TRUE(ReadMasterKey(path_).ok()) << text;
  }
}

TEST_F(MasterKeyTest, GivesTheSeedOfTheSigningKey) {
  EXPECT_EQ(SigningSeed(TestMaster()), SigningSeed(TestMaster()));
  EXPECT_NE(SigningSeed(TestMaster()), SigningSeed(TestMaster(8)));
  EXPECT_NE(SigningSeed(TestMaster()), TestMaster());
}

}  // namespace
}  // namespace porchlight::keys_file_test
