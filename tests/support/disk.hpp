// Disk: a disk in memory, and the SQLite VFS on it, which is the default one of a process from the
// first `plug_in` on. Every write, truncation, sync, creation and deletion is an operation that is
// kept, so that a crash during any of them can be looked at afterwards: what was written since a
// file's last sync may be lost, kept or torn (each sector of 512 bytes has any of the states that
// it went through), and names that no sync of the folder has settled may be as before. Locks and
// shared memory are those of one process. Thread-safe.
//
// Device characteristics are those that SQLite assumes of a Linux disk (powersafe overwrite): a
// write never changes what is beside it. Source: https://sqlite.org/atomiccommit.html
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "common/base/bytes.hpp"

namespace guild::test {

class Disk {
 public:
  static constexpr std::size_t sector_size = 512;
  using Files = std::map<std::string, Bytes>;
  /// What a crash does to what no sync has settled.
  enum class Fate { lost, kept, torn };

  explicit Disk(Files files = {});
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  /// Files that are opened from now on are on this disk.
  void plug_in() const;
  /// How many there were so far.
  std::size_t operations() const;
  /// As of now, synced or not.
  Files files() const;
  /// What the next start finds when the power goes during the operation `at`, or after the last
  /// one.
  Files after_crash(std::size_t at, Fate fate, std::mt19937_64& random) const;
  /// From now on a sync answers that it is done, and does nothing. For tests of tests.
  void lie() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace guild::test
