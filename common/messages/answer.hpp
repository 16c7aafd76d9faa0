// Answer: the decision guard (BEHAVIOUR §1). What a language model answers is meant to be one JSON
// object, but may be wrapped in a code fence, have bare keys or a comma after the last element:
// that is mended, and nothing else is. Pure. Limit: answer_size_max bytes. Code: answer_invalid (it
// is not an object even so).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace guild::messages {

inline constexpr std::size_t answer_size_max = 65'536;

/// The object as JSON.
Result<std::string> mend_answer(std::string_view text);

}  // namespace guild::messages
