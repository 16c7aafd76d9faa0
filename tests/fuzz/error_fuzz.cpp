// Any bytes as the payload of an error reply: always an Error, bounded, printable, and stable when
// it is sent on.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "common/bus/error_json.hpp"

using namespace guild;
using namespace guild::bus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Error error = decode_error({reinterpret_cast<const char*>(data), size});
  GUILD_ASSERT(!error.code.empty() && error.code.size() <= 64);
  GUILD_ASSERT(is_utf8(error.message) && is_utf8(error.next_step));
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
  GUILD_ASSERT(std::ranges::none_of(error.message, is_control));
  GUILD_ASSERT(std::ranges::none_of(error.next_step, is_control));
  const Error again = decode_error(encode_error(error));
  GUILD_ASSERT(again.code == error.code && again.kind == error.kind);
  return 0;
}
