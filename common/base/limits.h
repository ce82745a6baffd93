// Every limit of the product in one place; units last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace porchlight {

inline constexpr int32_t kPartitions = 16;

// One RPC's request; a photo fits, a film doesn't.
inline constexpr size_t kRequestBytesMax = 12u << 20;
// One RPC's reply: a full page of long episodes fits.
inline constexpr size_t kReplyBytesMax = 64u << 20;
// One free-text field of a request.
inline constexpr size_t kTextFieldBytesMax = 64u << 10;
// What was added to one episode that is kept with it: the newest ones, so many and so much text.
// All of them stay in the log.
inline constexpr int kAddedFactsKeptMax = 200;
inline constexpr size_t kAddedFactsBytesKeptMax = 256u << 10;
// Youths in one request, and ids of one youth that were joined.
inline constexpr int kYouthsPerRequestMax = 500;
inline constexpr size_t kJoinedIdsMax = 16;
// One record in a log.
inline constexpr size_t kRecordBytesMax = 16u << 20;
// Inputs that one partition's processor decides in one batch.
inline constexpr size_t kBatchInputsMax = 256;
// One read from a log.
inline constexpr size_t kReadRecordsMax = 512;
inline constexpr size_t kReadBytesMax = 8u << 20;
// Recipients, rotas, overrides, rosters and packs of one directory: every processor holds it whole.
inline constexpr size_t kDirectoryEntriesMax = 20'000;
// Aggregates that one partition's processor keeps unsealed in memory.
inline constexpr size_t kAggregatesCachedMax = 4096;
// Sealing keys that one process keeps unwrapped in memory.
inline constexpr size_t kKeysCachedMax = 100'000;
// Outcomes remembered in one aggregate, to answer a repeated command.
inline constexpr size_t kOutcomesKeptMax = 1000;
// Deliveries to one recipient that one partition hands to the dispatcher at once.
inline constexpr size_t kOffersPerRecipientMax = 64;
// RPCs in progress in one server.
inline constexpr int kCallsInFlightMax = 256;
inline constexpr size_t kChannelReplyBytesMax = 1000;
// Sends in progress, by channel and by recipient.
inline constexpr int kSendsPerChannelMax = 64;
inline constexpr int kSendsPerRecipientMax = 8;
// One HTTP request: its first line and headers; its body.
inline constexpr uint32_t kHttpHeaderBytesMax = 16u << 10;
inline constexpr uint64_t kHttpBodyBytesMax = 1u << 20;
// Connections to one HTTP server, and handlers that it runs at once.
inline constexpr size_t kHttpConnectionsMax = 256;
inline constexpr size_t kHttpHandlersMax = 16;
// What providers take of one text message, in characters, and of one call's script, in bytes.
inline constexpr size_t kSmsCharactersMax = 1600;
inline constexpr size_t kVoiceScriptBytesMax = 4000;
// A photo as it comes, and as it is kept.
inline constexpr size_t kPhotoBytesMax = 10u << 20;
// A photo as it comes; one that must be in memory as a whole before it can be made smaller; one as
// it is kept.
inline constexpr uint64_t kPhotoPixelsMax = 64'000'000;
inline constexpr uint64_t kPhotoPixelsWholeMax = 24'000'000;
inline constexpr uint64_t kPhotoPixelsKeptMax = 12'600'000;

}  // namespace porchlight
