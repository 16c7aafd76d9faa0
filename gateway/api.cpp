#include "gateway/api.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/messages/authority.hpp"
#include "common/messages/gateway.hpp"
#include "gateway/api_parts.hpp"
#include "gateway/metrics_page.hpp"
#include "gateway/query.hpp"

namespace guild::gateway {

namespace asio = boost::asio;

/// bearers: a credential is there, and the owner of the data verifies it alone.
enum class For { anybody, bearers, callers, operators };

struct Api::Route {
  std::string_view method;
  std::vector<std::string_view> path;  ///< "{}" takes any one segment.
  For callers;
  Answer (Api::*answer)(const Request&, const Caller&);
};

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> table = {
      {"GET", {"healthz"}, For::anybody, &Api::get_healthz},
      {"GET", {"readyz"}, For::callers, &Api::get_readyz},
      {"GET", {"metrics"}, For::operators, &Api::get_metrics},
      {"GET", {"v1", "bots"}, For::operators, &Api::get_bots},
      {"POST", {"v1", "bots"}, For::operators, &Api::post_bots},
      {"GET", {"v1", "bots", "{}"}, For::callers, &Api::get_bot},
      {"DELETE", {"v1", "bots", "{}"}, For::operators, &Api::delete_bot},
      {"POST", {"v1", "bots", "{}", "revive"}, For::operators, &Api::post_revival},
      {"GET", {"v1", "bots", "{}", "insights"}, For::callers, &Api::get_insights},
      {"POST", {"v1", "auth", "token"}, For::anybody, &Api::post_token},
      {"GET", {"v1", "feed"}, For::callers, &Api::get_feed},
      {"GET", {"v1", "markets"}, For::callers, &Api::get_markets},
      {"POST", {"v1", "markets"}, For::operators, &Api::post_markets},
      {"GET", {"v1", "markets", "{}"}, For::callers, &Api::get_market},
      {"POST", {"v1", "markets", "{}", "answers"}, For::callers, &Api::post_market_answer},
      {"GET", {"v1", "viability"}, For::callers, &Api::get_viability},
      {"GET", {"v1", "arena", "observation"}, For::bearers, &Api::get_observation},
      {"POST", {"v1", "arena", "action"}, For::bearers, &Api::post_action},
      {"POST", {"v1", "transfers"}, For::callers, &Api::post_transfers},
      {"GET", {"v1", "tasks"}, For::callers, &Api::get_tasks},
      {"POST", {"v1", "tasks"}, For::operators, &Api::post_tasks},
      {"GET", {"v1", "tasks", "{}"}, For::callers, &Api::get_task},
      {"DELETE", {"v1", "tasks", "{}"}, For::operators, &Api::delete_task},
      {"GET", {"v1", "tasks", "{}", "output"}, For::callers, &Api::get_task_output},
      {"GET", {"v1", "logs"}, For::operators, &Api::get_logs},
  };
  return table;
}

namespace {

bool same_path(const std::vector<std::string_view>& path,
               const std::vector<std::string>& segments) {
  return std::ranges::equal(path, segments,
                            [](std::string_view expected, const std::string& segment) {
                              return expected == "{}" ? !segment.empty() : expected == segment;
                            });
}

Result<Uuid> task_id(const Request& request) { return id_in_path(request, "task"); }

}  // namespace

Api::Api(host::Host& host, std::array<std::uint8_t, 32> operator_token_hash)
    : host_(host), operator_token_hash_(operator_token_hash) {}

asio::awaitable<Response> Api::handle(Request request) {
  ++counters_.requests;
  Result<Response> answer = co_await respond(request);
  if (answer) co_return std::move(*answer);
  const Error& error = answer.error();
  Response response = problem(error);
  if (response.status >= 500) {
    ++counters_.failed;
    GUILD_LOG(error, "api", "{} {}: {}", request.method, fmt::join(request.segments, "/"),
              error.text());
  } else {
    ++counters_.refused;
    GUILD_LOG(debug, "api", "{} {}: {}", request.method, fmt::join(request.segments, "/"),
              error.text());
  }
  co_return response;
}

Result<const Api::Route*> Api::find_route(const Request& request) const {
  std::string allowed;
  for (const Route& route : routes()) {
    if (!same_path(route.path, request.segments)) continue;
    if (route.method == request.method) return &route;
    allowed.append(allowed.empty() ? "" : ", ").append(route.method);
  }
  if (allowed.empty())
    return fail(ErrorKind::not_found, "route_unknown", "there is nothing at this path");
  return fail(ErrorKind::invalid, "method_not_allowed", "this path takes " + allowed);
}

Api::Answer Api::respond(const Request& request) {
  if (auto source = check_source(request, allowed_); !source)
    co_return fail(std::move(source).error());
  const auto route = find_route(request);
  Caller caller;
  if (route && (*route)->callers == For::bearers) {
    auto credential = read_credential(request);
    if (!credential) co_return fail(std::move(credential).error());
    caller.credential = std::move(*credential);
  } else if (!route || (*route)->callers != For::anybody) {
    // An unknown path also wants a credential first: what exists is not everybody's business.
    auto identified = co_await identify(request);
    if (!identified) co_return fail(std::move(identified).error());
    caller = std::move(*identified);
  }
  if (!route) co_return fail(route.error());
  if ((*route)->callers == For::operators && !caller.is_operator)
    co_return fail(ErrorKind::denied, "not_permitted", "this route is for operators");
  co_return co_await (this->*(*route)->answer)(request, caller);
}

asio::awaitable<Result<Caller>> Api::identify(const Request& request) {
  auto credential = read_credential(request);
  if (!credential) co_return fail(std::move(credential).error());
  Caller caller{.credential = std::move(*credential), .is_operator = false, .bot = {}};
  if (const auto& token = caller.credential.operator_token) {
    caller.is_operator =
        equal_in_constant_time(sha256(as_bytes(token->view())), operator_token_hash_);
    if (!caller.is_operator)
      co_return fail(ErrorKind::denied, "credentials_invalid", "the credential is not valid");
    co_return caller;
  }
  const messages::Authenticate question{.credential = caller.credential};
  const auto known = co_await ask<messages::Authenticated>("ledgerd/authenticate", question);
  if (!known) co_return fail(known.error());
  if (!known->bot)
    co_return fail(ErrorKind::denied, "credentials_invalid", "the credential is not valid");
  caller.bot = known->bot.value_or(messages::Handle()).value;
  co_return caller;
}

asio::awaitable<Result<std::string>> Api::ask_raw(std::string served_name, std::string payload,
                                                  Duration deadline) {
  // The reply comes on the loop thread that runs this coroutine; the handler is resumed from there.
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&,
                                          void(Result<std::string>)>(
      [this, &served_name, &payload, deadline](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto sent = host_.bus().request(
            served_name, payload, deadline,
            [shared](Result<std::string> reply) { (*shared)(std::move(reply)); });
        if (!sent) {
          // Not from inside the initiation: the coroutine is not suspended yet.
          host_.post(
              [shared, error = sent.error()] { (*shared)(Result<std::string>(fail(error))); });
        }
      },
      asio::use_awaitable);
}

Api::Answer Api::get_healthz(const Request&, const Caller&) { co_return json(messages::Alive{}); }

Api::Answer Api::get_readyz(const Request& request, const Caller&) {
  if (auto none = check_no_query(request); !none) co_return fail(std::move(none).error());
  messages::Readiness readiness{.ready = true, .daemons = {}};
  const messages::Nothing nothing;
  for (const std::string_view daemon : host::daemon_names) {
    const std::string served_name = std::string(daemon) + "/health";
    auto health = co_await ask<messages::Health>(served_name, nothing);
    messages::Health shown = health ? std::move(*health) : messages::Health{};
    if (!health) {
      shown.daemon = daemon;
      shown.state = "unreachable";
    }
    readiness.ready = readiness.ready && shown.ready;
    readiness.daemons.push_back(std::move(shown));
  }
  co_return json(readiness, readiness.ready ? 200 : 503);
}

Api::Answer Api::get_metrics(const Request& request, const Caller&) {
  if (auto none = check_no_query(request); !none) co_return fail(std::move(none).error());
  std::vector<std::pair<std::string, std::string>> pages;
  for (const std::string_view daemon : host::daemon_names) {
    // A daemon that is away leaves its part out, and says so in `guild_up`.
    auto page = co_await ask_raw(std::string(daemon) + "/metrics", "{}", std::chrono::seconds(2));
    pages.emplace_back(
        daemon, "# HELP guild_up Whether the daemon answered.\n# TYPE guild_up gauge\nguild_up " +
                    std::string(page ? "1\n" : "0\n") + (page ? *page : ""));
  }
  co_return Response{.status = 200,
                     .content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = merge_metrics(pages),
                     .headers = {}};
}

Api::Answer Api::get_bots(const Request& request, const Caller&) {
  const auto query = read_list_bots(request);
  if (!query) co_return fail(query.error());
  co_return co_await pass_on<messages::BotsPage>("ledgerd/bot-list", *query);
}

Api::Answer Api::post_bots(const Request& request, const Caller& caller) {
  const auto body = read_body<messages::PostBot>(request);
  if (!body) co_return fail(body.error());
  const messages::CreateBot command{.handle = body->handle, .credential = caller.credential};
  const auto created = co_await ask<messages::BotCreated>("ledgerd/bot-create", command);
  if (!created) co_return fail(created.error());
  Response response = json(*created, 201);
  response.headers.emplace_back("Location", "/v1/bots/" + created->handle.value);
  // It holds the secret that is shown this once.
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

Api::Answer Api::get_bot(const Request& request, const Caller& caller) {
  const std::string& handle = request.segments[2];
  if (!caller.is_operator && caller.bot != handle) co_return not_yours("another bot");
  const messages::GetBot question{.handle = handle};
  co_return co_await pass_on<messages::Bot>("ledgerd/bot-show", question);
}

Api::Answer Api::delete_bot(const Request& request, const Caller& caller) {
  if (auto none = check_no_query(request); !none) co_return fail(std::move(none).error());
  const messages::ChangeBot command{.handle = request.segments[2], .credential = caller.credential};
  co_return co_await pass_on<messages::Bot>("ledgerd/bot-retire", command);
}

Api::Answer Api::post_revival(const Request& request, const Caller& caller) {
  const auto body = read_body<messages::PostRevival>(request);
  if (!body) co_return fail(body.error());
  const messages::ReviveBot command{
      .handle = request.segments[2], .amount = body->amount, .credential = caller.credential};
  auto answer = co_await pass_on<messages::BotCreated>("ledgerd/bot-revive", command);
  if (answer) answer->headers.emplace_back("Cache-Control", "no-store");
  co_return answer;
}

Api::Answer Api::post_token(const Request& request, const Caller&) {
  const auto body = read_body<messages::PostToken>(request);
  if (!body) co_return fail(body.error());
  const messages::GetToken question{.credential = {.operator_token = {},
                                                   .api_key = body->api_key,
                                                   .api_secret = body->api_secret}};
  auto answer = co_await pass_on<messages::Token>("ledgerd/token", question);
  if (answer) answer->headers.emplace_back("Cache-Control", "no-store");
  co_return answer;
}

Api::Answer Api::post_transfers(const Request& request, const Caller& caller) {
  const auto body = read_body<messages::PostTransfer>(request);
  if (!body) co_return fail(body.error());
  const auto id = given_id(request, caller, body->id, "transfer");
  if (!id) co_return fail(id.error());
  if (!*id) {
    co_return fail(
        ErrorKind::invalid, "field_missing", "a transfer needs an id",
        "send a UUID as \"id\", or an Idempotency-Key header; send the same again to retry");
  }
  const messages::CreateTransfer command{.id = id->value_or(Uuid()),
                                         .debit = body->debit,
                                         .credit = body->credit,
                                         .amount = body->amount,
                                         .reference = body->reference,
                                         .credential = caller.credential};
  const auto receipt = co_await ask<messages::Receipt>("ledgerd/transfer", command);
  if (!receipt) co_return fail(receipt.error());
  co_return json(*receipt, receipt->repeated ? 200 : 201);
}

Api::Answer Api::get_tasks(const Request& request, const Caller& caller) {
  auto query = read_list_tasks(request);
  if (!query) co_return fail(query.error());
  if (!caller.is_operator) {
    if (query->bot.value_or(messages::Handle(caller.bot)).value != caller.bot)
      co_return not_yours("another bot's tasks");
    query->bot = caller.bot;
  }
  const auto page = co_await ask<messages::TasksPage>("scheduler/list", *query);
  if (!page) co_return fail(page.error());
  co_return json(*page);
}

Api::Answer Api::post_tasks(const Request& request, const Caller& caller) {
  const auto body = read_body<messages::PostTask>(request);
  if (!body) co_return fail(body.error());
  const auto id = given_id(request, caller, body->id, "task");
  if (!id) co_return fail(id.error());
  const messages::SubmitTask command{.id = id->value_or(Uuid::make()),
                                     .command = body->command,
                                     .bot = body->bot,
                                     .cost = body->cost,
                                     .priority = body->priority,
                                     .directory = body->directory,
                                     .timeout = body->timeout,
                                     .output_bytes_max = body->output_bytes_max,
                                     .orphan = body->orphan,
                                     .trace = body->trace,
                                     .credential = caller.credential};
  const auto task = co_await ask<messages::Task>("scheduler/submit", command);
  if (!task) co_return fail(task.error());
  Response response = json(*task, 202);
  response.headers.emplace_back("Location", "/v1/tasks/" + task->id.text());
  co_return response;
}

Api::Answer Api::get_task(const Request& request, const Caller& caller) {
  const auto id = task_id(request);
  if (!id) co_return fail(id.error());
  const messages::GetTask question{.id = *id};
  const auto task = co_await ask<messages::Task>("scheduler/show", question);
  if (!task) co_return fail(task.error());
  if (!caller.is_operator && task->bot.value != caller.bot)
    co_return not_yours("another bot's task");
  co_return json(*task);
}

Api::Answer Api::delete_task(const Request& request, const Caller& caller) {
  const auto id = task_id(request);
  if (!id) co_return fail(id.error());
  const messages::CancelTask command{
      .id = *id, .reason = "cancelled over HTTP", .credential = caller.credential};
  const auto task = co_await ask<messages::Task>("scheduler/cancel", command);
  if (!task) co_return fail(task.error());
  co_return json(*task);
}

Api::Answer Api::get_task_output(const Request& request, const Caller& caller) {
  const auto id = task_id(request);
  if (!id) co_return fail(id.error());
  const auto query = read_task_output(request, *id);
  if (!query) co_return fail(query.error());
  if (!caller.is_operator) {
    const messages::GetTask question{.id = *id};
    const auto task = co_await ask<messages::Task>("scheduler/show", question);
    if (!task) co_return fail(task.error());
    if (task->bot.value != caller.bot) co_return not_yours("another bot's task");
  }
  const auto output = co_await ask<messages::TaskOutput>("scheduler/logs", *query);
  if (!output) co_return fail(output.error());
  co_return json(*output);
}

Api::Answer Api::get_logs(const Request& request, const Caller&) {
  const auto query = read_logs_query(request, now());
  if (!query) co_return fail(query.error());
  const auto page = co_await ask<messages::LogsPage>("logconsumer/query", *query);
  if (!page) co_return fail(page.error());
  co_return json(*page);
}

}  // namespace guild::gateway
