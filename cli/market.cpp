// guild market open|list|show|resolve|answer and guild oracle post: what bots bet on, and the
// prices that it is settled by.
#include <memory>

#include <fmt/format.h>

#include "cli/nouns.hpp"
#include "cli/session.hpp"
#include "common/messages/economy.hpp"

namespace guild::cli {
namespace {

constexpr std::int64_t page_size = 100;

std::string_view describe_status(messages::MarketStatus status) {
  switch (status) {
    case messages::MarketStatus::OPEN:
      return "OPEN";
    case messages::MarketStatus::RESOLVED:
      return "RESOLVED";
    case messages::MarketStatus::REFUNDED:
      return "REFUNDED";
  }
  return "";
}

std::string_view describe_kind(messages::MarketKind kind) {
  switch (kind) {
    case messages::MarketKind::research:
      return "research";
    case messages::MarketKind::judged:
      return "judged";
    case messages::MarketKind::price:
      return "price";
  }
  return "";
}

struct OpenArguments {
  messages::MarketKind kind{};
  std::optional<Uuid> id;
  Text<2'000> question;
  std::optional<Text<1'000>> answer;
  std::optional<Amount> bounty;
  std::optional<Text<2'200>> outcomes;
  std::optional<messages::Symbol> symbol;
  std::optional<Duration> deadline;
};

/// "YES,NO"
messages::List<Text<64>, 32> split(std::string_view text) {
  messages::List<Text<64>, 32> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(std::string(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Result<Exit> open(Context& context, const OpenArguments& arguments) {
  messages::OpenMarket order;
  order.market = arguments.id.value_or(Uuid::make());
  order.kind = arguments.kind;
  order.question = arguments.question;
  order.answer = arguments.answer;
  if (arguments.bounty) order.bounty = arguments.bounty->money;
  if (arguments.outcomes) order.outcomes = split(arguments.outcomes->view());
  order.symbol = arguments.symbol;
  order.deadline = arguments.deadline;
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto opened, session.ask_until_answered<messages::MarketOpened>(
                                   "ledgerd/market-open", order, context.timeout_or(answer_limit)));
  context.out.line(context.json() ? messages::encode(opened)
                                  : fmt::format("market {} until {}", opened.market.text(),
                                                to_rfc3339(opened.deadline)));
  return Exit::ok;
}

Row row_of(const messages::Market& market) {
  const bool is_price = market.kind == messages::MarketKind::price;
  return {market.market.text(),
          std::string(describe_kind(market.kind)),
          std::string(describe_status(market.status)),
          market.bounty.text(),
          market.staked.text(),
          to_rfc3339(market.deadline),
          market.outcome ? market.outcome->value : market.winner.value_or("").value,
          is_price ? market.symbol.value_or("").value : market.question.value};
}

void show(Context& context, const std::vector<messages::Market>& markets) {
  std::vector<Row> rows;
  for (const messages::Market& market : markets) {
    if (context.json())
      context.out.line(messages::encode(market));
    else
      rows.push_back(row_of(market));
  }
  if (!context.json())
    context.out.table({{"MARKET"},
                       {"KIND"},
                       {"STATUS"},
                       {"BOUNTY", Align::right},
                       {"STAKED", Align::right},
                       {"DEADLINE"},
                       {"RESULT"},
                       {"ABOUT"}},
                      rows);
}

Result<Exit> list(Context& context, bool open_only) {
  GUILD_TRY(Session session, Session::open(context));
  messages::ListMarkets request{0, open_only, page_size};
  std::vector<messages::Market> markets;
  for (bool more = true; more;) {
    GUILD_TRY(const auto page,
              session.ask_until_answered<messages::MarketsPage>("ledgerd/market-list", request,
                                                                context.timeout_or(answer_limit)));
    markets.insert(markets.end(), page.markets.begin(), page.markets.end());
    more = page.more && !page.markets.empty();
    if (more) request.after = page.markets.back().number;
  }
  show(context, markets);
  return Exit::ok;
}

Result<Exit> show_one(Context& context, const Uuid& market) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto found, session.ask_until_answered<messages::Market>(
                                  "ledgerd/market-show", messages::GetMarket{market},
                                  context.timeout_or(answer_limit)));
  show(context, {found});
  return Exit::ok;
}

Result<Exit> resolve(Context& context, const messages::ResolveMarket& order) {
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto market,
            session.ask_until_answered<messages::Market>("ledgerd/market-resolve", order,
                                                         context.timeout_or(answer_limit)));
  show(context, {market});
  return Exit::ok;
}

struct AnswerArguments {
  messages::AnswerMarket order;
  std::optional<Uuid> id;
};

Result<Exit> answer(Context& context, const AnswerArguments& arguments) {
  messages::AnswerMarket order = arguments.order;
  order.id = arguments.id.value_or(Uuid::make());
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto report,
            session.ask_until_answered<messages::AnswerReport>("ledgerd/market-answer", order,
                                                               context.timeout_or(answer_limit)));
  if (context.json()) {
    context.out.line(messages::encode(report));
    return Exit::ok;
  }
  constexpr std::string_view outcomes[] = {"WIN", "MISS", "CLOSED"};
  context.out.line(fmt::format("{}, balance {}", outcomes[static_cast<std::size_t>(report.outcome)],
                               report.balance.text()));
  return Exit::ok;
}

Result<Exit> post(Context& context, const messages::PostPrice& order) {
  messages::PostPrice timed = order;
  // So that it means the same when it is sent again.
  if (!timed.time) timed.time = now();
  GUILD_TRY(Session session, Session::open(context));
  GUILD_TRY(const auto posted, session.ask<messages::PricePosted>(
                                   "ledgerd/oracle-post", timed, context.timeout_or(answer_limit)));
  context.out.line(context.json()
                       ? messages::encode(posted)
                       : fmt::format("{} {} at {}, {} wagers settled", posted.symbol.value,
                                     posted.price.text(), to_rfc3339(posted.time), posted.settled));
  return Exit::ok;
}

struct PriceArguments {
  messages::Symbol symbol;
  Money price;
  std::optional<Moment> at;
};

void add_open(Command& noun) {
  const auto opened = std::make_shared<OpenArguments>();
  noun.add("open", "open a market: research has an answer, judged has outcomes, price a symbol")
      .needs("--kind", "KIND", opened->kind, "research, judged or price")
      .option("--question", "TEXT", opened->question, "what is asked")
      .option("--answer", "TEXT", opened->answer, "of research; only its hash is kept")
      .option("--bounty", "AMOUNT", opened->bounty, "of research, from the treasury")
      .option("--outcomes", "A,B,...", opened->outcomes, "of judged, two or more")
      .option("--symbol", "SYMBOL", opened->symbol, "of price; it has a fresh price")
      .option("--deadline", "TIME", opened->deadline, "until it ends ([economy] default_deadline)")
      .option("--id", "ID", opened->id, "a UUID; the same one again opens nothing twice")
      .runs([opened](Context& context) { return open(context, *opened); });
}

void add_acts(Command& noun) {
  const auto resolved = std::make_shared<messages::ResolveMarket>();
  noun.add("resolve", "say how a judged market came out; it is paid at once")
      .takes("MARKET", resolved->market, "its id")
      .takes("OUTCOME", resolved->outcome, "one of its outcomes")
      .runs([resolved](Context& context) { return resolve(context, *resolved); });

  const auto answered = std::make_shared<AnswerArguments>();
  noun.add("answer", "answer a research market for a bot, for the stake")
      .takes("MARKET", answered->order.market, "its id")
      .takes("TEXT", answered->order.answer, "the answer")
      .needs("--bot", "HANDLE", answered->order.bot, "whose answer it is")
      .option("--id", "ID", answered->id, "a UUID; the same one again answers nothing twice")
      .runs([answered](Context& context) { return answer(context, *answered); });
}

}  // namespace

void add_market(Command& root) {
  Command& noun = root.add("market", "markets: what bots answer and bet on");
  add_open(noun);
  const auto open_only = std::make_shared<bool>(false);
  noun.add("list", "all markets, oldest first")
      .flag("--open", *open_only, "only those that are open")
      .runs([open_only](Context& context) { return list(context, *open_only); });
  const auto shown = std::make_shared<Uuid>();
  noun.add("show", "one market").takes("MARKET", *shown, "its id").runs([shown](Context& context) {
    return show_one(context, *shown);
  });
  add_acts(noun);
}

void add_oracle(Command& root) {
  Command& noun = root.add("oracle", "prices that markets and wagers are settled by");
  const auto posted = std::make_shared<PriceArguments>();
  noun.add("post", "post a price; wagers that wait for one are settled")
      .takes("SYMBOL", posted->symbol, "1 to 32 of A-Z a-z 0-9 - _ . /")
      .takes("PRICE", posted->price, "above 0, with at most 8 decimals")
      .option("--at", "TIME", posted->at, "RFC 3339, or so long ago; now when not given")
      .runs([posted](Context& context) {
        messages::PostPrice order{
            .symbol = posted->symbol, .price = posted->price, .time = {}, .credential = {}};
        if (posted->at) order.time = posted->at->at;
        return post(context, order);
      });
}

}  // namespace guild::cli
