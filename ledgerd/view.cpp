#include "ledgerd/view.hpp"

#include "common/base/assert.hpp"
#include "ledgerd/numbered.hpp"

namespace guild::ledgerd {

struct View::Index {
  struct Known {
    std::string_view name;
    AccountView view;
  };
  Numbered<Known> all;

  /// New accounts come in the order of their numbers.
  void set(std::string_view name, const AccountView& view) {
    if (view.number <= all.size()) {
      all.at(view.number).view = view;
      return;
    }
    const AccountNumber number = all.add({name, view});
    GUILD_ASSERT(number == view.number);
  }
};

View::View(const Book& book)
    : index_(std::make_unique<Index>()),
      head_(book.tree().head()),
      ids_(static_cast<std::int64_t>(book.ids().size())),
      open_holds_(static_cast<std::int64_t>(book.holds().size())) {
  for (AccountNumber number = 1; number <= book.accounts().size(); ++number) {
    const Account& account = book.accounts().at(number);
    const AccountState& state = account.state;
    index_->set(account.name, {state.balance, state.held, state.floor, number, state.is_closed});
  }
}

View::~View() = default;

void View::apply(const Committed& committed) {
  for (const Committed::Balance& told : committed.balances)
    index_->set(told.name, {told.balance, told.held, told.floor, told.account, told.is_closed});
  open_holds_ = committed.open_holds;
  head_ = committed.head;
  ids_ = committed.ids;
}

void View::add_bot(BotRecord bot) {
  std::string handle = bot.handle;
  bots_.insert_or_assign(std::move(handle), std::move(bot));
}

std::optional<View::AccountView> View::find(std::string_view account) const {
  const AccountNumber number = index_->all.find(account);
  if (number == 0) return {};
  return index_->all.at(number).view;
}

std::size_t View::accounts() const { return index_->all.size(); }

const BotRecord* View::find_bot(std::string_view handle) const {
  const auto found = bots_.find(handle);
  return found == bots_.end() ? nullptr : &found->second;
}

messages::Bot View::describe(const BotRecord& bot) const {
  const auto account = find(bot_account(bot.handle));
  GUILD_ASSERT(account.has_value());  // A bot is told after its account.
  return {.handle = bot.handle,
          .status = bot.status,
          .balance = account->balance,
          .available = account->available(),
          .time_zone = bot.time_zone,
          .created_at = bot.created_at};
}

}  // namespace guild::ledgerd
