// siege_attacker ENDPOINT KEYS_DIR SECONDS CROWD
// Attacks the broker at an ipc:// ENDPOINT in every way at once, as strangers and as the listed bot
// "liar", and prints how much of each it got done, as one line of JSON. CROWD connections are held
// open by those who never finish a handshake. Niced to the last and bound to one core, so that
// what others suffer is the broker's doing and not the scheduler's.
#include <sched.h>
#include <unistd.h>
#include <zmq.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "tests/chaos/siege_lies.hpp"
#include "tests/chaos/siege_socket.hpp"

namespace guild::siege {
namespace {

using namespace std::chrono_literals;

struct Done {
  std::atomic<long> naked{0}, random_keys{0}, malformed{0}, crowd{0}, over_limit{0}, lies{0},
      turned_away{0};
};

/// Clients without a key: greeting and READY of the NULL mechanism, as fast as it goes.
void connect_naked(const Siege& siege, Done& done) {
  const std::string hello = greeting("NULL") + command("READY", "");
  while (!siege.over()) {
    Stranger stranger(siege.socket_path);
    if (!stranger.connected()) continue;
    stranger.say(hello);
    stranger.wait_for_end(20ms);
    ++done.naked;
  }
}

/// Each with a key of its own, made up. Whole handshakes, by libzmq.
void connect_with_random_keys(const Siege& siege, Done& done) {
  constexpr int ends = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_CLOSED;
  while (!siege.over()) {
    raw::RawClient stranger(siege.endpoint, raw::RawKeys::random(siege.keys.server_key));
    if (stranger.wait_event(ends, 3s) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) ++done.random_keys;
  }
}

void speak_malformed(const Siege& siege, Done& done) {
  std::mt19937 random(siege.seed);
  while (!siege.over()) {
    for (const std::string& words : malformed_openings(random)) {
      Stranger stranger(siege.socket_path);
      if (!stranger.connected()) continue;
      stranger.say(words);
      stranger.wait_for_end(5ms);
      ++done.malformed;
    }
  }
}

/// Half of them say nothing, half one byte a second; who is cut off comes again.
void crowd_the_door(const Siege& siege, Done& done) {
  const std::string words = greeting("CURVE");
  std::vector<std::unique_ptr<Stranger>> crowd(siege.crowd);
  std::size_t spoken = 0;
  auto next_word = Clock::now() + 1s;
  while (!siege.over()) {
    for (auto& stranger : crowd) {
      if (stranger && stranger->connected() && !stranger->has_ended()) continue;
      stranger.reset();  // First, or two descriptors would be open for one.
      stranger = std::make_unique<Stranger>(siege.socket_path);
      if (stranger->connected()) ++done.crowd;
    }
    wait_for_any_end(crowd, 100ms);
    if (Clock::now() < next_word) continue;
    for (std::size_t i = 0; i < crowd.size(); i += 2)
      crowd[i]->say(words.substr(spoken % words.size(), 1));
    ++spoken;
    next_word += 1s;
  }
}

/// In the last place of a busy machine, a session may take longer to open than the broker waits.
bool is_told(const Siege& siege, const Lie& told) {
  constexpr int tries = 3;
  for (int i = 0; i < tries; ++i) {
    try {
      tell(siege, told);
      return true;
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): tried again.
    }
  }
  return false;
}

/// A listed client that lies wherever it can. Each lie is told in a session of its own, and the
/// broker must answer it: refuse, deny, or go on. All are told once, unless the door is crowded.
void lie(const Siege& siege, Done& done) {
  std::mt19937 random(siege.seed + 1);
  for (bool owes_some = true; owes_some || !siege.over(); owes_some = false) {
    for (const Lie& told : lies(random)) {
      if (!owes_some && siege.over()) return;
      if (is_told(siege, told)) {
        ++(told.over_limit ? done.over_limit : done.lies);
      } else {
        ++done.turned_away;  // Or the broker is gone; the besieged will tell.
        owes_some = false;
      }
    }
  }
}

void take_the_last_place() {
  if (::nice(19) < 0) std::perror("nice");
  cpu_set_t allowed, one;
  CPU_ZERO(&one);
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  std::size_t core = 0;
  while (!CPU_ISSET(core, &allowed)) ++core;
  CPU_SET(core, &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) std::perror("sched_setaffinity");
}

int besiege(const Siege& siege) {
  take_the_last_place();
  Done done;
  using Attack = void (*)(const Siege&, Done&);
  std::vector<std::thread> attackers;
  for (const Attack attack :
       {connect_naked, connect_with_random_keys, speak_malformed, crowd_the_door, lie})
    attackers.emplace_back(attack, std::cref(siege), std::ref(done));
  for (std::thread& attacker : attackers) attacker.join();
  std::printf(
      R"({"naked":%ld,"random_keys":%ld,"malformed":%ld,"crowd":%ld,"over_limit":%ld,"lies":%ld,)"
      R"("turned_away":%ld})"
      "\n",
      done.naked.load(), done.random_keys.load(), done.malformed.load(), done.crowd.load(),
      done.over_limit.load(), done.lies.load(), done.turned_away.load());
  return 0;
}

}  // namespace
}  // namespace guild::siege

int main(int argc, char** argv) {
  using namespace guild::siege;
  if (argc != 5) return 2;
  const std::string endpoint = argv[1], keys_dir = argv[2];
  return besiege({.endpoint = endpoint,
                  .socket_path = endpoint.substr(std::string_view("ipc://").size()),
                  .keys = guild::raw::RawKeys::load(keys_dir, "liar"),
                  .end = Clock::now() + std::chrono::seconds(std::stoi(argv[3])),
                  .crowd = static_cast<std::size_t>(std::stoul(argv[4])),
                  .seed = std::random_device{}()});
}
