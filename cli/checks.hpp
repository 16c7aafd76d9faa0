// What `guild doctor` looks at. A check answers findings, one at least, in the order a person
// should read them; it changes nothing. Those of the first group need no bus and no daemon and are
// quick (a start waits for them); those of the second ask the running suite.
#pragma once

#include <vector>

#include "cli/answers.hpp"
#include "cli/context.hpp"
#include "ledgerd/economy/maker.hpp"

namespace guild::cli {

using Findings = std::vector<Finding>;

Findings check_home(const host::Home& home);
Findings check_config(Context& context, const host::Home& home);
Findings check_bus_address(const host::Home& home, const host::Settings& settings);
Findings check_keys(const host::Home& home);
Findings check_databases(const host::Home& home, const host::Settings& settings);
/// The market maker's file of questions, read as ledgerd reads it.
Findings check_questions(const host::Settings& settings);
Findings check_disk(const host::Home& home);
/// Whether the market maker has questions left, by the book.
Findings check_questions_left(const host::Home& home, const host::Settings& settings);
/// What a stop or a crash may have left in the run folder.
Findings check_leftovers(const host::Home& home);

/// Daemons against their locks, and whether log lines reach a log consumer.
Findings check_running(Context& context, const host::Home& home);

/// Pure: the verdict on so many free bytes.
Finding judge_free_space(const std::string& place, std::uint64_t free_bytes);
/// Pure: the verdict on what the market maker may still ask.
Finding judge_questions(const std::string& file, const ledgerd::economy::MakerPlan& plan);
/// Pure: the verdict on daemons that answered, or did not.
Findings judge_daemons(const std::vector<DaemonStatus>& statuses);

}  // namespace guild::cli
