#include "ledgerd/bots.hpp"

#include <fmt/format.h>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "common/messages/economy.hpp"
#include "ledgerd/store_authority.hpp"
#include "ledgerd/store_economy.hpp"

namespace guild::ledgerd {
namespace {

Result<Booked> book_grant(Transaction& transaction, const BotCreation& creation) {
  const auto draft = draft_grant(transaction.new_id(), bot_account(creation.handle), creation.grant,
                                 genesis_reference);
  if (!draft) return fail(error_of(draft.error()));
  auto booked = transaction.book(*draft);
  if (booked || booked.error().code != "account_exists") return booked;
  return fail(ErrorKind::conflict, "handle_taken",
              fmt::format("there is a bot {} already", creation.handle), "choose another handle");
}

Result<void> note(Transaction& transaction, const BotCreation& creation) {
  return store::insert_audit(
      transaction.file(),
      {.time = transaction.now(),
       .sender = creation.sender,
       .principal = creation.principal,
       .action = "bot-create",
       .subject = bot_account(creation.handle),
       .detail = fmt::format(R"({{"grant":"{}","key_id":"{}"}})", creation.grant.text(),
                             creation.credential.record.key_id)});
}

constexpr std::string_view end_reference = "BOT_END";

Result<void> note_change(Transaction& transaction, std::string_view action, std::string_view handle,
                         const Asker& asker, std::string detail = "{}") {
  return store::insert_audit(transaction.file(), {.time = transaction.now(),
                                                  .sender = asker.sender,
                                                  .principal = asker.principal,
                                                  .action = std::string(action),
                                                  .subject = bot_account(handle),
                                                  .detail = std::move(detail)});
}

std::string key_detail(const CredentialRecord& record) {
  return fmt::format(R"({{"key_id":"{}"}})", record.key_id);
}

Result<void> replace_credential(Transaction& transaction, const CredentialRecord& record) {
  GUILD_CHECK(store::delete_credentials_of(transaction.file(), record.handle));
  return store::insert_credential(transaction.file(), record);
}

/// Those on the bot's account; money that others hold for it stays with them.
Result<void> void_holds_of(Transaction& transaction, std::string_view handle) {
  const Book& book = transaction.state();
  const AccountNumber account = book.accounts().find(bot_account(handle));
  std::vector<std::int64_t> open;
  if (book.accounts().at(account).state.open_holds > 0)
    for (const auto& [seq, hold] : book.holds().all())
      if (hold.debit == account) open.push_back(seq);
  for (const std::int64_t seq : open) {
    const auto hold = book.hold_to_end(seq);
    GUILD_ASSERT(hold.has_value());
    GUILD_CHECK(transaction.book(draft_hold_void(transaction.new_id(), *hold, end_reference)));
  }
  return {};
}

/// All that goes with a bot's life, but for the posting that ends it.
Result<void> strip(Transaction& transaction, std::string_view handle) {
  GUILD_CHECK(check_alive(transaction, handle));
  GUILD_CHECK(void_holds_of(transaction, handle));
  return end_life(transaction, handle);
}

Result<void> tell(Transaction& transaction, messages::PostKind kind, std::string_view handle,
                  const std::string& text) {
  return store::insert_post(transaction.file(), transaction.now(), kind, std::string(handle), text);
}

/// `amount` between two accounts; a record on `alone` when it is nothing.
std::expected<Draft, Refusal> draft_move(const Uuid& id, std::string_view debit,
                                         std::string_view credit, Money amount, EntryType type,
                                         std::string_view alone) {
  const std::string_view reference = name_of(type);
  if (amount.is_zero()) return draft_record(id, alone, type, reference);
  return draft_transfer(id, debit, credit, amount, reference, type);
}

Result<void> book(Transaction& transaction, const std::expected<Draft, Refusal>& draft) {
  if (!draft) return fail(error_of(draft.error()));
  GUILD_CHECK(transaction.book(*draft));
  return {};
}

}  // namespace

Result<void> check_handle(std::string_view handle) {
  auto checked = check_name("bot handle", handle);
  if (!checked) checked.error().code = "handle_format";
  return checked;
}

Result<void> end_life(Transaction& transaction, std::string_view handle) {
  GUILD_CHECK(store::end_permits_of(transaction.file(), handle));
  return store::set_bot_status(transaction.file(), handle, BotStatus::DEAD);
}

Result<BotRecord> create_bot(Transaction& transaction, const BotCreation& creation) {
  GUILD_TRY(const Booked booked, book_grant(transaction, creation));
  BotRecord bot{.handle = creation.handle,
                .account = booked.posting.legs.back().account,
                .status = BotStatus::ALIVE,
                .created_at = transaction.now(),
                .grant_seq = booked.posting.seq};
  GUILD_CHECK(store::insert_bot(transaction.file(), bot));
  GUILD_CHECK(store::insert_credential(transaction.file(), creation.credential.record));
  GUILD_CHECK(seed_grants(transaction, bot.handle));
  GUILD_CHECK(note(transaction, creation));
  return bot;
}

Result<void> rotate_bot(Transaction& transaction, const NewCredential& credential,
                        const Asker& asker) {
  const CredentialRecord& record = credential.record;
  GUILD_CHECK(check_alive(transaction, record.handle));
  GUILD_CHECK(replace_credential(transaction, record));
  return note_change(transaction, "bot-rotate", record.handle, asker, key_detail(record));
}

Result<void> retire_bot(Transaction& transaction, std::string_view handle, const Asker& asker) {
  GUILD_CHECK(strip(transaction, handle));
  GUILD_CHECK(book(transaction, draft_record(transaction.new_id(), bot_account(handle),
                                             EntryType::RETIRED, name_of(EntryType::RETIRED))));
  GUILD_CHECK(
      tell(transaction, messages::PostKind::DEATH, handle, fmt::format("{} was retired", handle)));
  return note_change(transaction, "bot-retire", handle, asker);
}

Result<void> liquidate_bot(Transaction& transaction, std::string_view handle, const Asker& asker) {
  GUILD_CHECK(strip(transaction, handle));
  const std::string account = bot_account(handle);
  const Accounts& accounts = transaction.state().accounts();
  const Money balance = accounts.at(accounts.find(account)).state.balance;
  GUILD_CHECK(book(transaction, draft_move(transaction.new_id(), account, treasury_account, balance,
                                           EntryType::LIQUIDATION, account)));
  GUILD_CHECK(
      tell(transaction, messages::PostKind::DEATH, handle,
           fmt::format("{} was liquidated; {} went to the treasury", handle, balance.text())));
  return note_change(transaction, "bot-liquidate", handle, asker,
                     fmt::format(R"({{"balance":"{}"}})", balance.text()));
}

Result<void> revive_bot(Transaction& transaction, const NewCredential& credential, Money amount,
                        const Asker& asker) {
  const CredentialRecord& record = credential.record;
  const auto alive = check_alive(transaction, record.handle);
  if (alive)
    return fail(ErrorKind::conflict, "bot_alive", fmt::format("{} is ALIVE", record.handle),
                "only a DEAD bot is revived; `guild ledger transfer` gives an ALIVE one more");
  if (alive.error().code != "bot_dead") return alive;
  if (amount.is_negative())
    return fail(ErrorKind::invalid, "cost_negative", "an amount is not below zero",
                "give 0 or more");
  const std::string account = bot_account(record.handle);
  GUILD_CHECK(book(transaction, draft_move(transaction.new_id(), treasury_account, account, amount,
                                           EntryType::REVIVE, account)));
  GUILD_CHECK(store::set_bot_status(transaction.file(), record.handle, BotStatus::ALIVE));
  GUILD_CHECK(replace_credential(transaction, record));
  GUILD_CHECK(tell(transaction, messages::PostKind::REVIVAL, record.handle,
                   fmt::format("{} lives again, with {}", record.handle, amount.text())));
  return note_change(
      transaction, "bot-revive", record.handle, asker,
      fmt::format(R"({{"amount":"{}","key_id":"{}"}})", amount.text(), record.key_id));
}

Result<void> set_time_zone(Transaction& transaction, std::string_view handle, std::string_view zone,
                           const Asker& asker) {
  GUILD_CHECK(check_alive(transaction, handle));
  GUILD_TRY(const BotDays before, store::days_of(transaction.file(), handle));
  GUILD_TRY(const BotDays after, in_zone(before, zone, transaction.now()));
  if (after == before) return {};
  GUILD_CHECK(store::save_days(transaction.file(), handle, after));
  return note_change(transaction, "bot-set", handle, asker,
                     fmt::format(R"({{"time_zone":"{}","before":"{}"}})", after.zone, before.zone));
}

Result<messages::KeySync> sync_key(Transaction& transaction, const CredentialRecord& record,
                                   const Asker& asker) {
  using messages::KeySync;
  if (!check_alive(transaction, record.handle)) return KeySync::dead;
  GUILD_TRY(const std::string holder, store::holder_of_key(transaction.file(), record.key_id));
  if (!holder.empty() && holder != record.handle) return KeySync::invalid;
  GUILD_TRY(const auto kept, store::credentials_of(transaction.file(), record.handle));
  if (kept.size() == 1 && kept.front().key_hash == record.key_hash &&
      kept.front().secret_hash == record.secret_hash)
    return KeySync::unchanged;
  GUILD_CHECK(replace_credential(transaction, record));
  GUILD_CHECK(note_change(transaction, "bot-sync-keys", record.handle, asker, key_detail(record)));
  return KeySync::set;
}

}  // namespace guild::ledgerd
