#include "ledgerd/genesis.hpp"

#include <fmt/format.h>

namespace guild::ledgerd {
namespace {

Result<void> check(std::string_view setting, Money grant) {
  if (!grant.is_negative()) return {};
  return fail(ErrorKind::invalid, "grant_negative",
              fmt::format("[economy] {} is {}", setting, grant.text()),
              "set it to 0.00 or more in guild.toml");
}

Result<void> book_genesis(Transaction& transaction, Money grant) {
  auto draft = draft_genesis(transaction.new_id(), grant);
  if (!draft) return fail(error_of(draft.error()));
  GUILD_CHECK(transaction.book(*draft));
  return {};
}

std::string detail_of(const store::Economy& economy) {
  return fmt::format(R"({{"genesis_grant":"{}","treasury_grant":"{}","constants":{}}})",
                     economy.genesis_grant.text(), economy.treasury_grant.text(),
                     economy.constants);
}

}  // namespace

Result<EconomyChange> keep_economy(Journal& journal, const std::optional<store::Economy>& recorded,
                                   const store::Economy& configured) {
  GUILD_CHECK(check("genesis_grant", configured.genesis_grant));
  GUILD_CHECK(check("treasury_grant", configured.treasury_grant));
  if (recorded == configured) return EconomyChange::none;
  const Journal::Work keep = [&](Transaction& transaction) -> Result<void> {
    if (!recorded) GUILD_CHECK(book_genesis(transaction, configured.treasury_grant));
    GUILD_CHECK(store::insert_economy(transaction.file(), transaction.now(), configured));
    return store::insert_audit(transaction.file(),
                               {.time = transaction.now(),
                                .sender = "ledgerd",
                                .principal = "ledgerd",
                                .action = recorded ? "economy-change" : "genesis",
                                .subject = "economy",
                                .detail = detail_of(configured)});
  };
  GUILD_CHECK(journal.run(keep));
  return recorded ? EconomyChange::changed : EconomyChange::genesis;
}

}  // namespace guild::ledgerd
