// Posting: one double entry, as it is booked. Its legs sum to zero; a lone zero leg is allowed, for
// records that move nothing. Each account has at most one leg in a posting. Pure data.
// Limits: legs_max legs; references up to reference_size_max bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/container/small_vector.hpp>

#include "common/base/hash.hpp"
#include "common/base/money.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"
#include "common/messages/ledgerd.hpp"
#include "ledgerd/accounts.hpp"

namespace guild::ledgerd {

using messages::EntryType;

inline constexpr std::size_t legs_max = 256;
inline constexpr std::size_t reference_size_max = 128;
/// Of a HOLD_VOID that time made.
inline constexpr std::string_view expired_reference = "EXPIRED";

struct Leg {
  AccountNumber account = 0;
  Money amount;  ///< Signed: what it does to the account.
  EntryType type{};
  std::string reference;
  std::int64_t account_seq = 0;   ///< In the account's own sequence, from 1.
  std::int64_t previous_seq = 0;  ///< Global seq of the account's previous posting; 0 at first.

  bool operator==(const Leg&) const = default;
};

/// Nearly every posting has two: those need no memory of their own.
using Legs = boost::container::small_vector<Leg, 2>;

/// What a HOLD says: the money is kept for `credit` until it is posted, voided or has expired.
struct HoldTerms {
  AccountNumber credit = 0;
  Money amount;
  Instant expires_at;

  bool operator==(const HoldTerms&) const = default;
};
/// What a HOLD_POST and a HOLD_VOID say: the seq of the HOLD that they end.
struct HoldEnd {
  std::int64_t hold = 0;

  bool operator==(const HoldEnd&) const = default;
};
/// What a FLOOR says.
struct FloorTerms {
  Money floor;

  bool operator==(const FloorTerms&) const = default;
};
/// What a posting says besides its legs; which of them, its type tells.
using Facts = std::variant<std::monostate, HoldTerms, HoldEnd, FloorTerms>;

struct Posting {
  std::int64_t seq = 0;  ///< In the global sequence, from 1, without gaps.
  Uuid id;               ///< Chosen by whoever asked; unique in the book.
  Instant time;          ///< The wall clock at booking; the order is that of seq, not of time.
  Legs legs;
  Facts facts;
  Digest hash{};

  /// That of all its legs; it has one at least.
  EntryType type() const { return legs.front().type; }

  bool operator==(const Posting&) const = default;
};

/// A type's number in the file, fixed for ever; its name is what is hashed and shown.
std::uint8_t code_of(EntryType type);
std::optional<EntryType> entry_type_of(std::uint8_t code);
std::string_view name_of(EntryType type);

__extension__ using Int128 = __int128;
/// In units, without overflow.
template <class Legs>
Int128 sum_of(const Legs& legs) {
  Int128 sum = 0;
  for (const auto& leg : legs) sum += leg.amount.units();
  return sum;
}

}  // namespace guild::ledgerd
