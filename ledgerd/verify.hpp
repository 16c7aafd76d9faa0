// Verify: recomputes the whole book from its file, on the caller's own connection, and names the
// first posting that does not fit. It reads one snapshot and writes nothing, so it neither waits
// for the daemon nor holds it up; it needs no daemon at all. What it checks: docs/ledger.md, "What
// is checked". Memory: a few hundred bytes per account. Time: about 1 µs per posting.
#pragma once

#include <optional>
#include <stop_token>

#include "common/messages/ledgerd.hpp"
#include "common/storage/connection.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

/// `known`: the head that the running daemon had in memory before the reading began; the file must
/// hold at least that. `signing_key`: of the checkpoints; without it their signatures are not
/// checked. A book that is wrong is a report, not an Error; an Error means that the file could not
/// be read at all, or (code stopped) that `stop` was requested.
Result<messages::VerifyReport> verify_file(storage::Connection& file,
                                           std::optional<TreeHead> known = {},
                                           const std::stop_token& stop = {},
                                           const std::optional<SigningKey>& signing_key = {});

}  // namespace guild::ledgerd
