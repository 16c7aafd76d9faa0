// Two lines, each a topic, a pattern or junk: the checks, matches and covers must agree.
#include <cstdint>
#include <string_view>

#include "common/base/assert.hpp"
#include "common/bus/topic.hpp"

using namespace guild::bus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string_view first = text.substr(0, end);
  const std::string_view second = end == std::string_view::npos ? "" : text.substr(end + 1);

  // On junk they may answer anything, but must answer.
  const bool matched = matches(first, second);
  const bool covered = covers(first, second);
  if (check_topic(first)) GUILD_ASSERT(check_pattern(first).has_value());
  if (!check_pattern(first) || !check_pattern(second)) return 0;

  GUILD_ASSERT(covers(first, first));
  GUILD_ASSERT(covers("**", second));
  if (check_topic(second)) GUILD_ASSERT(matched == covered);
  if (check_topic(first) && covered) GUILD_ASSERT(first == second);
  return 0;
}
