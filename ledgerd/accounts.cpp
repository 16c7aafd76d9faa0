#include "ledgerd/accounts.hpp"

#include <algorithm>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "ledgerd/numbered.hpp"

namespace guild::ledgerd {
namespace {

constexpr std::string_view bot_prefix = "bot/";
constexpr std::size_t id_size_max = 64;

bool is_id(std::string_view text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  return !text.empty() && text.size() <= id_size_max &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_name(std::string_view text) { return check_name("name", text).has_value(); }

}  // namespace

std::optional<AccountKind> account_kind(std::string_view name) {
  if (name == world_account) return AccountKind::world;
  if (name == treasury_account) return AccountKind::treasury;
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view family = name.substr(0, slash);
  const std::string_view own = name.substr(slash + 1);
  if (family == "bot" && is_name(own)) return AccountKind::bot;
  if (family == "user" && is_name(own)) return AccountKind::user;
  if (family == "escrow" && is_id(own)) return AccountKind::escrow;
  return {};
}

std::string bot_account(std::string_view handle) { return std::string(bot_prefix).append(handle); }

struct Accounts::Table {
  Numbered<Account> all;
};

Accounts::Accounts() : table_(std::make_unique<Table>()) {}
Accounts::~Accounts() = default;
Accounts::Accounts(Accounts&&) noexcept = default;
Accounts& Accounts::operator=(Accounts&&) noexcept = default;

AccountNumber Accounts::find(std::string_view name) const { return table_->all.find(name); }
const Account& Accounts::at(AccountNumber number) const { return table_->all.at(number); }
Account& Accounts::at(AccountNumber number) { return table_->all.at(number); }
std::size_t Accounts::size() const { return table_->all.size(); }

AccountNumber Accounts::open(std::string_view name) {
  const auto kind = account_kind(name);
  GUILD_ASSERT(kind.has_value());
  GUILD_ASSERT(size() < accounts_max);
  return table_->all.add({.name = std::string(name), .kind = *kind, .state = {}});
}

void Accounts::take_back_last() { table_->all.take_back_last(); }

}  // namespace guild::ledgerd
