// BusHome: a home with a real broker running, and raw clients with its keys.
#pragma once

#include <memory>
#include <string>

#include "tests/integration/raw_client.hpp"
#include "tests/support/home.hpp"

namespace guild::test {

using raw::RawClient, raw::RawKeys;

class BusHome : public TestHome {
 public:
  /// Clients of role `client` (`apps/**`) called app-a and app-b are on the list.
  BusHome() {
    add_key("app-a", "client");
    add_key("app-b", "client");
    start("broker");
  }

  RawKeys keys_of(const std::string& name) const { return RawKeys::load(keys(), name); }
  std::unique_ptr<RawClient> join(const std::string& name, std::uint32_t messages = 1U << 20U,
                                  std::uint64_t bytes = 4U << 20U) const {
    return RawClient::join(bus_endpoint(), keys_of(name), messages, bytes);
  }
  /// A client that hears what the broker refuses.
  std::unique_ptr<RawClient> watch_denials() const {
    auto watcher = join("operator");
    if (watcher->ask(raw::subscribe, "bus/denied").kind != raw::done)
      throw std::runtime_error("bus/denied");
    return watcher;
  }
  /// The next refusal told on bus/denied with one of these reasons, as JSON; "" when none comes.
  static std::string next_denial(RawClient& watcher, const std::vector<std::string>& reasons,
                                 std::chrono::milliseconds limit = std::chrono::seconds(5)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      const auto record =
          watcher.next_of(raw::deliver, std::max(left, std::chrono::milliseconds(0)));
      if (!record) return {};
      for (const std::string& item : record->items())
        for (const std::string& reason : reasons)
          if (item.find("\"reason\":\"" + reason + "\"") != std::string::npos) return item;
    }
  }
};

}  // namespace guild::test
