// Puts the photos that a message names into it, just before it is sent: they are in no log. A photo
// never holds a message up: without it the text says so, and the rest goes.
#pragma once

#include "common/blob/blob.h"
#include "common/keys/keys.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// `blob` may be null: then no photo can be read.
void FillPhotos(Keys& keys, Blob* blob, v1::Message& message);

}  // namespace porchlight
