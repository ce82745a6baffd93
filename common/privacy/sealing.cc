// XChaCha20-Poly1305 over serialized payloads. Never logs or puts into an error text what it
// opened.
#include "common/privacy/sealing.h"

#include <sodium.h>

#include <cstdlib>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace porchlight {
namespace {

constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(std::tuple_size<Key>::value == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

// The library picks its fastest code and its random source once, before the first use.
void InitSodium() {
  static const int ready = sodium_init();
  if (ready < 0) std::abort();
}

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* MutableBytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string Name(const v1::RecordHeader& header) {
  return absl::StrCat("record \"", absl::CHexEscape(header.record_id()), "\" of type \"",
                      absl::CHexEscape(header.type()), "\"");
}

// The message that header.type names; null if this version has none.
const google::protobuf::Message* FindPrototype(const v1::RecordHeader& header) {
  if (!absl::StartsWith(header.type(), "porchlight.")) return nullptr;
  const google::protobuf::Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(header.type());
  if (descriptor == nullptr) return nullptr;
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
}

absl::Status UnknownType(const v1::RecordHeader& header) {
  return absl::UnimplementedError(absl::StrCat(
      Name(header),
      " can't be read: this version of Porchlight doesn't know the type; upgrade to at least "
      "the version that wrote it"));
}

absl::StatusOr<OpenedRecord> OpenPayload(const Key& key, const v1::Record& record,
                                         v1::RecordHeader header,
                                         const google::protobuf::Message& prototype) {
  absl::StatusOr<std::string> plain = Open(key, record.sealed(), record.header());
  if (!plain.ok()) {
    return absl::DataLossError(absl::StrCat(Name(header), ": ", plain.status().message()));
  }
  std::unique_ptr<google::protobuf::Message> payload(prototype.New());
  const bool parsed = payload->ParseFromString(*plain);
  sodium_memzero(plain->data(), plain->size());
  if (!parsed) {
    return absl::DataLossError(
        absl::StrCat(Name(header), ": the payload opens, but isn't a message of that type"));
  }
  return OpenedRecord{std::move(header), std::move(payload)};
}

}  // namespace

std::string Seal(const Key& key, absl::string_view plain, absl::string_view associated) {
  InitSodium();
  std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
  unsigned char* nonce = MutableBytes(sealed);
  randombytes_buf(nonce, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonceBytes, nullptr, Bytes(plain),
                                             plain.size(), Bytes(associated), associated.size(),
                                             nullptr, nonce, key.data());
  return sealed;
}

absl::StatusOr<std::string> Open(const Key& key, absl::string_view sealed,
                                 absl::string_view associated) {
  InitSodium();
  if (sealed.size() < kNonceBytes + kTagBytes) {
    return absl::DataLossError(
        absl::StrCat("only ", sealed.size(), " sealed bytes are there: they were cut short"));
  }
  const absl::string_view cipher = sealed.substr(kNonceBytes);
  std::string plain(cipher.size() - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          MutableBytes(plain), nullptr, nullptr, Bytes(cipher), cipher.size(), Bytes(associated),
          associated.size(), Bytes(sealed), key.data()) != 0) {
    return absl::DataLossError(
        "the sealed bytes don't open: they were sealed with another key, or changed since");
  }
  return plain;
}

v1::Record MakeRecord(const Key& key, v1::RecordHeader header,
                      const google::protobuf::Message& payload) {
  header.set_type(payload.GetDescriptor()->full_name());
  v1::Record record;
  header.SerializeToString(record.mutable_header());
  std::string plain = payload.SerializeAsString();
  record.set_sealed(Seal(key, plain, record.header()));
  sodium_memzero(plain.data(), plain.size());
  return record;
}

absl::StatusOr<v1::RecordHeader> ReadHeader(const v1::Record& record) {
  v1::RecordHeader header;
  if (!header.ParseFromString(record.header())) {
    return absl::InvalidArgumentError(absl::StrCat("the record's header (", record.header().size(),
                                                   " bytes) isn't a porchlight.v1.RecordHeader"));
  }
  return header;
}

absl::StatusOr<OpenedRecord> OpenRecord(Keys& keys, const v1::Record& record) {
  absl::StatusOr<v1::RecordHeader> header = ReadHeader(record);
  if (!header.ok()) return header.status();
  const google::protobuf::Message* prototype = FindPrototype(*header);
  if (prototype == nullptr) return UnknownType(*header);
  const absl::StatusOr<Key> key = keys.Get(KeyName(header->youth_id()));
  if (!key.ok()) return key.status();
  return OpenPayload(*key, record, *std::move(header), *prototype);
}

absl::StatusOr<OpenedRecord> OpenRecord(const Key& key, const v1::Record& record) {
  absl::StatusOr<v1::RecordHeader> header = ReadHeader(record);
  if (!header.ok()) return header.status();
  const google::protobuf::Message* prototype = FindPrototype(*header);
  if (prototype == nullptr) return UnknownType(*header);
  return OpenPayload(key, record, *std::move(header), *prototype);
}

}  // namespace porchlight
