// What guild-verify does, one function a verb: reads the files that were named, checks, answers.
// Arguments come as they were typed.
#pragma once

#include <optional>
#include <string>

#include "verifier/output.hpp"

namespace guild::verifier {

struct CheckExport {
  std::string folder;
  std::optional<std::string> key;  ///< A public key or a file with one.
  bool balances = false;
};
struct CheckProof {
  std::string file;
  std::string key;
  std::optional<std::string> leaf_file;  ///< Either this or `hash`.
  std::string hash;
};
struct WitnessCheckpoint {
  std::string state;
  std::string key;
  std::string file;  ///< `-` is stdin.
};
struct ShowWitness {
  std::string state;
};

Exit run(const CheckExport& verb, const Output& output);
Exit run(const CheckProof& verb, const Output& output);
Exit run(const WitnessCheckpoint& verb, const Output& output);
Exit run(const ShowWitness& verb, const Output& output);

}  // namespace guild::verifier
