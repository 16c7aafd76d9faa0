#include "common/host/setting_table.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace guild::host {
namespace {

using boost::describe::describe_members;
using boost::describe::mod_public;
using boost::mp11::mp_for_each;

std::string variable_name(std::string_view section, std::string_view key) {
  std::string name = fmt::format("GUILD_{}_{}", section, key);
  std::ranges::transform(name, name.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

template <class SectionMember, class KeyMember>
Setting setting_of() {
  return {.section = SectionMember::name,
          .key = KeyMember::name,
          .variable = variable_name(SectionMember::name, KeyMember::name),
          .read =
              [](const values::Source& source, Settings& settings) {
                return values::read(source, settings.*SectionMember::pointer.*KeyMember::pointer);
              },
          .write =
              [](const Settings& settings) {
                return values::write(settings.*SectionMember::pointer.*KeyMember::pointer);
              }};
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  mp_for_each<describe_members<Settings, mod_public>>([&]<class Section>(Section) {
    using Members = std::remove_cvref_t<decltype(std::declval<Settings&>().*Section::pointer)>;
    mp_for_each<describe_members<Members, mod_public>>(
        [&]<class Key>(Key) { table.push_back(setting_of<Section, Key>()); });
  });
  return table;
}

/// What a type cannot say: "" when fine, else what is expected.
struct Check {
  std::string_view section, key;
  std::string_view (*expected)(const Settings& settings);
};

std::string_view within(Duration value, Duration min, Duration max, std::string_view expected) {
  return value < min || value > max ? expected : std::string_view();
}

bool is_numeric_address(const std::string& text) {
  in6_addr ignored{};
  return inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

/// "ipc://PATH" or "tcp://ADDRESS:PORT".
bool is_endpoint(std::string_view text) {
  constexpr std::string_view ipc = "ipc://", tcp = "tcp://";
  if (text.starts_with(ipc)) return text.size() > ipc.size();
  if (!text.starts_with(tcp)) return false;
  text.remove_prefix(tcp.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = text.substr(colon + 1);
  return !port.empty() && port.size() <= 5 &&
         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(port)) >= 1 && std::stoi(std::string(port)) <= 65'535;
}

constexpr std::string_view not_negative = "an amount that is not negative";

constexpr Check checks[] = {
    {"bus", "endpoint",
     [](const Settings& settings) -> std::string_view {
       return is_endpoint(settings.bus.endpoint->view())
                  ? ""
                  : "ipc://PATH or tcp://ADDRESS:PORT with a port from 1 to 65535";
     }},
    {"log", "fallback_after",
     [](const Settings& settings) {
       using namespace std::chrono_literals;
       return within(settings.log.fallback_after, 1ms, 24h, "from 1ms to 24h");
     }},
    {"economy", "genesis_grant",
     [](const Settings& settings) {
       return settings.economy.genesis_grant.is_negative() ? not_negative : std::string_view();
     }},
    {"economy", "treasury_grant",
     [](const Settings& settings) {
       return settings.economy.treasury_grant.is_negative() ? not_negative : std::string_view();
     }},
    {"scheduler", "cancel_grace",
     [](const Settings& settings) {
       using namespace std::chrono_literals;
       return within(settings.scheduler.cancel_grace, 0ms, 1h, "from 0s to 1h");
     }},
    {"gateway", "address",
     [](const Settings& settings) -> std::string_view {
       return is_numeric_address(settings.gateway.address.value) ? ""
                                                                 : "a numeric IPv4 or IPv6 address";
     }},
    {"gateway", "request_timeout",
     [](const Settings& settings) {
       using namespace std::chrono_literals;
       return within(settings.gateway.request_timeout, 1ms, 10min, "from 1ms to 10m");
     }},
};

}  // namespace

std::span<const Setting> all_settings() {
  static const std::vector<Setting> table = make_table();
  return table;
}

Result<void> apply(const Setting& setting, const values::Source& source, Settings& settings) {
  Settings changed = settings;
  GUILD_CHECK(setting.read(source, changed));
  for (const Check& check : checks) {
    if (check.section != setting.section || check.key != setting.key) continue;
    if (const std::string_view expected = check.expected(changed); !expected.empty())
      return values::refuse_range(source, setting.write(changed), expected);
  }
  settings = std::move(changed);
  return {};
}

}  // namespace guild::host
