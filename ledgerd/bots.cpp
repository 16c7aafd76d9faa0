#include "ledgerd/bots.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace guild::ledgerd {
namespace {

Result<Booked> book_grant(Transaction& transaction, const BotCreation& creation) {
  const auto draft =
      draft_grant(Uuid::make(), bot_account(creation.handle), creation.grant, genesis_reference);
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

}  // namespace

Result<void> check_handle(std::string_view handle) {
  auto checked = check_name("bot handle", handle);
  if (!checked) checked.error().code = "handle_format";
  return checked;
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
  GUILD_CHECK(note(transaction, creation));
  return bot;
}

}  // namespace guild::ledgerd
