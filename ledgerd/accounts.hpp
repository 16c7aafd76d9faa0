// Accounts: the names money is booked on, and each one's running state. Pure; one thread at a time.
// Names: `world`, `treasury`, `escrow/<id>`, `bot/<handle>`, `user/<name>`. An account gets a small
// number when it is opened and keeps it for ever; rows use the number, hashes the name.
// Limit: accounts_max, so that memory is bounded (127 to 138 bytes each, the index included, and
// what of a name is past 15 bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/hash.hpp"
#include "common/base/money.hpp"

namespace guild::ledgerd {

using AccountNumber = std::uint32_t;  ///< From 1, in order of opening.
inline constexpr std::size_t accounts_max = 10'000'000;

inline constexpr std::string_view world_account = "world";
inline constexpr std::string_view treasury_account = "treasury";

enum class AccountKind { world, treasury, escrow, bot, user };

/// Nothing when `name` is not the name of an account.
std::optional<AccountKind> account_kind(std::string_view name);
std::string bot_account(std::string_view handle);
/// Where grants come from; every other account stays at or above zero.
constexpr bool may_go_negative(AccountKind kind) { return kind == AccountKind::world; }
/// Opened by the first credit; the others by what creates their owner.
constexpr bool opens_at_first_credit(AccountKind kind) { return kind == AccountKind::user; }

/// What the account's next leg builds on.
struct AccountState {
  Money balance;
  Money held;                    ///< In its open holds.
  Money floor;                   ///< What the available amount may not go below.
  std::int64_t entries = 0;      ///< Legs so far; the last one's account_seq.
  std::int64_t last_seq = 0;     ///< Its last posting; 0 before the first.
  Digest last_hash{};            ///< That posting's hash; zeros before the first.
  std::uint32_t open_holds = 0;  ///< How many are open on it.
  bool is_closed = false;        ///< It takes no posting but the one that opens it.

  /// balance - held: it cannot overflow, since both are kept within what the sum can hold.
  Money available() const { return Money::of_units(balance.units() - held.units()); }

  bool operator==(const AccountState&) const = default;
};

struct Account {
  std::string name;
  AccountKind kind{};
  AccountState state;
};

class Accounts {
 public:
  Accounts();
  ~Accounts();
  Accounts(Accounts&&) noexcept;
  Accounts& operator=(Accounts&&) noexcept;

  /// 0 when there is none.
  AccountNumber find(std::string_view name) const;
  const Account& at(AccountNumber number) const;
  Account& at(AccountNumber number);
  std::size_t size() const;

  /// The number it will have: size() + 1. `name` is an account's and not open yet.
  AccountNumber open(std::string_view name);
  /// Takes back the last `open`.
  void take_back_last();

 private:
  struct Table;
  std::unique_ptr<Table> table_;  // Accounts in it never move.
};

}  // namespace guild::ledgerd
