// An export of the ledger (docs/ledger.md, The export), checked from the first leaf to the last in
// one pass: every leaf's form, every rule of the book, the root and the signature of every
// checkpoint. Memory is bounded by the accounts, the open holds and 16 bytes an id, not by the
// files. What is not sound is a Fault with the first seq that is wrong, or, where a checkpoint
// speaks for many postings, the first of which it is not shown that it is right.
#pragma once

#include <filesystem>
#include <optional>

#include "verifier/book.hpp"
#include "verifier/checkpoint.hpp"
#include "verifier/input.hpp"
#include "verifier/tree.hpp"

namespace guild::verifier {

struct Fault {
  std::int64_t seq = 0;
  std::string problem;
};

class ExportCheck {
 public:
  ExportCheck(PublicKey key, Input leaves, Input checkpoints)
      : key_(std::move(key)), leaves_(std::move(leaves)), checkpoints_(std::move(checkpoints)) {}

  /// Reads both to their end, or to the first fault. An Error when the machine failed.
  Result<std::optional<Fault>> run();

  const Book& book() const { return book_; }
  std::int64_t checkpoints() const { return checkpoints_checked_; }
  Digest root() const { return tree_.root(); }

 private:
  Check check_all();
  Check take_next_leaf();
  Parsed<Bytes> next_leaf();
  Check next_checkpoint();
  Check check_checkpoint(const Checkpoint& checkpoint);
  Check check_end();
  std::unexpected<std::string> blame(std::int64_t seq, std::string problem);
  std::unexpected<std::string> blame_unproven(std::string_view problem);

  PublicKey key_;
  Input leaves_, checkpoints_;
  Book book_;
  Frontier tree_;
  Leaf leaf_;
  std::optional<Checkpoint> checkpoint_;  // The next; nothing after the last.
  std::int64_t checkpoints_checked_ = 0;
  std::int64_t proven_ = 0;  // Postings under the last checkpoint that was good.
  std::int64_t blamed_seq_ = 0;
};

/// The check of a sound export, to be asked what is in it, or what is not sound.
using ExportReport = std::expected<ExportCheck, Fault>;

/// The three files of `folder`. Errors: `file_missing` and those of reading. With `expected`, the
/// folder's key must be that one.
Result<ExportReport> check_export(const std::filesystem::path& folder,
                                  const std::optional<PublicKey>& expected);

}  // namespace guild::verifier
