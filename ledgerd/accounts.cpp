#include "ledgerd/accounts.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

#include "common/base/assert.hpp"
#include "common/base/text.hpp"
#include "ledgerd/keyed_hasher.hpp"

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

struct Accounts::Index {
  boost::unordered_flat_map<std::string_view, AccountNumber, KeyedHasher> by_name;
};

Accounts::Accounts() : index_(std::make_unique<Index>()) {}
Accounts::~Accounts() = default;
Accounts::Accounts(Accounts&&) noexcept = default;
Accounts& Accounts::operator=(Accounts&&) noexcept = default;

AccountNumber Accounts::find(std::string_view name) const {
  const auto found = index_->by_name.find(name);
  return found == index_->by_name.end() ? 0 : found->second;
}

const Account& Accounts::at(AccountNumber number) const {
  GUILD_ASSERT(number >= 1 && number <= accounts_.size());
  return accounts_[number - 1];
}

Account& Accounts::at(AccountNumber number) {
  GUILD_ASSERT(number >= 1 && number <= accounts_.size());
  return accounts_[number - 1];
}

std::size_t Accounts::size() const { return accounts_.size(); }

AccountNumber Accounts::open(std::string_view name) {
  const auto kind = account_kind(name);
  GUILD_ASSERT(kind.has_value());
  GUILD_ASSERT(accounts_.size() < accounts_max);
  accounts_.push_back({.name = std::string(name), .kind = *kind, .state = {}});
  const auto number = static_cast<AccountNumber>(accounts_.size());
  const bool is_new = index_->by_name.emplace(accounts_.back().name, number).second;
  GUILD_ASSERT(is_new);
  return number;
}

void Accounts::take_back_last() {
  GUILD_ASSERT(!accounts_.empty());
  index_->by_name.erase(accounts_.back().name);
  accounts_.pop_back();
}

}  // namespace guild::ledgerd
