// Tails: for each account the seqs of its postings that no list in the file has yet. The writer
// appends at each commit; readers copy what they need *before* they open their snapshot, and so
// miss nothing: what left the tails by then is in lists that the snapshot sees. `copy` is for any
// thread, the rest for the writer's. Memory: 8 bytes per leg since the last flush.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/storage/connection.hpp"
#include "ledgerd/posting.hpp"

namespace guild::ledgerd {

/// Seqs of consecutive postings of one account; `first` is its own sequence of the first.
struct Tail {
  std::int64_t first = 1;
  std::vector<std::int64_t> seqs;
};

class Tails {
 public:
  void append(const Posting& posting);
  /// Up to `count` of the account's, from its own sequence `from` on or the first after it.
  Tail copy(AccountNumber account, std::int64_t from, std::size_t count) const;

  /// Postings since the last flush.
  std::int64_t postings() const;
  /// Writes all of it as lists and sets the mark, inside the caller's transaction.
  Result<void> write(storage::Connection& file) const;
  /// Forgets everything: what `write` wrote is committed.
  void clear();

 private:
  mutable std::mutex mutex_;
  std::unordered_map<AccountNumber, Tail> tails_;
  std::int64_t postings_ = 0;
  std::int64_t last_seq_ = 0;
};

}  // namespace guild::ledgerd
