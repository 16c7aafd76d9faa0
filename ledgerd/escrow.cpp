#include "ledgerd/escrow.hpp"

namespace guild::ledgerd {
namespace {

using messages::EntryType;

/// Legs of one payment, beside those of escrow and treasury.
constexpr std::size_t shares_at_once = 200;
bool is_closed(const Transaction& transaction, std::string_view account) {
  const AccountNumber number = transaction.state().accounts().find(account);
  return number == 0 || transaction.state().accounts().at(number).state.is_closed;
}

Result<Booked> book(Transaction& transaction, const std::expected<Draft, Refusal>& draft) {
  if (!draft) return fail(error_of(draft.error()));
  return transaction.book(*draft);
}

}  // namespace

std::string market_account(const Uuid& market) { return "escrow/" + market.text(); }

std::string market_reference(const Uuid& market) { return "MARKET:" + market.text(); }

Money balance_of(const Transaction& transaction, std::string_view account) {
  const AccountNumber number = transaction.state().accounts().find(account);
  return number == 0 ? Money{} : transaction.state().accounts().at(number).state.balance;
}

Payment::Payment(std::string escrow, messages::EntryType type, std::string reference)
    : escrow_(std::move(escrow)), type_(type), reference_(std::move(reference)) {}

void Payment::add(const Transaction& transaction, const economy::Share& share) {
  const std::string account = bot_account(share.bot);
  if (is_closed(transaction, account)) return add_to_treasury(share.amount);
  units_ += share.amount.units();
  legs_.push_back({account, share.amount, type_, reference_});
}

void Payment::add_to_treasury(Money amount) {
  units_ += amount.units();
  to_treasury_ += amount.units();
}

bool Payment::is_full() const { return legs_.size() >= shares_at_once; }

Result<void> Payment::book(Transaction& transaction) {
  if (units_ == 0) return {};
  GUILD_CHECK(ready_escrow(transaction, escrow_, Money::of_units(units_)));
  Draft draft{.id = transaction.new_id(), .legs = {}};
  draft.legs.push_back({escrow_, Money::of_units(-units_), type_, reference_});
  draft.legs.insert(draft.legs.end(), legs_.begin(), legs_.end());
  if (to_treasury_ != 0)
    draft.legs.push_back(
        {std::string(treasury_account), Money::of_units(to_treasury_), type_, reference_});
  GUILD_CHECK(transaction.book(draft));
  legs_.clear();
  units_ = to_treasury_ = 0;
  return {};
}

Result<std::vector<Booked>> void_holds_of(Transaction& transaction, AccountNumber account,
                                          std::string_view reference) {
  std::vector<Booked> voided;
  if (transaction.state().accounts().at(account).state.open_holds == 0) return voided;
  std::vector<std::int64_t> seqs;
  for (const auto& [seq, hold] : transaction.state().holds().all())
    if (hold.debit == account) seqs.push_back(seq);
  for (const std::int64_t seq : seqs) {
    const auto hold = transaction.state().hold_to_end(seq);
    if (!hold) return fail(error_of(hold.error()));
    GUILD_TRY(voided.emplace_back(),
              transaction.book(draft_hold_void(transaction.new_id(), *hold, reference)));
  }
  return voided;
}

Result<void> ready_escrow(Transaction& transaction, const std::string& account, Money need) {
  const AccountNumber number = transaction.state().accounts().find(account);
  if (number == 0) return {};
  const auto state = [&] { return transaction.state().accounts().at(number).state; };
  if (state().is_closed)
    GUILD_CHECK(transaction.book(
        draft_record(transaction.new_id(), account, EntryType::REOPENED, "MARKET")));
  GUILD_CHECK(void_holds_of(transaction, number, "MARKET"));
  if (state().floor.is_positive())
    GUILD_CHECK(transaction.book(draft_floor(transaction.new_id(), account, {}, "MARKET")));
  if (state().balance >= need) return {};
  const Money missing = Money::of_units(need.units() - state().balance.units());
  GUILD_CHECK(book(transaction, draft_transfer(transaction.new_id(), treasury_account, account,
                                               missing, "MARKET")));
  return {};
}

Result<void> close_escrow(Transaction& transaction, const Uuid& market) {
  const std::string escrow = market_account(market);
  if (is_closed(transaction, escrow)) return {};
  GUILD_CHECK(ready_escrow(transaction, escrow, {}));
  if (const Money rest = balance_of(transaction, escrow); rest.is_positive())
    GUILD_CHECK(book(transaction, draft_transfer(transaction.new_id(), escrow, treasury_account,
                                                 rest, market_reference(market))));
  GUILD_CHECK(transaction.book(draft_record(transaction.new_id(), market_account(market),
                                            EntryType::CLOSED, market_reference(market))));
  return {};
}

}  // namespace guild::ledgerd
