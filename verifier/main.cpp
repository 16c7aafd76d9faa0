// guild-verify: checks an export, a proof or the next checkpoint of a ledger. Reads argv; what each
// verb does is in verbs.cpp.
#include <sodium.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "verifier/verbs.hpp"

namespace guild::verifier {
namespace {

constexpr const char* key_help = "the public key, or a file with it: ORIGIN+KEYID+KEY";

/// argv as typed; which verb is meant is told by the parsed subcommand.
struct Arguments {
  bool json = false;
  CheckExport check_export;
  std::string export_key;
  CheckProof proof;
  std::string leaf_file;
  WitnessCheckpoint witness;
  bool show = false;
};

struct Verbs {
  CLI::App* proof = nullptr;
  CLI::App* witness = nullptr;
};

/// Though perhaps empty: a variable that is not set in a script must not turn a check off.
bool was_given(const CLI::App& verb, const std::string& option) {
  return verb.get_option(option)->count() > 0;
}

void add_json(CLI::App& verb, Arguments& arguments) {
  verb.add_flag("--json", arguments.json, "answer as one JSON object a line");
}

void add_export(CLI::App& app, Arguments& arguments) {
  app.add_option("FOLDER", arguments.check_export.folder,
                 "what `guild ledger export` wrote: leaves, checkpoints, key");
  app.add_option("--key", arguments.export_key, key_help);
  app.add_flag("--balances", arguments.check_export.balances,
               "print each account's balance, held amount and floor");
  add_json(app, arguments);
}

CLI::App* add_proof(CLI::App& app, Arguments& arguments) {
  CLI::App* verb = app.add_subcommand("proof", "check that a posting is in a checkpoint's book");
  verb->add_option("FILE", arguments.proof.file, "a tlog-proof")->required();
  verb->add_option("--key", arguments.proof.key, key_help)->required();
  auto* posting = verb->add_option_group("posting");
  posting->add_option("--leaf", arguments.leaf_file, "a file with the posting's leaf");
  posting->add_option("--hash", arguments.proof.hash, "the posting's hash in hex");
  posting->require_option(1);
  add_json(*verb, arguments);
  return verb;
}

CLI::App* add_witness(CLI::App& app, Arguments& arguments) {
  CLI::App* verb = app.add_subcommand(
      "witness", "remember a checkpoint, if it goes on from the one that is remembered");
  verb->add_option("STATE", arguments.witness.state, "the file with the remembered checkpoint")
      ->required();
  auto* file = verb->add_option("FILE", arguments.witness.file,
                                "a consistency proof, or the first checkpoint; - is stdin");
  auto* key = verb->add_option("--key", arguments.witness.key, key_help);
  verb->add_flag("--show", arguments.show, "print the remembered size")
      ->excludes(file)
      ->excludes(key);
  add_json(*verb, arguments);
  return verb;
}

Exit run_verb(const CLI::App& app, const Arguments& arguments, const Verbs& verbs,
              const Output& output) {
  const auto usage = [&](std::string message) {
    return output.error({.failure = Failure::usage,
                         .code = "usage",
                         .message = std::move(message),
                         .next_step = "guild-verify --help"});
  };
  if (verbs.proof->parsed()) {
    CheckProof verb = arguments.proof;
    if (was_given(*verbs.proof, "--leaf")) verb.leaf_file = arguments.leaf_file;
    return run(verb, output);
  }
  if (verbs.witness->parsed()) {
    if (arguments.show) return run(ShowWitness{arguments.witness.state}, output);
    if (arguments.witness.key.empty()) return usage("witness needs --key");
    if (arguments.witness.file.empty()) return usage("witness needs a FILE, or - for stdin");
    return run(arguments.witness, output);
  }
  if (arguments.check_export.folder.empty()) return usage("which FOLDER is to be checked?");
  CheckExport verb = arguments.check_export;
  if (was_given(app, "--key")) verb.key = arguments.export_key;
  return run(verb, output);
}

Exit guild_verify(int argc, char** argv) {
  CLI::App app("Checks a Guildhall ledger by docs/ledger.md, with none of the daemon's code.",
               "guild-verify");
  Arguments arguments;
  add_export(app, arguments);
  const Verbs verbs{.proof = add_proof(app, arguments), .witness = add_witness(app, arguments)};
  app.require_subcommand(0, 1);
  app.set_version_flag("--version", std::string("guild-verify ") + GUILD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? Exit::ok : Exit::usage;
  }
  return run_verb(app, arguments, verbs, Output(arguments.json));
}

}  // namespace
}  // namespace guild::verifier

int main(int argc, char** argv) {
  using namespace guild::verifier;
  Exit exit = Exit::failed;
  try {
    if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
    exit = guild_verify(argc, argv);
  } catch (const std::exception& error) {  // No memory.
    Output::say(error.what());
  }
  if (!flush_output()) {
    Output::say("stdout did not take the answer");
    exit = Exit::failed;
  }
  return static_cast<int>(exit);
}
