// Genesis: the first posting of a new book (the treasury's grant from world) and the record of the
// economic constants in force. The genesis is written once; constants that are changed later are
// recorded with the time and change nothing that was booked.
#pragma once

#include "ledgerd/journal.hpp"
#include "ledgerd/recovery.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {

enum class EconomyChange { none, genesis, changed };

/// Codes: grant_negative, and the file's. `recorded` is what recovery found.
Result<EconomyChange> keep_economy(Journal& journal, const std::optional<store::Economy>& recorded,
                                   const store::Economy& configured);

}  // namespace guild::ledgerd
