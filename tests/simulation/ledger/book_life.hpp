// BookLife: one life of the book, from the opening of its file to its orderly end, on a simulated
// disk: ledgerd's own recovery, journal and store, in virtual time. It notes what the file says
// after each transaction, and at which operation of the disk that was certain.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/secret.hpp"
#include "ledgerd/journal.hpp"
#include "tests/support/disk.hpp"

namespace guild::simulation {

/// Virtual time, and the ids that nobody chose: both go on across lives.
struct Clock {
  std::int64_t ns = 1'700'000'000'000'000'000;
  std::uint64_t ids = 0;
};

/// Where the book is, and how it is opened.
struct Place {
  std::string path;
  Secret32 key;
};

struct Receipt {
  std::int64_t seq = 0;
  Digest hash{};
  bool repeated = false;
};
/// What a deed came to: for each posting that it asked for its receipt, or none when that was
/// refused.
struct Reply {
  std::vector<std::optional<Receipt>> receipts;
  std::string text;  ///< Of deeds that answer something else.
};
struct Deed {
  std::string name;
  std::function<Result<Reply>(ledgerd::Transaction&)> work;
};
/// A deed and its answer.
struct Asked {
  Deed deed;
  Result<Reply> reply;
  std::size_t boundary = 0;  ///< It is part of the file from this one on.
};
/// Between two transactions.
struct Boundary {
  std::size_t operations = 0;  ///< Of the disk, until the transaction's end was told.
  std::string dump;
  ledgerd::TreeHead head;
};

class BookLife {
 public:
  static constexpr std::int64_t save_every = 12;
  static constexpr int wal_pages_max = 24;

  /// Throws LawBroken when the book does not open. `dump`: what its file says.
  BookLife(const test::Disk& disk, const Place& place, Clock& clock, const std::string& dump = {});
  ~BookLife();

  /// One transaction for all of them.
  std::vector<Asked> ask(const std::vector<Deed>& deeds);
  void save();
  /// The orderly end, without a last save; nothing can be asked after it.
  void end();

  const std::vector<Boundary>& boundaries() const { return boundaries_; }
  const std::vector<Asked>& asked() const { return asked_; }

 private:
  void note();
  void drain();

  const test::Disk& disk_;
  Clock& clock_;
  ledgerd::TreeHead head_;
  std::vector<Boundary> boundaries_;
  std::vector<Asked> asked_;
  storage::Connection* file_ = nullptr;
  std::unique_ptr<ledgerd::Journal> journal_;  // Last: it calls back into the rest.
};

/// A connection as the daemon opens it.
std::unique_ptr<storage::Connection> open_book(const Place& place);

}  // namespace guild::simulation
