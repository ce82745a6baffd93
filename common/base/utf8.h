// UTF-8 as the standard has it: no overlong forms, no halves of pairs, nothing past U+10FFFF.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace porchlight {

// How many bytes the character at the start of `text`, which isn't empty, has; 0: it isn't UTF-8.
size_t Utf8CharacterBytes(absl::string_view text);

bool IsUtf8(absl::string_view text);

}  // namespace porchlight
