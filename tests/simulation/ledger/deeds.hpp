// Deeds: what is asked of the book in a history, chosen by chance: transfers, batches, linked ones,
// holds and their ends, floors, accounts that close and open, bots' lives, grants, permits,
// markets, ticks, signed heads; some refused, some asked again, some that fail half done.
#pragma once

#include "ledgerd/credentials.hpp"
#include "ledgerd/economy/constants.hpp"
#include "tests/simulation/ledger/book_life.hpp"
#include "tests/simulation/random.hpp"

namespace guild::simulation {

class Deeds {
 public:
  explicit Deeds(Random& random);
  /// What gives the others something to do: bots with grants, users with money.
  std::vector<Deed> first();
  Deed any();

 private:
  static constexpr std::size_t bots = 3;

  std::string account();
  std::string bot();
  Money amount();
  Uuid new_id();
  Uuid known(const std::vector<Uuid>& ids);

  Deed transfer();
  Deed linked();
  Deed batch();
  Deed hold();
  Deed end_hold();
  Deed record();
  ledgerd::NewCredential credential(const std::string& handle, std::uint64_t number,
                                    Instant now) const;
  Deed create(const std::string& handle, Money grant);
  Deed bot_life();
  Deed grant();
  Deed permit();
  Deed settle();
  Deed market();
  Deed tick();
  Deed head();
  Deed fails_half_done();
  Deed asked_again();

  Random& random_;
  ledgerd::Credentials credentials_;
  ledgerd::economy::Constants constants_;
  std::uint64_t ids_ = 0;
  std::vector<Uuid> holds_, permits_, markets_;
  std::vector<std::string> closing_;  ///< Accounts that somebody wanted closed.
  std::vector<Deed> postings_;        ///< That can be asked for again.
};

}  // namespace guild::simulation
