// Intents: what a bot wants to do in a tick, read from JSON. Unknown fields are refused by name, a
// number of the wrong kind by its place. Pure. Codes, as of the codec: json_invalid, field_unknown,
// field_missing, field_type, field_range, field_too_long, field_value.
// Limits: bets_read_max bets; the sizes of market answers and outcomes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/money.hpp"
#include "common/base/uuid.hpp"

namespace guild::ledgerd::economy {

inline constexpr std::size_t bets_read_max = 64;

enum class Lookup { none, hit, miss };

struct ResearchIntent {
  Uuid market;
  std::string answer;
  Lookup lookup = Lookup::none;
};
struct BetIntent {
  Uuid market;
  std::string outcome;
  std::int64_t confidence = 0;  ///< In ten-thousandths.
};
enum class Direction { up, down };
struct WagerIntent {
  std::string symbol;
  Direction direction{};
  Money amount;
};
struct Intents {
  std::optional<ResearchIntent> research;
  std::vector<BetIntent> bets;
  std::optional<WagerIntent> wager;
  std::optional<std::string> error;  ///< The decision failed; then there is nothing else.
};

Result<Intents> read_intents(std::string_view json);

inline constexpr std::int64_t confidence_one = 10'000;
/// "0.8", "1", "0.6501": from 0 to 1, at most four places; nothing for anything else.
std::optional<std::int64_t> read_confidence(std::string_view text);

}  // namespace guild::ledgerd::economy
