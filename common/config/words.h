// The words that the configuration has for values of enums; a value's place is its number, for
// protos less one (they begin with "unspecified").
#pragma once

#include <string>
#include <vector>

namespace porchlight {

const std::vector<std::string>& LogLevelWords();
const std::vector<std::string>& EncryptionWords();
const std::vector<std::string>& RecipientKindWords();
const std::vector<std::string>& ChannelKindWords();

}  // namespace porchlight
