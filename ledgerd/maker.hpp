// What the market maker reads and does: its file of questions, what the book says of them, and the
// opening of markets as a job of the journal. Which ones economy/maker.hpp decides, when
// market_maker.hpp. A market that it opens, the record that the question was asked once more, and
// its audit are one transaction: no kill opens a question twice.
#pragma once

#include <filesystem>
#include <vector>

#include "ledgerd/economy/maker.hpp"
#include "ledgerd/journal.hpp"

namespace guild::ledgerd {

/// Codes: those of read_secret_text and of read_questions. The answers are in the file: it is
/// closed to others, or refused.
Result<economy::Questions> read_question_file(const std::filesystem::path& path,
                                              const economy::QuestionTerms& terms);

/// All but what the treasury can pay.
Result<economy::MakerFacts> maker_facts(storage::Connection& file,
                                        const economy::Constants& constants, Instant now);

struct MadeMarket {
  Uuid market;
  std::size_t line = 0;  ///< Of its question in the file.
};
/// Opens a market for each question that is to be asked and that nobody asked since that was
/// planned. Codes: those of open_market.
Result<std::vector<MadeMarket>> make_markets(Transaction& transaction,
                                             const economy::Constants& constants,
                                             const economy::Questions& questions,
                                             std::span<const economy::MakerPlan::Ask> asks);

}  // namespace guild::ledgerd
