// World: one history of the book, told by its seed: lives of the daemon's journal on one disk, each
// ended by a crash during some operation of the disk. After every crash that is looked at, a new
// process opens what is left, and the laws in world.cpp must hold.
#pragma once

#include <map>

#include "tests/simulation/ledger/deeds.hpp"

namespace guild::simulation {

/// What a history comes to. `digest` is over every answer with its hashes, and over what the file
/// said after every crash that was looked at, but for what is new in every process
/// (Dump::repeatable), with its root.
struct Outcome {
  std::string digest;
  std::map<std::string, std::uint64_t> booked, refused;  ///< Deeds, by name.
  std::uint64_t lives = 0, transactions = 0, crashes = 0, asked_again = 0, in_flight_kept = 0,
                in_flight_lost = 0, postings = 0;
  Outcome& operator+=(const Outcome& other);
};

/// Faults that our disk does not have: a law must notice each.
enum class Sabotage {
  none,
  syncs_lie,     ///< What is acknowledged is not on the disk.
  seq_goes_back  ///< The file loses a posting between two lives.
};

class World {
 public:
  explicit World(std::uint64_t seed, Sabotage sabotage = Sabotage::none);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // All throw LawBroken.

  /// Several lives; a few crashes of each are looked at.
  Outcome run();
  /// Whether the sabotage found something to do.
  bool is_sabotaged() const { return is_sabotaged_ || sabotage_ == Sabotage::syncs_lie; }
  /// One short life; every crash that it can have is looked at.
  Outcome run_exhaustively();

 private:
  /// What there is to know of a life that is over.
  struct Life {
    std::vector<Boundary> boundaries;
    std::vector<Asked> asked;
    std::size_t operations = 0;
  };

  Life live(const test::Disk& disk, std::size_t steps);
  void look_after(const test::Disk& disk, const Life& life, std::size_t at, test::Disk::Fate fate,
                  std::uint64_t seed);
  /// The boundary at which the file is.
  const Boundary& demand_boundary(const Life& life, std::size_t at, const std::string& dump) const;
  void demand_sound(const Boundary& boundary) const;
  void demand_answers(const test::Disk& image, const Life& life, std::size_t at,
                      const std::string& dump);
  void sabotage(test::Disk::Files& files);
  void add_to_digest(std::string_view text);

  Random random_;
  std::uint64_t seed_;
  Sabotage sabotage_;
  Deeds deeds_{random_};
  Clock clock_;
  std::string dump_;  ///< What the file says when the next life begins.
  Outcome outcome_;
  bool is_sabotaged_ = false;
};

}  // namespace guild::simulation
