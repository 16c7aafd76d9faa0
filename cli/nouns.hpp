// One function a noun: adds its verbs to the tree. The whole `guild` command is the sum of them.
// Each is in the file of its name.
#pragma once

#include <memory>
#include <string>

#include "cli/command.hpp"

namespace guild::cli {

void add_status(Command& root);
void add_doctor(Command& root);
void add_bus(Command& root);
void add_logs(Command& root);
void add_ledger(Command& root);
void add_bot(Command& root);
void add_grant(Command& root);
void add_permit(Command& root);
void add_approval(Command& root);
void add_market(Command& root);
void add_oracle(Command& root);
/// feed and viability
void add_feed(Command& root);
void add_task(Command& root);
void add_db(Command& root);
void add_keys(Command& root);
void add_config(Command& root);
/// Last: it tells of all the others.
void add_completion(Command& root);

/// A script for bash that completes nouns, verbs and options.
std::string bash_completion(const Command& root);

/// The whole tree.
std::unique_ptr<Command> guild_command();

}  // namespace guild::cli
