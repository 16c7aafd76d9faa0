// Recovery: builds the book in memory from its file at start: from where the file says that it
// stood, then from the postings after that, each checked as verify does. What came before is held
// against the postings by verify alone. A file that does not hold a sound book is refused
// (book_damaged) with the first bad seq named; nothing is repaired and nothing is written.
// Time: about 0.1 µs per posting up to the saved standing, 1.5 µs after it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ledgerd/book.hpp"
#include "ledgerd/bot.hpp"
#include "ledgerd/store.hpp"
#include "ledgerd/tails.hpp"
#include "ledgerd/unsaved.hpp"

namespace guild::ledgerd {

struct Recovered {
  Book book;
  std::unique_ptr<Tails> tails = std::make_unique<Tails>();
  Unsaved unsaved{0, {}};
  std::vector<BotRecord> bots;
  std::vector<CredentialRecord> credentials;
  std::optional<store::Economy> economy;  ///< Nothing in a new file.
  std::int64_t published = 0;             ///< Events were published up to this seq.
  std::int64_t signed_size = 0;           ///< Of the last checkpoint.
};

Result<Recovered> recover(storage::Connection& file);

}  // namespace guild::ledgerd
