#include "tests/support/home.hpp"

#include <stdlib.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include <catch2/catch.hpp>

namespace guild::test {
namespace {

constexpr std::string_view start_order[] = {"broker", "logconsumer", "ledgerd", "scheduler",
                                            "gateway"};

std::string variable_of(std::string_view program) {
  std::string name = "GUILD_BIN_";
  for (const char c : program)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// When a file was last written, or the beginning of time when it is not there.
std::filesystem::file_time_type written_at(const std::filesystem::path& file) {
  std::error_code missing;
  const auto at = std::filesystem::last_write_time(file, missing);
  return missing ? std::filesystem::file_time_type::min() : at;
}

}  // namespace

bool has_program(std::string_view program) {
  const char* path = std::getenv(variable_of(program).c_str());
  return path != nullptr && std::filesystem::exists(path);
}

std::string program_path(std::string_view program) {
  const std::string variable = variable_of(program);
  const char* path = std::getenv(variable.c_str());
  if (path == nullptr) FAIL(variable << " is not set; run this test through meson test");
  return path;
}

TempFolder::TempFolder() {
  // Not TMPDIR: it may be long, and a socket's path has 107 bytes.
  std::string pattern = "/tmp/guild-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    FAIL("cannot make a temporary folder: " << std::strerror(errno));
  path_ = pattern;
}

TempFolder::~TempFolder() {
  if (std::getenv("GUILD_TEST_KEEP") != nullptr) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestHome::TestHome(Keys keys) {
  std::filesystem::create_directory(root() / "captured");
  if (keys == Keys::made) init_keys();
}

TestHome::~TestHome() {
  // Clients before the broker, so that none of them spends its last moments reconnecting.
  for (const std::string_view name : {"gateway", "scheduler", "ledgerd", "logconsumer", "broker"})
    if (const auto found = daemons_.find(name); found != daemons_.end()) daemons_.erase(found);
}

void TestHome::write_config(std::string_view toml) { write_text(root() / "guild.toml", toml); }

void TestHome::set_environment(const std::string& name, const std::string& value) {
  environment_[name] = value;
}

std::filesystem::path TestHome::capture(std::string_view name) {
  return root() / "captured" / (std::to_string(++captures_) + "-" + std::string(name));
}

Command TestHome::command(std::vector<std::string> argv) const {
  Command command;
  command.argv = std::move(argv);
  command.environment = environment_;
  command.environment["GUILD_HOME"] = root();
  command.folder = root();
  return command;
}

Outcome TestHome::key_tool(std::vector<std::string> arguments) {
  const bool has_guild = has_program("guild");
  arguments.insert(arguments.begin(), has_guild ? "keys" : root().string());
  arguments.insert(arguments.begin(), program_path(has_guild ? "guild" : "make_keys"));
  Outcome outcome = test::run(command(arguments), capture("keys"));
  if (outcome.exit_code != 0) FAIL("keys: " << outcome.err << outcome.out);
  return outcome;
}

void TestHome::init_keys() { key_tool({"init"}); }

void TestHome::add_key(std::string_view name, std::string_view role) {
  key_tool({"add", std::string(name), "--role", std::string(role)});
}

void TestHome::revoke_key(std::string_view name) { key_tool({"revoke", std::string(name)}); }

Process& TestHome::spawn(std::string_view daemon, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_path(daemon));
  Process process = Process::start(command(std::move(arguments)), capture(daemon));
  // An earlier life of it, if any, ends here.
  return daemons_.insert_or_assign(std::string(daemon), std::move(process)).first->second;
}

Process& TestHome::start(std::string_view daemon, std::vector<std::string> arguments) {
  std::filesystem::create_directories(run_folder());
  std::filesystem::permissions(run_folder(), std::filesystem::perms::owner_all);
  const auto ready = run_folder() / (std::string(daemon) + ".ready");
  // A killed daemon leaves its file behind; only a newer one counts.
  const auto before = written_at(ready);
  Process& process = spawn(daemon, std::move(arguments));
  if (!process.wait_until(run_folder(), [&] { return written_at(ready) > before; }))
    FAIL(daemon << (process.running() ? " did not become ready" : " ended before it was ready")
                << "; stderr:\n"
                << process.err());
  return process;
}

void TestHome::start_suite() {
  for (const std::string_view daemon : start_order) start(daemon);
}

Process& TestHome::daemon(std::string_view name) {
  const auto found = daemons_.find(name);
  if (found == daemons_.end()) FAIL(name << " was not started");
  return found->second;
}

Outcome TestHome::run_daemon(std::string_view daemon, std::vector<std::string> arguments,
                             milliseconds limit) {
  arguments.insert(arguments.begin(), program_path(daemon));
  return test::run(command(std::move(arguments)), capture(daemon), limit);
}

void TestHome::stop(milliseconds limit) {
  write_text(run_folder() / "system.shutdown", "");
  for (auto& [name, process] : daemons_) {
    const Outcome outcome = process.wait(limit);
    INFO(name << "; stderr:\n" << outcome.err);
    // One that a test killed has its signal; nothing else may end otherwise than drained.
    if (outcome.signal == 0) REQUIRE(outcome.exit_code == 0);
  }
  daemons_.clear();
}

Outcome TestHome::guild(std::vector<std::string> arguments, std::string input, milliseconds limit) {
  arguments.insert(arguments.begin(), program_path("guild"));
  Command with_input = command(std::move(arguments));
  with_input.input = std::move(input);
  return test::run(with_input, capture("guild"), limit);
}

Process TestHome::guild_in_background(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program_path("guild"));
  return Process::start(command(std::move(arguments)), capture("guild"));
}

}  // namespace guild::test
