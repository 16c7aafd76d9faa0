// The verbs on bots' lives: an operator's alone. Keys and secrets are in the one answer that shows
// them, and in no log.
#include <fmt/format.h>

#include <algorithm>

#include "common/log/log.hpp"
#include "ledgerd/bots.hpp"
#include "ledgerd/service.hpp"

namespace guild::ledgerd {
namespace {

/// `alice-2` is ALICE_2 as a variable's name has it.
std::string variable_name(std::string_view handle) {
  std::string name(handle);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return name;
}

/// A key of the file with its bot; without one nothing is set.
struct KeyOrder {
  Text<64> name;
  messages::KeySync verdict{};
  std::optional<CredentialRecord> record;
};

}  // namespace

Result<Asker> Service::identify_operator(const std::string& sender,
                                         const std::optional<messages::Credential>& credential,
                                         std::string_view what) {
  GUILD_TRY(const Principal principal, identify(sender, credential));
  GUILD_CHECK(may_govern(principal, what));
  return Asker{.sender = sender, .principal = name_of(principal)};
}

void Service::take_change(std::string_view handle, BotStatus status,
                          const std::optional<CredentialRecord>& record) {
  const BotRecord* const known = view_.find_bot(handle);
  if (known == nullptr) return;
  BotRecord bot = *known;
  bot.status = status;
  view_.add_bot(std::move(bot));
  if (status == BotStatus::DEAD) return credentials_.bury(handle);
  credentials_.remove_all_of(handle);
  if (record) credentials_.add(*record);
}

void Service::renew(std::string_view handle, BotStatus status, const GiveCredential& give,
                    const host::Answer<messages::BotCreated>& answer) {
  const auto credential = std::make_shared<const NewCredential>(credentials_.make(handle, now()));
  const auto work = [this, credential, status,
                     give](Transaction& transaction) -> Result<messages::BotCreated> {
    GUILD_CHECK(give(transaction, *credential));
    const std::string& bot = credential->record.handle;
    transaction.after_commit([this, credential, status] {
      host_.post([this, credential, status] {
        take_change(credential->record.handle, status, credential->record);
      });
    });
    const Accounts& accounts = transaction.state().accounts();
    return messages::BotCreated{
        .handle = bot,
        .balance = accounts.at(accounts.find(bot_account(bot))).state.balance,
        .api_key = credential->api_key,
        .api_secret = credential->api_secret};
  };
  run<messages::BotCreated>(work, answer);
}

void Service::rotate_bot(const messages::ChangeBot& request,
                         const host::Answer<messages::BotCreated>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "rotate keys");
  if (!asker) return refuse(answer, asker.error());
  renew(
      request.handle.view(), BotStatus::ALIVE,
      [asker = *asker](Transaction& transaction, const NewCredential& credential) {
        return ledgerd::rotate_bot(transaction, credential, asker);
      },
      answer);
}

void Service::revive_bot(const messages::ReviveBot& request,
                         const host::Answer<messages::BotCreated>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "revive bots");
  if (!asker) return refuse(answer, asker.error());
  renew(
      request.handle.view(), BotStatus::ALIVE,
      [asker = *asker, amount = request.amount](Transaction& transaction,
                                                const NewCredential& credential) {
        return ledgerd::revive_bot(transaction, credential, amount, asker);
      },
      answer);
}

void Service::end_bot(const messages::ChangeBot& request, EndBot end,
                      const host::Answer<messages::Bot>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "end bots");
  if (!asker) return refuse(answer, asker.error());
  const std::string handle = request.handle;
  auto work = [this, end, handle, asker = *asker](Transaction& transaction) -> Result<void> {
    GUILD_CHECK(end(transaction, handle, asker));
    transaction.after_commit([this, handle] {
      host_.post([this, handle] { take_change(handle, BotStatus::DEAD, {}); });
    });
    return {};
  };
  auto done = [this, answer = answer, handle](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), handle, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      GUILD_LOG(info, "bots", "{} is DEAD", handle);
      answer(view_.describe(*view_.find_bot(handle)));
    });
  };
  if (auto submitted = journal_->submit(std::move(work), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

void Service::retire_bot(const messages::ChangeBot& request,
                         const host::Answer<messages::Bot>& answer) {
  end_bot(request, &ledgerd::retire_bot, answer);
}

void Service::liquidate_bot(const messages::ChangeBot& request,
                            const host::Answer<messages::Bot>& answer) {
  end_bot(request, &ledgerd::liquidate_bot, answer);
}

void Service::set_bot(const messages::SetBot& request, const host::Answer<messages::Bot>& answer) {
  const auto asker = identify_operator(answer.sender(), request.credential, "change bots");
  if (!asker) return refuse(answer, asker.error());
  if (!request.time_zone)
    return refuse(answer, Error{ErrorKind::invalid, "nothing_to_set", "nothing is to be changed",
                                "give a time_zone, such as Europe/Berlin"});
  const std::string handle = request.handle, zone = request.time_zone->value;
  auto work = [this, handle, zone, asker = *asker](Transaction& transaction) -> Result<void> {
    GUILD_CHECK(set_time_zone(transaction, handle, zone, asker));
    transaction.after_commit([this, handle, zone] {
      host_.post([this, handle, zone] {
        BotRecord bot = *view_.find_bot(handle);
        bot.time_zone = zone;
        view_.add_bot(std::move(bot));
      });
    });
    return {};
  };
  auto done = [this, answer = answer, handle](const Result<void>& outcome) mutable {
    host_.post([this, answer = std::move(answer), handle, outcome] {
      if (!outcome) return refuse(answer, outcome.error());
      answer(view_.describe(*view_.find_bot(handle)));
    });
  };
  if (auto submitted = journal_->submit(std::move(work), std::move(done)); !submitted)
    refuse(answer, submitted.error());
}

std::string Service::handle_named(std::string_view name) const {
  std::string found;
  for (const auto& [handle, bot] : view_.bots()) {
    if (variable_name(handle) != name) continue;
    if (!found.empty()) return {};  // a-b and a_b: whose it is cannot be told.
    found = handle;
  }
  return found;
}

void Service::sync_keys(const messages::SyncKeys& request,
                        const host::Answer<messages::KeysSynced>& answer) {
  using messages::KeySync;
  const auto asker = identify_operator(answer.sender(), request.credential, "set keys");
  if (!asker) return refuse(answer, asker.error());
  std::vector<KeyOrder> orders;
  for (const messages::BotKey& key : request.keys) {
    KeyOrder& order = orders.emplace_back(KeyOrder{key.name, KeySync::unknown, {}});
    const std::string handle = handle_named(key.name.view());
    if (handle.empty()) continue;
    order.verdict = KeySync::invalid;
    if (auto record =
            credentials_.record_of(handle, key.api_key.view(), key.api_secret.view(), now()))
      order.record = *std::move(record);
  }
  run<messages::KeysSynced>(
      [this, orders = std::move(orders),
       asker = *asker](Transaction& transaction) -> Result<messages::KeysSynced> {
        messages::KeysSynced synced;
        for (const KeyOrder& order : orders) {
          KeySync verdict = order.verdict;
          if (order.record) {
            GUILD_TRY(verdict, sync_key(transaction, *order.record, asker));
          }
          if (verdict == KeySync::set)
            transaction.after_commit([this, record = *order.record] {
              host_.post([this, record] { take_change(record.handle, BotStatus::ALIVE, record); });
            });
          synced.keys.push_back({.name = order.name, .result = verdict});
        }
        return synced;
      },
      answer);
}

}  // namespace guild::ledgerd
