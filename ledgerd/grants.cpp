#include "ledgerd/grants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/text.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::string_view any = "*";
constexpr std::string_view any_below = ":*";

bool is_bare(std::string_view pattern) { return pattern.find(':') == std::string_view::npos; }

/// Whether `action` begins with `prefix` and a colon.
bool is_below(std::string_view prefix, std::string_view action) {
  return action.size() > prefix.size() && action.starts_with(prefix) &&
         action[prefix.size()] == ':';
}

/// How closely a pattern that matches names the action.
std::size_t specificity(std::string_view pattern, std::string_view action) {
  if (pattern == action) return std::numeric_limits<std::size_t>::max();
  if (pattern == any) return 0;
  return pattern.ends_with(any_below) ? pattern.size() - 1 : pattern.size();
}

bool has_expired(const Grant& grant, Instant now) {
  return grant.expires_at && *grant.expires_at <= now;
}

bool is_guarded_part(std::string_view part) {
  return std::ranges::any_of(guarded_words,
                             [&](std::string_view word) { return part.starts_with(word); });
}

bool is_plain(char c) { return c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z'); }

Result<void> check_text(std::string_view what, std::string_view text) {
  if (!text.empty() && text.size() <= messages::ActionName::size_max &&
      std::ranges::all_of(text, is_plain))
    return {};
  return fail(ErrorKind::invalid, fmt::format("{}_format", what),
              fmt::format("{} is not the form of an {}", guild::quoted(text), what),
              "1 to 128 of printable ASCII without spaces and capitals, e.g. send_email:summary");
}

/// What has been taken of a limit and what would be, without overflow.
bool exceeds(Money limit, const Used& used, Money more) {
  const auto spent = used.settled.plus(used.held);
  const auto all = spent ? spent->plus(more) : spent;
  return !all || *all > limit;
}

/// The choice among matching grants, one at a time.
class Chooser {
 public:
  Chooser(std::string_view action, Instant now) : action_(action), now_(now) {}

  void look_at(const Grant& grant) {
    if (!matches(grant.pattern, action_)) return;
    if (has_expired(grant, now_)) {
      has_expired_ = has_expired_ || grant.effect != GrantEffect::deny;
      return;
    }
    if (grant.effect == GrantEffect::deny) is_denied_ = true;
    if (grant.effect == GrantEffect::ask) keep_closest(ask_, grant);
    if (grant.effect == GrantEffect::allow) keep_closest(allow_, grant);
  }

  std::expected<Choice, PermitRefusal> choice() const {
    if (is_denied_) return std::unexpected(PermitRefusal::denied);
    if (const Grant* const carrier = allow_ != nullptr ? allow_ : ask_; carrier != nullptr)
      return Choice{.carrier = carrier, .asks = ask_ != nullptr};
    return std::unexpected(has_expired_ ? PermitRefusal::expired
                                        : PermitRefusal::no_matching_grant);
  }

 private:
  void keep_closest(const Grant*& kept, const Grant& grant) const {
    if (kept == nullptr ||
        specificity(grant.pattern, action_) > specificity(kept->pattern, action_))
      kept = &grant;
  }

  std::string_view action_;
  Instant now_;
  bool is_denied_ = false, has_expired_ = false;
  const Grant* allow_ = nullptr;
  const Grant* ask_ = nullptr;
};

}  // namespace

bool is_guarded(std::string_view action_or_pattern) {
  std::string text(action_or_pattern);
  std::ranges::replace(text, '-', '_');
  std::ranges::replace(text, '.', '_');
  for (std::string_view rest = text;;) {
    if (is_guarded_part(rest)) return true;
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

Result<void> check_action(std::string_view action) {
  GUILD_CHECK(check_text("action", action));
  if (action.find('*') == std::string_view::npos) return {};
  return fail(ErrorKind::invalid, "action_format",
              fmt::format("{} is a pattern and no action", guild::quoted(action)),
              "name one action; `*` stands in grants only");
}

Result<void> check_pattern(std::string_view pattern) { return check_text("pattern", pattern); }

bool matches(std::string_view pattern, std::string_view action) {
  if (pattern == any || pattern == action) return true;
  if (pattern.ends_with(any_below))
    return is_below(pattern.substr(0, pattern.size() - any_below.size()), action);
  return is_bare(pattern) && is_below(pattern, action);
}

std::expected<Choice, PermitRefusal> choose(std::span<const Grant> grants, std::string_view action,
                                            Instant now) {
  if (is_guarded(action)) return std::unexpected(PermitRefusal::denied);
  Chooser chooser(action, now);
  for (const Grant& grant : grants) chooser.look_at(grant);
  return chooser.choice();
}

std::optional<PermitRefusal> find_refusal(const Choice& choice, const Used& used,
                                          const Demand& demand) {
  const Grant& grant = *choice.carrier;
  if (!grant.is_enabled) return PermitRefusal::disabled;
  if (grant.daily_limit && used.uses >= *grant.daily_limit)
    return PermitRefusal::daily_limit_reached;
  if (grant.spending_limit && exceeds(*grant.spending_limit, used, demand.max_cost))
    return PermitRefusal::spending_limit_reached;
  if (demand.max_cost > demand.available && demand.max_cost.is_positive())
    return PermitRefusal::insufficient_funds;
  if (choice.asks && !demand.is_approved) return PermitRefusal::approval_pending;
  return {};
}

Grant after_outcome(Grant grant, PermitOutcome outcome) {
  grant.errors = outcome == PermitOutcome::ok ? 0 : grant.errors + 1;
  // What was disabled stays so until a person grants it again.
  if (grant.errors >= errors_to_disable) grant.is_enabled = false;
  return grant;
}

}  // namespace guild::ledgerd
