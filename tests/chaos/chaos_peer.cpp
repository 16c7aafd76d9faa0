// chaos_peer listen ENDPOINT KEYS_DIR NAME TOPIC   prints "ready" on stderr; at the item "end"
// prints
//                                                  what it received and what GAPs told as lost
// chaos_peer flood ENDPOINT KEYS_DIR NAME TOPIC    publishes as fast as credit lets it, until
// killed chaos_peer burn SHARE                            uses SHARE cores (0.5, 1.7) until killed,
// no bus The others that an echo pair shares its machine with, each a process of its own, to be
// stopped and killed. All step back a little (nice 5), so that what they use is comparable.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/raw_client.hpp"

namespace {

using namespace guild::raw;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// One publisher's items as they come; each is there, or told as lost.
int listen(RawClient& client, const std::string& topic) {
  if (client.ask(subscribe, topic).kind != done) return 1;
  std::fprintf(stderr, "ready\n");
  std::uint64_t received = 0, lost = 0, gaps = 0;
  for (;;) {
    const auto record = client.next(std::chrono::hours(1));
    if (!record || record->kind == refused) return 3;
    if (record->kind == gap) {
      ++gaps;
      lost += record->u32(8);
      client.return_credit(*record, 1);
    } else if (record->kind == deliver) {
      const auto items = record->items();
      client.return_credit(*record, static_cast<std::uint32_t>(items.size()));
      received += items.size();
      if (items.back() != "end") continue;
      std::printf(R"({"received":%lu,"lost":%lu,"gaps":%lu})", received, lost, gaps);
      return 0;
    }
  }
}

int flood(RawClient& client, const std::string& topic) {
  const std::vector<std::string> items(100, "0123456789");
  std::int64_t bytes_left = 1 << 20;
  for (std::uint64_t sequence = 1;; sequence += items.size()) {
    while (bytes_left <= 0) {
      const auto record = client.next(std::chrono::hours(1));
      if (!record || record->kind == refused || record->kind == denied) return 1;
      if (record->kind == grant) bytes_left += static_cast<std::int64_t>(record->number);
    }
    const std::string frame = publish_bytes(sequence, topic, items);
    client.send(frame);
    bytes_left -= static_cast<std::int64_t>(frame.size());
  }
}

/// Turns of work and rest, short enough to meet others as a busy peer does.
void burn_part(double part) {
  constexpr auto turn = 2ms;
  const auto work = std::chrono::duration_cast<Clock::duration>(turn * part);
  for (auto start = Clock::now();; start += turn) {
    while (Clock::now() < start + work) {
    }
    std::this_thread::sleep_until(start + turn);
    // What was missed while others ran is not made up for.
    if (Clock::now() > start + 2 * turn) start = Clock::now() - turn;
  }
}

int burn(double share) {
  // On every core, since a flood and its subscriber are everywhere too.
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 1; i < threads; ++i) std::thread(burn_part, share / threads).detach();
  burn_part(share / threads);
  return 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 2 && words[0] == "burn") return burn(std::stod(words[1]));
  if (words.size() != 5) return 2;
  const auto client = RawClient::join(words[1], RawKeys::load(words[2], words[3]));
  return words[0] == "flood" ? flood(*client, words[4]) : listen(*client, words[4]);
}

}  // namespace

int main(int argc, char** argv) {
  if (::nice(5) < 0) std::perror("nice");
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
