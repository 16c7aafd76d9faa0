// Ticks: one turn of a bot as a job of the journal. What economy::decide decides is booked, counted
// and told in one transaction, and the answer is kept: the same tick_id gets it again, also after a
// restart. Whoever asks is already known to be allowed to (authority.hpp).
#pragma once

#include "common/messages/economy.hpp"
#include "ledgerd/economy/constants.hpp"
#include "ledgerd/economy/intents.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

struct Ticked {
  messages::TickReport report;
  bool repeated = false;
  bool died = false;    ///< In this tick.
  bool solved = false;  ///< A research market ended by its answer.
};

/// Codes: bot_unknown, bot_dead, tick_id_format; and what the book refuses.
Result<Ticked> run_tick(Transaction& transaction, const economy::Constants& constants,
                        const messages::RunTick& request, const economy::Intents& intents);

/// Codes: bot_unknown, model_unknown, tick_id_format, tokens_negative, meter_full. Only when there
/// are rates.
Result<messages::Metered> meter_call(Transaction& transaction, const economy::Constants& constants,
                                     const messages::MeterCall& request);

/// Reads, in one snapshot of the caller's. Codes: bot_unknown.
Result<messages::Insights> read_insights(storage::Connection& file, std::string_view bot);
Result<messages::Viability> read_viability(storage::Connection& file);

}  // namespace guild::ledgerd
