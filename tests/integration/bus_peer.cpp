// bus_peer ENDPOINT KEYS_DIR NAME sub PATTERN       prints "ready", then counts until killed
// bus_peer ENDPOINT KEYS_DIR NAME pub TOPIC COUNT   publishes 0, 1, ... and leaves at once
// A bus client as a process of its own, to be killed and to outrun others. Speaks the protocol raw.
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/integration/raw_client.hpp"

namespace {

using namespace guild::raw;
using namespace std::chrono_literals;

int subscribe_until_killed(RawClient& client, const std::string& pattern) {
  if (client.ask(subscribe, pattern).kind != done) return 1;
  std::fprintf(stderr, "ready\n");
  for (;;) {
    const auto record = client.next(std::chrono::hours(1));
    if (record && record->kind == deliver)
      client.return_credit(*record, static_cast<std::uint32_t>(record->items().size()));
    if (record && record->kind == refused) return 3;
  }
}

int publish_all(RawClient& client, const std::string& topic, int count) {
  std::int64_t bytes = static_cast<std::int64_t>(1) << 20;
  std::uint64_t sequence = 1;
  for (int next = 0; next < count;) {
    std::vector<std::string> items;
    for (; items.size() < 100 && next < count; ++next) items.push_back(std::to_string(next));
    const std::string frame = publish_bytes(sequence, topic, items);
    sequence += items.size();
    while (bytes <= 0) {
      const auto record = client.next(10s);
      if (!record || record->kind == refused || record->kind == denied) return 1;
      if (record->kind == grant) bytes += static_cast<std::int64_t>(record->number);
    }
    client.send(frame);
    bytes -= static_cast<std::int64_t>(frame.size());
  }
  client.send(record_bytes(goodbye, 0));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::string endpoint = argv[1], keys_dir = argv[2], name = argv[3], what = argv[4],
                    topic = argv[5];
  const auto client = RawClient::join(endpoint, RawKeys::load(keys_dir, name));
  if (what == "sub") return subscribe_until_killed(*client, topic);
  return publish_all(*client, topic, std::stoi(argv[6]));
}
