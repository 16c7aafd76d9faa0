// The verbs of `guild logs` that have files of their own, and how a stored line is shown.
// What a producer wrote is foreign text: it is escaped, and the broker's word for who wrote it
// counts.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "common/messages/logs.hpp"

namespace guild::cli {

/// A stored record as a person reads it, after a line for what is missing before it. Plain ASCII.
/// Pure.
std::vector<std::string> lines_of(const messages::StoredLogRecord& stored);

/// emit
void add_logs_emit(Command& logs);

}  // namespace guild::cli
