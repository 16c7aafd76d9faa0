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
                        {std::string(credit), amount, type, std::string(reference)}}};
}

std::expected<Draft, Refusal> draft_grant(const Uuid& id, std::string_view account, Money amount,
                                          std::string_view reference) {
  if (amount.is_negative()) return refuse(TransferError::amount_not_positive);
  Draft draft{.id = id, .legs = {}, .facts = {}, .opens = {std::string(account)}};
  if (amount.is_positive())
    draft.legs.push_back(
        {std::string(world_account), negative(amount), EntryType::GRANT, std::string(reference)});
  draft.legs.push_back({std::string(account), amount, EntryType::GRANT, std::string(reference)});
  return draft;
}

std::expected<Draft, Refusal> draft_hold(const Uuid& id, std::string_view debit,
                                         std::string_view credit, Money amount, Duration lifetime,
                                         std::string_view reference) {
  if (!amount.is_positive()) return refuse(TransferError::amount_not_positive);
  if (debit == credit) return refuse(TransferError::same_account, debit);
  if (lifetime <= Duration::zero()) return refuse(TransferError::expiry_not_ahead);
  if (lifetime > hold_lifetime_max) return refuse(TransferError::lifetime_too_long);
  Draft draft = draft_record(id, debit, EntryType::HOLD, reference);
  draft.facts = HoldOrder{.credit = std::string(credit), .amount = amount, .lifetime = lifetime};
  return draft;
}

std::expected<Draft, Refusal> draft_hold_post(const Uuid& id, const HoldToEnd& hold, Money amount,
                                              std::string_view reference) {
  auto draft = draft_transfer(id, hold.debit, hold.credit, amount, reference, EntryType::HOLD_POST);
  if (draft) draft->facts = HoldEnd{hold.seq};
  return draft;
}

Draft draft_hold_void(const Uuid& id, const HoldToEnd& hold, std::string_view reference) {
  Draft draft = draft_record(id, hold.debit, EntryType::HOLD_VOID, reference);
  draft.facts = HoldEnd{hold.seq};
  return draft;
}

Draft draft_hold_expiry(const Uuid& id, const HoldToEnd& hold) {
  return draft_hold_void(id, hold, expired_reference);
}

Draft draft_record(const Uuid& id, std::string_view account, EntryType type,
                   std::string_view reference) {
  return {.id = id, .legs = {{std::string(account), Money{}, type, std::string(reference)}}};
}

Draft draft_floor(const Uuid& id, std::string_view account, Money floor,
                  std::string_view reference) {
  Draft draft = draft_record(id, account, EntryType::FLOOR, reference);
  draft.facts = FloorTerms{floor};
  return draft;
}

std::expected<Draft, Refusal> draft_genesis(const Uuid& id, Money amount) {
  auto draft = draft_grant(id, treasury_account, amount, treasury_reference);
  if (draft) draft->opens = {std::string(world_account), std::string(treasury_account)};
  return draft;
}

}  // namespace guild::ledgerd
