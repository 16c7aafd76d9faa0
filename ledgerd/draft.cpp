#include "ledgerd/draft.hpp"

#include "common/base/assert.hpp"

namespace guild::ledgerd {
namespace {

Money negative(Money positive) {
  const auto negated = positive.negated();
  GUILD_ASSERT(negated.has_value());
  return *negated;
}

std::unexpected<Refusal> refuse(TransferError error, std::string_view account = {}) {
  return std::unexpected(Refusal{.error = error, .account = std::string(account), .available = {}});
}

}  // namespace

std::expected<Draft, Refusal> draft_transfer(const Uuid& id, std::string_view debit,
                                             std::string_view credit, Money amount,
                                             std::string_view reference, EntryType type) {
  if (!amount.is_positive()) return refuse(TransferError::amount_not_positive);
  if (debit == credit) return refuse(TransferError::same_account, debit);
  return Draft{.id = id,
               .legs = {{std::string(debit), negative(amount), type, std::string(reference)},
                        {std::string(credit), amount, type, std::string(reference)}},
               .opens = {}};
}

std::expected<Draft, Refusal> draft_grant(const Uuid& id, std::string_view account, Money amount,
                                          std::string_view reference) {
  if (amount.is_negative()) return refuse(TransferError::amount_not_positive);
  Draft draft{.id = id, .legs = {}, .opens = {std::string(account)}};
  if (amount.is_positive())
    draft.legs.push_back(
        {std::string(world_account), negative(amount), EntryType::GRANT, std::string(reference)});
  draft.legs.push_back({std::string(account), amount, EntryType::GRANT, std::string(reference)});
  return draft;
}

std::expected<Draft, Refusal> draft_genesis(const Uuid& id, Money amount) {
  auto draft = draft_grant(id, treasury_account, amount, treasury_reference);
  if (draft) draft->opens = {std::string(world_account), std::string(treasury_account)};
  return draft;
}

}  // namespace guild::ledgerd
