// A batch of transfers, as fixed-size records: what `ledgerd/transfers` takes and answers. JSON
// costs more than booking does, so this one message is binary; docs/protocol.md has it to the byte.
// Little-endian. Decoding refuses (batch_malformed) what encoding never makes: other sizes, indices
// past the tables, unknown kinds and flags, bytes left over.
// Limits: transfers_max transfers, 65,535 account names and references, 1 MiB in all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/money.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/base/uuid.hpp"

namespace guild::messages {

inline constexpr std::size_t batch_transfers_max = 8'000;

enum class BatchKind : std::uint8_t {
  transfer = 1,  ///< `amount` from debit to credit.
  hold = 2,      ///< The same, kept for `lifetime`.
  post = 3,      ///< `amount` of the hold `hold`; all of it when zero.
  void_hold = 4  ///< The hold `hold`, and nothing is moved.
};

struct BatchTransfer {
  Uuid id;
  Uuid hold;                    ///< Of post and void_hold.
  std::uint16_t debit = 0;      ///< Index into `accounts`; of transfer and hold.
  std::uint16_t credit = 0;     ///< Likewise.
  std::uint16_t reference = 0;  ///< Index into `references`.
  BatchKind kind = BatchKind::transfer;
  bool is_linked = false;  ///< With the next one: both are booked, or none.
  Money amount;
  std::uint32_t lifetime_s = 0;  ///< Of hold.

  bool operator==(const BatchTransfer&) const = default;
};

struct TransferBatch {
  std::string credential;  ///< A Credential as JSON; empty when the sender asks for itself.
  std::vector<std::string> accounts, references;
  std::vector<BatchTransfer> transfers;

  bool operator==(const TransferBatch&) const = default;
};

/// What became of one transfer. `code` 0: booked; 1: booked once before, the first receipt again;
/// the others are refusals (docs/protocol.md lists them).
struct BatchOutcome {
  std::int64_t seq = 0;  ///< 0 when it was refused.
  Instant time;          ///< When it was booked.
  std::uint16_t code = 0;

  bool operator==(const BatchOutcome&) const = default;
};
inline constexpr std::uint16_t outcome_booked = 0, outcome_repeated = 1;

/// The batch must keep the limits above.
std::string encode(const TransferBatch& batch);
Result<TransferBatch> decode_transfer_batch(std::string_view bytes);

std::string encode(const std::vector<BatchOutcome>& outcomes);
Result<std::vector<BatchOutcome>> decode_batch_outcomes(std::string_view bytes);

}  // namespace guild::messages
