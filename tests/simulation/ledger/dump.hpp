// What a database says, as text: every row of every table, in the order of its key, so that two
// files can be held against each other whatever salts and initialization vectors their bytes have.
#pragma once

#include <string>

#include "common/storage/connection.hpp"

namespace guild::simulation {

enum class Dump {
  whole,
  /// But for what chance or the wall clock decides in every process anew: the key of the id hashes
  /// and the hashes under it (their sizes stay), and when a migration ran.
  repeatable
};

/// Throws LawBroken when the file cannot be read.
std::string dump_of(storage::Connection& file, Dump kind);
/// The first line in which they differ, with what each has there.
std::string first_difference(std::string_view expected, std::string_view found);

}  // namespace guild::simulation
