// Grants: what a bot may do, decided. Which grants match an action, which of them decides and
// carries the limits, what is left of those, when errors disable one, and which actions no grant
// can ever allow. Pure: no clock, no I/O. Limits: grants_max grants of a bot, actions and patterns
// of 128 bytes. A refusal is an answer; the order of PermitRefusal is that of the checks.
// Source: BEHAVIOUR §4.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/money.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/messages/authority.hpp"

namespace guild::ledgerd {

using messages::GrantEffect;
using messages::PermitOutcome;
using messages::PermitRefusal;

inline constexpr std::size_t grants_max = 256;  ///< Of one bot.
inline constexpr std::int64_t errors_to_disable = 5;

struct Grant {
  std::string pattern;
  GrantEffect effect{};
  std::optional<std::int64_t> daily_limit;
  std::optional<Money> spending_limit;
  std::optional<Instant> expires_at;
  bool is_enabled = true;
  std::int64_t errors = 0;  ///< In a row.

  bool operator==(const Grant&) const = default;
};

/// What a grant was used for on one day.
struct Used {
  std::int64_t uses = 0;
  Money settled;  ///< What those that ended have cost.
  Money held;     ///< For those that have not.

  bool operator==(const Used&) const = default;
};

/// What every bot starts with.
struct DefaultGrant {
  std::string_view pattern;
  std::int64_t daily_limit;
};
inline constexpr DefaultGrant default_grants[] = {
    {"send_sms:wellness", 5},  {"send_sms:goal", 3},   {"send_sms:reminder", 5},
    {"send_email:summary", 2}, {"create_task:*", 10},  {"send_notification:*", 20},
    {"complete_task:*", 10},   {"log_health:*", 20},   {"trigger_checkin:*", 5},
    {"build_app:*", 2},        {"goal_strategy:*", 3},
};

/// The kernel guard: actions of which a part (they are set apart by `:`) begins with one of these,
/// `-` and `.` standing for `_`, are never granted and never permitted.
inline constexpr std::string_view guarded_words[] = {"change_auth", "delete_data", "change_secret",
                                                     "drop_migration"};
bool is_guarded(std::string_view action_or_pattern);

/// Codes: action_format; pattern_format.
Result<void> check_action(std::string_view action);
Result<void> check_pattern(std::string_view pattern);

/// `*`: any; `a:*`: what begins with `a:`; a bare `a` (without `:`): a, and what begins with `a:`;
/// else the same text only.
bool matches(std::string_view pattern, std::string_view action);

struct Choice {
  const Grant* carrier = nullptr;  ///< Its limits count; the most specific allow, else ask.
  bool asks = false;               ///< A person must agree.
};
/// Among all that match and have not expired any deny wins, then any ask, then allow.
std::expected<Choice, PermitRefusal> choose(std::span<const Grant> grants, std::string_view action,
                                            Instant now);

/// What is asked for, and what there is.
struct Demand {
  Money max_cost;
  Money available;           ///< Of the bot's account, above its floor.
  bool is_approved = false;  ///< A person agreed.
};
/// All that `choose` does not decide; nothing when it may go on.
std::optional<PermitRefusal> find_refusal(const Choice& choice, const Used& used,
                                          const Demand& demand);

/// The grant after one of its uses ended so.
Grant after_outcome(Grant grant, PermitOutcome outcome);

}  // namespace guild::ledgerd
