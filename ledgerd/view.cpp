#include "ledgerd/view.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include "common/base/assert.hpp"
#include "ledgerd/keyed_hasher.hpp"

namespace guild::ledgerd {

struct View::Index {
  boost::unordered_flat_map<std::string_view, AccountView, KeyedHasher> by_name;
};

View::View(const Book& book)
    : index_(std::make_unique<Index>()),
      head_(book.tree().head()),
      ids_(static_cast<std::int64_t>(book.ids().size())),
      open_holds_(static_cast<std::int64_t>(book.holds().size())) {
  for (AccountNumber number = 1; number <= book.accounts().size(); ++number) {
    const Account& account = book.accounts().at(number);
    const AccountState& state = account.state;
    index_->by_name.insert_or_assign(
        account.name, AccountView{number, state.balance, state.held, state.floor, state.is_closed});
  }
}

View::~View() = default;

void View::apply(const Committed& committed) {
  for (const Committed::Balance& balance : committed.balances)
    index_->by_name.insert_or_assign(
        balance.name, AccountView{balance.account, balance.balance, balance.held, balance.floor,
                                  balance.is_closed});
  open_holds_ = committed.open_holds;
  head_ = committed.head;
  ids_ = committed.ids;
}

void View::add_bot(BotRecord bot) {
  std::string handle = bot.handle;
  bots_.insert_or_assign(std::move(handle), std::move(bot));
}

std::optional<View::AccountView> View::find(std::string_view account) const {
  const auto found = index_->by_name.find(account);
  if (found == index_->by_name.end()) return {};
  return found->second;
}

std::size_t View::accounts() const { return index_->by_name.size(); }

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
