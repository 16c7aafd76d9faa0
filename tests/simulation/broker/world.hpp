// World: one history, told by its seed: a broker, its clients, the links between them, the list,
// and everything that goes wrong with them. Chaos for some virtual seconds, then all is healed and
// the whole must come to rest: within `rest_limit`, with nothing owed to anybody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/broker/broker_life.hpp"
#include "tests/simulation/broker/client_process.hpp"

namespace guild::simulation {

/// What a history comes to. `digest` is over every frame sent, with its time and link.
struct Outcome {
  std::uint64_t digest = 0, frames = 0;
  Reference::Seen seen;
  std::uint64_t acked = 0, denied = 0, unknown = 0, abandoned = 0, answered = 0, broker_lives = 0,
                sessions = 0, sabotaged = 0;
  Outcome& operator+=(const Outcome& other);
};

/// Faults that our transports do not have: a law must notice each.
enum class Sabotage { none, lose_frame_to_client, lose_frame_to_broker, repeat_frame_to_client };

class World {
 public:
  explicit World(std::uint64_t seed, Sabotage sabotage = Sabotage::none);

  /// Throws LawBroken.
  Outcome run();
  /// How often the sabotage found something to do.
  std::uint64_t sabotaged() const { return outcome_.sabotaged; }

 private:
  static constexpr Duration rest_limit = std::chrono::seconds(45);

  broker::CoreOptions options();
  std::vector<keys::AuthorizedClient> list() const;
  void start_broker();
  void start_client(std::size_t index);
  Door knock(const std::string& name, const keys::PublicKey& key) const;

  void keep_busy(std::size_t index);
  void keep_breaking();
  void something_breaks();
  void restart_client(std::size_t index, bool at_once);
  void restart_broker();
  void change_list();
  void sabotage();

  void heal();
  void demand_rest() const;
  void demand_all_said(ClientProcess& process) const;
  void demand_heard(const Publication& publication) const;
  void demand_answered() const;

  Random random_;
  Sabotage sabotage_;
  Timeline timeline_;
  Network network_{timeline_, random_};
  Journal journal_;
  Surroundings around_;
  struct Line {
    std::string name;
    std::uint8_t key = 0;  ///< Goes up with each new one.
    bool listed = true;
    keys::AuthorizedClient rights;
  };
  std::vector<Line> lines_;
  std::vector<std::string> client_names_;
  std::vector<std::shared_ptr<ClientProcess>> clients_;
  std::unique_ptr<BrokerLife> broker_;
  std::uint64_t broker_lives_ = 0;
  bool broker_is_up_ = false, partitioned_ = false, healed_ = false;
  Outcome outcome_;
};

}  // namespace guild::simulation
