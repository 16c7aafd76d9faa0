// Unsaved: what of the committed book the file's saved standing does not say yet: which holds were
// opened and ended since, the hashes of the new ids, the new blocks of the tree. Every so many
// postings it is written, and a start goes on from there. The writer's thread's own.
// Memory: about 10 bytes per posting since the last save.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_set>
#include <vector>

#include "common/storage/connection.hpp"
#include "ledgerd/book.hpp"

namespace guild::ledgerd {

class Unsaved {
 public:
  /// `saved` postings and `blocks` blocks are in the file.
  Unsaved(std::int64_t saved, const IdKey& id_key) : saved_(saved), id_key_(id_key) {}

  /// A posting that is committed, in the order of seq, and the blocks that it completed.
  void append(const Posting& posting, std::uint64_t id_hash);
  void append_blocks(const std::vector<Digest>& roots);

  std::int64_t postings() const { return static_cast<std::int64_t>(id_hashes_.size()); }

  /// Writes the book as it stood at its last commit, inside the caller's transaction.
  Result<void> write(storage::Connection& file, const Book& book) const;
  /// What `write` wrote is committed.
  void clear();

 private:
  Result<void> write_states(storage::Connection& file, const Book& book) const;
  Result<void> write_holds(storage::Connection& file) const;
  Result<void> write_hashes(storage::Connection& file) const;

  std::int64_t saved_;
  IdKey id_key_;
  std::unordered_set<AccountNumber> touched_;
  std::map<std::int64_t, Hold> opened_;  // Since the save, and open.
  std::vector<std::int64_t> ended_;      // Opened before it, and ended.
  std::vector<std::uint64_t> id_hashes_;
  std::vector<Digest> blocks_;
};

}  // namespace guild::ledgerd
