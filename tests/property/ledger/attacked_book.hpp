// AttackedBook: a book that has lived through a bit of everything, on a disk in memory, as it is
// now and as it was at two earlier times, with the checkpoint that a witness took last.
#pragma once

#include "ledgerd/checkpoint.hpp"
#include "tests/property/ledger/rows.hpp"
#include "tests/support/disk.hpp"
#include "tests/unit/ledgerd/economy_file.hpp"

namespace guild::ledgerd {

class AttackedBook {
 public:
  AttackedBook();

  /// The database file alone, everything in it; the older ones first.
  const std::vector<test::Disk::Files>& ages() const { return ages_; }
  /// Later than the last of them: what came after it is still in the log.
  const test::Disk::Files& with_log() const { return with_log_; }
  /// Of the last age, and with the log: what the running daemon has in memory.
  const TreeHead& head() const { return head_; }
  const TreeHead& head_with_log() const { return head_with_log_; }
  const CheckpointSigner& signer() const { return *signer_; }
  const LedgerFile& file() const { return it_->file; }

 private:
  void live(int from, int to);
  void live_step(int step);
  void end_age();

  test::Disk disk_;
  std::unique_ptr<EconomyFile> it_;
  std::unique_ptr<CheckpointSigner> signer_;
  std::vector<test::Disk::Files> ages_;
  test::Disk::Files with_log_;
  TreeHead head_, head_with_log_;
};

}  // namespace guild::ledgerd
