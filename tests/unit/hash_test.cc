// Hashes that other programs must come to as well: Kafka's partitioner, verifiers of the chain.

#include "common/base/hash.h"

#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace porchlight::hash_test {
namespace {

// Murmur2 of these keys, as Kafka's own tests of its partitioner have them.
TEST(PartitionOf, IsKafkasDefault) {
  struct Row {
    std::string key;
    int32_t murmur2;
  };
  for (const Row& row : {
           Row{"21", -973932308},
           Row{"foobar", -790332482},
           Row{"a-little-bit-long-string", -985981536},
           Row{"a-little-bit-longer-string", -1486304829},
           Row{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
           Row{"abc", 479470107},
       }) {
    for (const int32_t partitions : {1, 2, 16, 999'983, INT32_MAX}) {
      EXPECT_EQ(PartitionOf(row.key, partitions), (row.murmur2 & 0x7fffffff) % partitions)
          << row.key << " of " << partitions;
    }
  }
}

TEST(PartitionOf, TakesAnyKey) {
  EXPECT_EQ(PartitionOf("", 1), 0);
  const std::string bytes("\xff\x00\x80\xfe\x01", 5);
  EXPECT_GE(PartitionOf(bytes, 16), 0);
  EXPECT_LT(PartitionOf(bytes, 16), 16);
}

// FIPS 180-4's examples.
TEST(Sha256, IsTheStandardOne) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(absl::BytesToHexString(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256("abc"));
}

// RFC 4648's examples, in small letters and without padding.
TEST(Base32, IsTheStandardOneInSmallLetters) {
  EXPECT_EQ(Base32(""), "");
  EXPECT_EQ(Base32("f"), "my");
  EXPECT_EQ(Base32("fo"), "mzxq");
  EXPECT_EQ(Base32("foo"), "mzxw6");
  EXPECT_EQ(Base32("foob"), "mzxw6yq");
  EXPECT_EQ(Base32("fooba"), "mzxw6ytb");
  EXPECT_EQ(Base32("foobar"), "mzxw6ytboi");
  EXPECT_EQ(Base32("\xff\xff"), "777q");
}

}  // namespace
}  // namespace porchlight::hash_test
