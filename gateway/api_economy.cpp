// The routes of the economy and of the arena.
#include "common/messages/gateway.hpp"
#include "gateway/api_parts.hpp"
#include "gateway/query.hpp"

namespace guild::gateway {

Api::Answer Api::get_insights(const Request& request, const Caller& caller) {
  if (auto none = check_no_query(request); !none) co_return fail(std::move(none).error());
  const std::string& handle = request.segments[2];
  if (!caller.is_operator && caller.bot != handle) co_return not_yours("another bot");
  const messages::GetBot question{.handle = handle};
  co_return co_await pass_on<messages::Insights>("ledgerd/insights", question);
}

Api::Answer Api::get_feed(const Request& request, const Caller&) {
  const auto query = read_list_feed(request);
  if (!query) co_return fail(query.error());
  co_return co_await pass_on<messages::FeedPage>("ledgerd/feed", *query);
}

Api::Answer Api::get_markets(const Request& request, const Caller&) {
  const auto query = read_list_markets(request);
  if (!query) co_return fail(query.error());
  co_return co_await pass_on<messages::MarketsPage>("ledgerd/market-list", *query);
}

Api::Answer Api::post_markets(const Request& request, const Caller& caller) {
  const auto body = read_body<messages::PostMarket>(request);
  if (!body) co_return fail(body.error());
  const auto id = given_id(request, caller, body->market, "market");
  if (!id) co_return fail(id.error());
  const messages::OpenMarket command{.market = id->value_or(Uuid::make()),
                                     .kind = body->kind,
                                     .question = body->question,
                                     .answer = body->answer,
                                     .bounty = body->bounty,
                                     .outcomes = body->outcomes,
                                     .symbol = body->symbol,
                                     .deadline = body->deadline,
                                     .credential = caller.credential};
  auto answer = co_await pass_on<messages::MarketOpened>("ledgerd/market-open", command, 201);
  if (answer) answer->headers.emplace_back("Location", "/v1/markets/" + command.market.text());
  co_return answer;
}

Api::Answer Api::get_market(const Request& request, const Caller&) {
  const auto id = id_in_path(request, "market");
  if (!id) co_return fail(id.error());
  const messages::GetMarket question{.market = *id};
  co_return co_await pass_on<messages::Market>("ledgerd/market-show", question);
}

Api::Answer Api::post_market_answer(const Request& request, const Caller& caller) {
  const auto market = id_in_path(request, "market");
  if (!market) co_return fail(market.error());
  const auto body = read_body<messages::PostAnswer>(request);
  if (!body) co_return fail(body.error());
  const auto id = given_id(request, caller, body->id, "answer");
  if (!id) co_return fail(id.error());
  if (!*id)
    co_return fail(
        ErrorKind::invalid, "field_missing", "an answer needs an id",
        "send a UUID as \"id\", or an Idempotency-Key header; send the same again to retry");
  if (caller.is_operator && !body->bot)
    co_return fail(ErrorKind::invalid, "field_missing", "it is not said which bot answers",
                   "name it as \"bot\"");
  const messages::AnswerMarket command{.id = id->value_or(Uuid()),
                                       .market = *market,
                                       .bot = body->bot.value_or(messages::Handle(caller.bot)),
                                       .answer = body->answer,
                                       .credential = caller.credential};
  co_return co_await pass_on<messages::AnswerReport>("ledgerd/market-answer", command);
}

Api::Answer Api::get_viability(const Request& request, const Caller&) {
  if (auto none = check_no_query(request); !none) co_return fail(std::move(none).error());
  const messages::Nothing nothing;
  co_return co_await pass_on<messages::Viability>("ledgerd/viability", nothing);
}

Api::Answer Api::get_observation(const Request& request, const Caller& caller) {
  auto query = read_observe(request);
  if (!query) co_return fail(query.error());
  query->credential = caller.credential;
  auto answer = co_await pass_on<messages::Observation>("ledgerd/arena-observe", *query);
  if (answer) answer->headers.emplace_back("Cache-Control", "no-store");
  co_return answer;
}

Api::Answer Api::post_action(const Request& request, const Caller& caller) {
  const auto body = read_answer<messages::PostAction>(request);
  if (!body) co_return fail(body.error());
  const messages::TakeAction command{.observation_id = body->observation_id,
                                     .action = body->action,
                                     .direction = body->direction,
                                     .wager = body->wager,
                                     .symbol = body->symbol,
                                     .reasoning = body->reasoning,
                                     .bot = body->bot,
                                     .credential = caller.credential};
  co_return co_await pass_on<messages::ActionTaken>("ledgerd/arena-act", command);
}

}  // namespace guild::gateway
