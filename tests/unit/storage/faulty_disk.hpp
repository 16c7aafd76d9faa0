// A disk that fails when told to: a SQLite VFS over the real one, the default of the test process.
// With nothing armed it passes everything through. Counts say how many calls are to fail.
#pragma once

#include <atomic>

namespace guild::storage::test {

struct FaultyDisk {
  static FaultyDisk& install();
  void heal();

  std::atomic<int> main_reads = 0;        ///< SQLITE_IOERR_READ on the database file.
  std::atomic<int> main_writes_full = 0;  ///< SQLITE_FULL on the database file (a checkpoint).
  std::atomic<int> wal_writes_full = 0;   ///< SQLITE_FULL, like ENOSPC.
  std::atomic<int> wal_syncs = 0;         ///< SQLITE_IOERR_FSYNC: was it kept? Nobody knows.
};

}  // namespace guild::storage::test
