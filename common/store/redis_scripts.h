// What the Redis store has Redis run as one, in Lua. Scripts touch no key but those that they are
// given, read no clock and no chance, and so do the same on a replica and after a restart.
#pragma once

namespace porchlight {

// KEYS: the checkpoint, then others. ARGV: the sequence that the partition must stand at, then
// commands one after the other, each as its name, the number of its key, the count of its
// arguments, and those. Runs them if the partition stands there; returns where it stood. A command
// is given a thousand arguments at most: Lua can pass on only some thousands.
inline constexpr char kApplyScript[] = R"lua(
local stood_at = redis.call('HGET', KEYS[1], 'sequence') or '0'
if stood_at ~= ARGV[1] then return stood_at end
local at, words = 2, #ARGV
while at < words do
  local last = at + 2 + tonumber(ARGV[at + 2])
  redis.call(ARGV[at], KEYS[tonumber(ARGV[at + 1])], unpack(ARGV, at + 3, last))
  at = last + 1
end
return stood_at
)lua";

// KEYS: a set of names in order, and the hash that holds what they name. ARGV: from, to, how many
// at most (a thousand). Returns each name and what it names.
inline constexpr char kInOrderScript[] = R"lua(
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #names == 0 then return names end
local values = redis.call('HMGET', KEYS[2], unpack(names))
local found = {}
for n = 1, #names do
  found[2 * n - 1] = names[n]
  found[2 * n] = values[n]
end
return found
)lua";

// KEYS: the checkpoint, then hashes. ARGV: how many fields at a time, then where to go on in each
// hash. Returns the checkpoint, and of each hash where to go on and some of its fields.
inline constexpr char kScanScript[] = R"lua(
local found = { redis.call('HGET', KEYS[1], 'bytes') }
for n = 2, #KEYS do
  found[n] = redis.call('HSCAN', KEYS[n], ARGV[n], 'COUNT', ARGV[1])
end
return found
)lua";

}  // namespace porchlight
