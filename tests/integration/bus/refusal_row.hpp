// One row of the table of refusals: what a client does, what it is told, and what the broker tells
// of it. And the stage that a row is played on: a home of its own, with a fresh client for each
// row, so that the broker, which adds up refusals of one client within a second, tells each at
// once.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/bus/denial_watch.hpp"
#include "tests/integration/bus_home.hpp"

namespace guild::test {

/// What the client was told ("DENIED no_permission", "cut", or a code of the client library), and
/// when, and the moment of its act.
struct Seen {
  std::string told;
  Steady acted_at, told_at;
};

/// A home, its broker and its watch, with a list of clients `row-N` beside those of every home.
/// They may publish, subscribe, request and serve under apps/ and bench/.
class Stage {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;
  explicit Stage(std::size_t clients, const Settings& settings = {});

  TestHome& home() { return home_; }
  DenialWatch& watch() { return *watch_; }
  std::string endpoint() const { return home_.bus_endpoint(); }

  /// A row begins: the next client of the list is its own, and another one is there to help.
  void next_row() { next_ += 2; }
  const std::string& name() const { return listed_.at(next_).name; }
  const RawKeys& keys() const { return listed_.at(next_).keys; }
  const std::string& helper_name() const { return listed_.at(next_ + 1).name; }
  std::unique_ptr<RawClient> join(std::uint32_t messages = 1U << 20U) const;
  std::unique_ptr<RawClient> join_helper(std::uint32_t messages = 1U << 20U) const;
  /// Any client of the home by name.
  std::unique_ptr<RawClient> join_as(const std::string& name) const;

  /// The key of a stranger, for acts that need one that is on no list.
  RawKeys strange_keys();
  const std::string& stranger_key_hex() const { return stranger_key_hex_; }

  /// The list of clients as it is, and a new one: in force within a second.
  std::string list() const;
  void write_list(const std::string& text);
  /// The list without this row's client.
  std::string list_without_client() const;

  /// guild bus stats --json: denied_by_reason.
  std::map<std::string, std::int64_t> denied_by_reason();

 private:
  struct Listed {
    std::string name, block;
    RawKeys keys;
  };
  void add_clients(std::size_t clients);

  TestHome home_;
  std::vector<Listed> listed_;
  std::size_t next_ = 0;
  std::string stranger_key_hex_;
  std::unique_ptr<DenialWatch> watch_;
};

/// Whom bus/denied names.
enum class Named { client, stranger_key, nobody, operator_ };

struct RefusalRow {
  std::string name;
  std::function<Seen(Stage&)> act;
  std::string told;
  /// Of the event and the counter, any of these; none: nothing is told on bus/denied or counted.
  std::vector<std::string> reasons;
  std::string operation;
  Named named = Named::client;
  std::int64_t count = 1;
  std::chrono::milliseconds limit{100};
  /// What the broker grants before it refuses: the limit counts from its end.
  std::chrono::milliseconds grace{0};
};

std::string to_hex(const std::string& bytes);
std::string name_of_code(unsigned code);

/// Sends, and waits for the refusal: REFUSED, DENIED or FAILED.
Seen send_and_hear(RawClient& client, const std::string& frame);
Seen hear_since(RawClient& client, Steady acted_at);

// The tables.
std::vector<RefusalRow> rows_of_the_door();
std::vector<RefusalRow> rows_of_frames();
std::vector<RefusalRow> rows_of_permissions();
std::vector<RefusalRow> rows_of_topics();
std::vector<RefusalRow> rows_of_requests();
/// Through the client library and the guild command.
std::vector<RefusalRow> rows_of_users();
/// These need a broker with small limits.
Stage::Settings narrow_settings();
std::vector<RefusalRow> rows_of_limits();
/// These change the list, and come last.
std::vector<RefusalRow> rows_of_the_list();

}  // namespace guild::test
