// Markets: opening and answering them, the oracle's prices, and wagers on them, as jobs of the
// journal: what is moved, what is kept of a market and the posts of it are one transaction. Where
// the money is escrow.hpp says, how it ends settling.hpp. Whoever asks is already known to be
// allowed to (authority.hpp). Limits: markets_open_max; economy::stakes_max in one market.
#pragma once

#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/market.hpp"
#include "ledgerd/journal.hpp"
#include "ledgerd/settling.hpp"
#include "ledgerd/store_economy.hpp"

namespace guild::ledgerd {

/// Codes: those of check_market; price_stale, markets_full, funds_short (the treasury), id_reused.
Result<messages::MarketOpened> open_market(Transaction& transaction,
                                           const economy::Constants& constants,
                                           const messages::OpenMarket& request);

/// The right answer gets its stake and the bounty, and the market ends; a wrong one loses the
/// stake. The market is open, and the bot can pay the stake. Ids of the postings follow from
/// `name`.
struct MarketAnswer {
  std::string name, bot;
  Uuid market;
  bool is_right = false;
  Money stake;
  std::string reference, win_reference;
};
Result<std::vector<Booked>> book_answer(Transaction& transaction, const MarketAnswer& answer);

/// A bot's answer outside a tick. Codes: bot_unknown, bot_dead, market_unknown, market_unfit,
/// funds_short, id_reused.
Result<messages::AnswerReport> answer_market(Transaction& transaction,
                                             const economy::Constants& constants,
                                             const messages::AnswerMarket& request);

/// Codes: market_unknown, market_closed, market_unfit.
Result<messages::Market> resolve_market(Transaction& transaction,
                                        const messages::ResolveMarket& request);

struct PriceTaken {
  messages::PricePosted posted;
  std::vector<Settled::Refused> refused;  ///< Wagers that could not be settled.
};
/// Codes: symbol_format, price_not_positive, price_time.
Result<PriceTaken> post_price(Transaction& transaction, const messages::PostPrice& request);

/// A price wager: the stake, and a fee that it carries, leave the bot; the stake and as much from
/// the treasury go to escrow/wagers. Both can pay. Answers the posting of the bot's side.
struct WagerOrder {
  std::string id;    ///< The tick's, or observation_reference.
  std::string name;  ///< Ids of the postings follow from it.
  std::string bot, symbol;
  economy::Direction direction{};
  Money stake, price, fee;
  std::string reference;
};
Result<Booked> place_wager(Transaction& transaction, const economy::Constants& constants,
                           const WagerOrder& order);
inline constexpr std::string_view observation_prefix = "OBS:";
/// `OBS:<observation>`, which is the id of no tick.
std::string observation_reference(const Uuid& observation);

/// The last price of the symbol, unless it is stale.
Result<std::optional<Money>> fresh_price(storage::Connection& file,
                                         const economy::Constants& constants,
                                         std::string_view symbol, Instant now);

std::unexpected<Error> funds_short(std::string_view account, Money available);
std::unexpected<Error> bot_unknown(std::string_view handle);
/// Codes: bot_unknown.
Result<BotRecord> bot_of(storage::Connection& file, std::string_view handle);
/// Codes: bot_unknown, bot_dead.
Result<BotRecord> live_bot(storage::Connection& file, std::string_view handle);
/// What an account can pay: its balance less open holds and its floor.
Money payable(const Book& book, AccountNumber account);
/// Codes: market_unknown.
Result<store::MarketRow> market_of(storage::Connection& file, const Uuid& id);
/// Empty when it has none.
std::string symbol_of(const messages::Market& market);
Result<void> tell(Transaction& transaction, messages::PostKind kind, std::string_view bot,
                  std::string_view text);
/// What a bot is told when it asks why it lost last.
Result<void> note_loss(Transaction& transaction, std::string_view bot, std::string_view reason);
}  // namespace guild::ledgerd
