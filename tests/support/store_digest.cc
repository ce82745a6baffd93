// See store_digest.h.
#include "tests/support/store_digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/privacy/sealing.h"

namespace porchlight::testing {
namespace {

constexpr size_t kListedAtOnce = 1000;

// The same bytes for the same message.
std::string Bytes(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

class Lines final : public StoreVisitor {
 public:
  void Aggregate(absl::string_view aggregate_id, int64_t offset) override {
    Add("aggregate", absl::StrCat(aggregate_id, " at ", offset));
  }
  void Timer(const StoredTimer& timer) override {
    Add("timer", absl::StrCat(timer.aggregate_id, " ", Bytes(timer.timer)));
  }
  void Delivery(const v1::DeliveryStatus& delivery) override { Add("delivery", Bytes(delivery)); }
  void Add(absl::string_view what, absl::string_view text) {
    lines_.push_back(absl::StrCat(what, " ", absl::BytesToHexString(Sha256({text}))));
  }
  std::string Sorted() {
    std::sort(lines_.begin(), lines_.end());
    return absl::StrJoin(lines_, "\n");
  }

 private:
  std::vector<std::string> lines_;
};

absl::Status AddStates(Store& store, Keys& keys, int32_t partition, Lines& lines) {
  Store::ListOptions options{.active_only = false, .after = "", .limit = kListedAtOnce};
  while (true) {
    const auto listed = store.List(partition, options);
    if (!listed.ok()) return listed.status();
    for (const StoredAggregate& stored : *listed) {
      const absl::StatusOr<Key> key = keys.Get(KeyName(YouthOf(stored.aggregate_id)));
      if (!key.ok()) return key.status();
      const auto plain =
          Open(*key, stored.sealed_state, absl::StrCat("state/", stored.aggregate_id));
      if (!plain.ok()) return plain.status();
      lines.Add("state", absl::StrCat(stored.aggregate_id, " ", stored.offset, " ", stored.active,
                                      " ", *plain));
    }
    if (listed->size() < kListedAtOnce) return absl::OkStatus();
    options.after = listed->back().aggregate_id;
  }
}

}  // namespace

absl::StatusOr<std::string> StoreDigest(Store& store, Keys& keys, int32_t partitions) {
  std::string all;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    Lines lines;
    absl::StatusOr<v1::Checkpoint> checkpoint = store.Visit(partition, lines);
    if (!checkpoint.ok()) return checkpoint.status();
    if (absl::Status added = AddStates(store, keys, partition, lines); !added.ok()) return added;
    for (const v1::Position& position : checkpoint->positions())
      lines.Add("position", Bytes(position));
    absl::StrAppend(&all, partition, " ", checkpoint->sequence(), " ",
                    absl::BytesToHexString(checkpoint->chain_hash()), "\n", lines.Sorted(), "\n");
  }
  return absl::BytesToHexString(Sha256({all}));
}

}  // namespace porchlight::testing
