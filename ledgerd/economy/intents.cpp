#include "ledgerd/economy/intents.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>

#include "common/base/text.hpp"
#include "common/messages/json.hpp"

namespace guild::ledgerd::economy {
namespace {

using messages::json::Kind;
using messages::json::Node;

constexpr std::size_t answer_size_max = 1'000, outcome_size_max = 64, symbol_size_max = 32,
                      error_size_max = 24;

std::unexpected<Error> wrong(std::string code, const std::string& place, std::string_view what) {
  return fail(ErrorKind::invalid, std::move(code), fmt::format("intents.{}: {}", place, what),
              "docs/operations.md shows what intents look like");
}

/// The members of one object: each is read by its name, and what nobody read is refused.
class Members {
 public:
  static Result<Members> of(const Node& node, std::string place) {
    if (node.kind != Kind::object) return wrong("field_type", place, "an object is expected");
    return Members(node, std::move(place));
  }

  Result<void> allow(std::span<const std::string_view> known) const {
    for (const Node& member : node_->children())
      if (std::ranges::find(known, member.key) == known.end())
        return wrong("field_unknown", place_of(member.key),
                     fmt::format("it is not known; known are {}", fmt::join(known, ", ")));
    return {};
  }
  /// Null when it is absent or null.
  const Node* find(std::string_view name) const {
    for (const Node& member : node_->children())
      if (member.key == name && member.kind != Kind::null) return &member;
    return nullptr;
  }
  Result<std::string> text(std::string_view name, std::size_t size_max) const {
    const Node* const found = find(name);
    if (found == nullptr) return wrong("field_missing", place_of(name), "it is missing");
    if (found->kind != Kind::text) return wrong("field_type", place_of(name), "text is expected");
    if (found->text.size() > size_max)
      return wrong("field_too_long", place_of(name), fmt::format("over {} bytes", size_max));
    return std::string(found->text);
  }
  std::string place_of(std::string_view name) const {
    return place_.empty() ? std::string(name) : fmt::format("{}.{}", place_, name);
  }

 private:
  Members(const Node& node, std::string place) : node_(&node), place_(std::move(place)) {}
  const Node* node_;
  std::string place_;
};

Result<Uuid> read_market(const Members& members) {
  GUILD_TRY(const std::string text, members.text("market", 36));
  const auto market = Uuid::parse(text);
  if (!market)
    return wrong("field_value", members.place_of("market"), "it is not the id of a market");
  return *market;
}

Result<Lookup> read_lookup(const Members& members) {
  if (members.find("lookup") == nullptr) return Lookup::none;
  GUILD_TRY(const std::string text, members.text("lookup", 8));
  if (text == "none") return Lookup::none;
  if (text == "hit") return Lookup::hit;
  if (text == "miss") return Lookup::miss;
  return wrong("field_value", members.place_of("lookup"), "hit, miss or none is expected");
}

Result<ResearchIntent> read_research(const Node& node) {
  static constexpr std::string_view known[] = {"market", "answer", "lookup"};
  GUILD_TRY(const Members members, Members::of(node, "research"));
  GUILD_CHECK(members.allow(known));
  ResearchIntent research;
  GUILD_TRY(research.market, read_market(members));
  GUILD_TRY(research.answer, members.text("answer", answer_size_max));
  GUILD_TRY(research.lookup, read_lookup(members));
  return research;
}

/// A number as it was written, or a decimal in quotes.
Result<std::int64_t> read_confidence(const Members& members) {
  const Node* const found = members.find("confidence");
  const std::string place = members.place_of("confidence");
  if (found == nullptr) return wrong("field_missing", place, "it is missing");
  std::string text(found->text);
  if (found->kind == Kind::integer) text = std::to_string(found->integer);
  const bool is_number = found->kind == Kind::integer || found->kind == Kind::other_number ||
                         found->kind == Kind::text;
  if (!is_number) return wrong("field_type", place, "a decimal is expected");
  const auto confidence = economy::read_confidence(text);
  if (!confidence)
    return wrong("field_range", place, "a decimal from 0 to 1 of at most four places is expected");
  return *confidence;
}

Result<BetIntent> read_bet(const Node& node, std::size_t index) {
  static constexpr std::string_view known[] = {"market", "outcome", "confidence"};
  GUILD_TRY(const Members members, Members::of(node, fmt::format("bets[{}]", index)));
  GUILD_CHECK(members.allow(known));
  BetIntent bet;
  GUILD_TRY(bet.market, read_market(members));
  GUILD_TRY(bet.outcome, members.text("outcome", outcome_size_max));
  GUILD_TRY(bet.confidence, read_confidence(members));
  return bet;
}

Result<std::vector<BetIntent>> read_bets(const Node& node) {
  if (node.kind != Kind::array) return wrong("field_type", "bets", "a list is expected");
  if (node.size > bets_read_max)
    return wrong("field_too_long", "bets", fmt::format("over {} bets", bets_read_max));
  std::vector<BetIntent> bets;
  for (const Node& bet : node.children()) {
    GUILD_TRY(bets.emplace_back(), read_bet(bet, bets.size()));
  }
  return bets;
}

Result<WagerIntent> read_wager(const Node& node) {
  static constexpr std::string_view known[] = {"symbol", "direction", "amount"};
  GUILD_TRY(const Members members, Members::of(node, "wager"));
  GUILD_CHECK(members.allow(known));
  WagerIntent wager;
  GUILD_TRY(wager.symbol, members.text("symbol", symbol_size_max));
  GUILD_TRY(const std::string direction, members.text("direction", 8));
  if (direction != "UP" && direction != "DOWN")
    return wrong("field_value", "wager.direction", "UP or DOWN is expected");
  wager.direction = direction == "UP" ? Direction::up : Direction::down;
  GUILD_TRY(const std::string amount, members.text("amount", 32));
  const auto money = Money::parse(amount);
  if (!money) return wrong("field_value", "wager.amount", money.error().message);
  wager.amount = *money;
  return wager;
}

Result<std::string> read_error(const Members& members) {
  constexpr std::string_view allowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  GUILD_TRY(std::string kind, members.text("error", error_size_max));
  if (kind.empty() || kind.find_first_not_of(allowed) != std::string::npos)
    return wrong("field_value", "error", "1 to 24 of A-Z a-z 0-9 _ - are expected");
  return kind;
}

}  // namespace

std::optional<std::int64_t> read_confidence(std::string_view text) {
  const auto decimal = Money::parse(text);
  if (!decimal || decimal->is_negative() || decimal->units() > Money::units_per_one) return {};
  constexpr std::int64_t step = Money::units_per_one / confidence_one;
  if (decimal->units() % step != 0) return {};
  return decimal->units() / step;
}

Result<Intents> read_intents(std::string_view json) {
  static constexpr std::string_view known[] = {"research", "bets", "wager", "error"};
  GUILD_TRY(const auto document, messages::json::Document::parse(json));
  GUILD_TRY(const Members members, Members::of(document.root(), ""));
  GUILD_CHECK(members.allow(known));
  Intents intents;
  if (const Node* const node = members.find("research")) {
    GUILD_TRY(intents.research, read_research(*node));
  }
  if (const Node* const node = members.find("bets")) {
    GUILD_TRY(intents.bets, read_bets(*node));
  }
  if (const Node* const node = members.find("wager")) {
    GUILD_TRY(intents.wager, read_wager(*node));
  }
  if (members.find("error") == nullptr) return intents;
  GUILD_TRY(intents.error, read_error(members));
  if (intents.research || intents.wager || !intents.bets.empty())
    return wrong("field_value", "error", "a decision that failed has no other intent");
  return intents;
}

}  // namespace guild::ledgerd::economy
