// The served verbs of the arena (common/messages/arena.hpp): who asks, and for which bot, is
// decided here; what an observation shows is read on the reader's connection, what is done is a
// job.
#include <fmt/format.h>

#include "common/log/log.hpp"
#include "ledgerd/arena.hpp"
#include "ledgerd/markets.hpp"
#include "ledgerd/service.hpp"

namespace guild::ledgerd {
namespace {

std::unexpected<Error> not_for_another(const Principal& principal, std::string_view bot) {
  return fail(ErrorKind::denied, "not_permitted",
              fmt::format("{} may not act for {}", name_of(principal), bot_account(bot)),
              "a bot acts for itself");
}

}  // namespace

Result<std::string> Service::identify_player(const std::string& sender,
                                             const std::optional<messages::Credential>& credential,
                                             const std::optional<messages::Handle>& bot) {
  // Of the dead no key opens anything; who shows one is told why.
  if (const std::string dead = credential ? credentials_.dead_with(*credential, now()) : "";
      !dead.empty())
    return player_dead(dead);
  GUILD_TRY(const Principal principal, driver_or_bot_of(sender, credential, credentials_, now()));
  if (!principal.is_operator) {
    if (bot && bot->view() != principal.bot) return not_for_another(principal, bot->view());
    return principal.bot;
  }
  if (bot) return bot->value;
  return fail(ErrorKind::invalid, "bot_missing", "it is not said for which bot",
              "name it as \"bot\"");
}

void Service::observe(const messages::Observe& request,
                      const host::Answer<messages::Observation>& answer) {
  const auto handle = identify_player(answer.sender(), request.credential, request.bot);
  if (!handle) return refuse(answer, handle.error());
  const BotRecord* const bot = view_.find_bot(*handle);
  if (bot == nullptr) return refuse(answer, bot_unknown(*handle).error());
  if (bot->status == BotStatus::DEAD) return refuse(answer, player_dead(*handle).error());
  const auto mine = std::make_shared<host::Answer<messages::Observation>>(answer);
  const auto submitted = reader_.submit(
      [this, bot = *handle, mine](storage::Connection& file, const std::stop_token&) {
        auto found = read_observation(file, constants_, bot, now());
        host_.post([this, answer = std::move(*mine), found = std::move(found)]() mutable {
          if (!found) return refuse(answer, found.error());
          show(*std::move(found), answer);
        });
      });
  if (!submitted) refuse(answer, submitted.error());
}

void Service::show(messages::Observation observation,
                   const host::Answer<messages::Observation>& answer) {
  observation.observation_id = Uuid::make();
  observation.server_time = now();
  observation.expires_at = observation.server_time + constants_.observation_valid;
  if (const auto account = view_.find(bot_account(observation.bot.view()))) {
    observation.balance = account->balance;
    observation.available = account->available();
  }
  observations_.add(observation.observation_id, observation.bot.view(), observation.expires_at);
  answer(observation);
}

void Service::act_in_arena(const messages::TakeAction& request,
                           const host::Answer<messages::ActionTaken>& answer) {
  const auto bot = identify_player(answer.sender(), request.credential, request.bot);
  if (!bot) return refuse(answer, bot.error());
  ArenaTurn turn{.bot = *bot,
                 .ticket = observations_.look_up(request.observation_id, *bot, now()),
                 .request = request};
  turn.request.credential.reset();
  if (turn.ticket == economy::Ticket::foreign) return refuse(answer, observation_foreign().error());
  if (const auto is_right = check_action_form(request); !is_right)
    return refuse(answer, is_right.error());
  act<messages::ActionTaken>(
      [this, turn = std::move(turn)](Transaction& transaction) {
        return take_action(transaction, constants_, turn);
      },
      answer);
}

}  // namespace guild::ledgerd
