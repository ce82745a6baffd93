// All that a store holds, read and put back through its port: for tests that compare a store with
// what it should be, or set it back to what it was.
#pragma once

#include "common/store/memory_store.h"

namespace porchlight::testing {

MemoryStore::Contents ContentsOf(Store& store, int32_t partitions);

// Instead of what it holds. Of partitions that `contents` doesn't name nothing is left.
void SetContents(Store& store, int32_t partitions, const MemoryStore::Contents& contents);

}  // namespace porchlight::testing
