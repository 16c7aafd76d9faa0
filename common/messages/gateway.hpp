// Bodies of the gateway's REST routes. Where the suite's own message has fields that a caller may
// not set (a credential) or need not (an id), the body has its own type, so that such a field is
// refused by name like any other unknown one. Replies are the suite's own messages.
#pragma once

#include <optional>
#include <string>

#include "common/messages/arena.hpp"
#include "common/messages/codec.hpp"
#include "common/messages/economy.hpp"
#include "common/messages/ledgerd.hpp"
#include "common/messages/scheduler.hpp"
#include "common/messages/suite.hpp"

namespace guild::messages {

/// POST /v1/bots → 201 BotCreated.
struct PostBot {
  Handle handle;
};
BOOST_DESCRIBE_STRUCT(PostBot, (), (handle))

/// POST /v1/bots/{handle}/revive → 200 BotCreated.
struct PostRevival {
  Money amount;
};
BOOST_DESCRIBE_STRUCT(PostRevival, (), (amount))

/// POST /v1/auth/token → 200 Token.
struct PostToken {
  Text<128> api_key, api_secret;
};
BOOST_DESCRIBE_STRUCT(PostToken, (), (api_key, api_secret))

/// POST /v1/markets → 201 MarketOpened. `market` as `id` of PostTransfer, but made up when both are
/// absent.
struct PostMarket {
  std::optional<Uuid> market;
  MarketKind kind{};
  Text<2'000> question;
  std::optional<Text<1'000>> answer;
  std::optional<Money> bounty;
  List<Text<64>, 32> outcomes;
  std::optional<Symbol> symbol;
  std::optional<Duration> deadline;
};
BOOST_DESCRIBE_STRUCT(PostMarket, (),
                      (market, kind, question, answer, bounty, outcomes, symbol, deadline))
GUILD_OPTIONAL_FIELDS(PostMarket, "question", "outcomes")

/// POST /v1/markets/{id}/answers → 200 AnswerReport. `id` as for PostTransfer; `bot` is for
/// operators, a bot answers for itself.
struct PostAnswer {
  std::optional<Uuid> id;
  std::optional<Handle> bot;
  Text<1'000> answer;
};
BOOST_DESCRIBE_STRUCT(PostAnswer, (), (id, bot, answer))

/// POST /v1/arena/action → 200 ActionTaken. `bot` is for operators.
struct PostAction {
  Uuid observation_id;
  ArenaMove action{};
  std::optional<ArenaDirection> direction;
  std::optional<Money> wager;
  std::optional<Symbol> symbol;
  Text<2'000> reasoning;
  std::optional<Handle> bot;
};
BOOST_DESCRIBE_STRUCT(PostAction, (),
                      (observation_id, action, direction, wager, symbol, reasoning, bot))
GUILD_OPTIONAL_FIELDS(PostAction, "reasoning")

/// POST /v1/transfers → 201 Receipt (200 when repeated). Without `id`, one is derived from the
/// Idempotency-Key header and the caller; one of the two is required.
struct PostTransfer {
  std::optional<Uuid> id;
  AccountName debit, credit;
  Money amount;
  Text<128> reference;
};
BOOST_DESCRIBE_STRUCT(PostTransfer, (), (id, debit, credit, amount, reference))
GUILD_OPTIONAL_FIELDS(PostTransfer, "reference")

/// POST /v1/tasks → 202 Task. `id` as for PostTransfer, but made up when both are absent.
struct PostTask {
  std::optional<Uuid> id;
  List<Text<4'000>, 256> command;
  Handle bot;
  Money cost;
  Range<0, 2, 2> priority;
  Text<1'024> directory;
  Duration timeout = std::chrono::minutes(30);
  Range<1'024, 1'073'741'824, 10'000'000> output_bytes_max;
  OrphanPolicy orphan = OrphanPolicy::fail;
  Text<64> trace;
};
BOOST_DESCRIBE_STRUCT(PostTask, (),
                      (id, command, bot, cost, priority, directory, timeout, output_bytes_max,
                       orphan, trace))
GUILD_OPTIONAL_FIELDS(PostTask, "bot", "cost", "priority", "directory", "timeout",
                      "output_bytes_max", "orphan", "trace")

/// GET /healthz → 200: the gateway's process answers. Says nothing else, as it needs no credential.
struct Alive {
  bool alive = true;
};
BOOST_DESCRIBE_STRUCT(Alive, (), (alive))

/// GET /readyz → 200 when all are ready, else 503.
struct Readiness {
  bool ready = false;
  List<Health, 16> daemons;  ///< One that did not answer has ready = false and state "unreachable".
};
BOOST_DESCRIBE_STRUCT(Readiness, (), (ready, daemons))

/// RFC 9457 problem document.
struct Problem {
  std::string type;  ///< "about:blank"
  std::string title;
  std::int64_t status = 500;
  std::optional<std::string> code, detail, next_step;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (type, title, status, code, detail, next_step))

}  // namespace guild::messages
