#include "common/host/setting_table.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

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

template <Money EconomySettings::* member>
constexpr Check amount_check(std::string_view key) {
  return {"economy", key, [](const Settings& settings) {
            return (settings.economy.*member).is_negative() ? not_negative : std::string_view();
          }};
}

template <Money EconomySettings::* member>
constexpr Check above_zero_check(std::string_view key) {
  return {"economy", key, [](const Settings& settings) -> std::string_view {
            return (settings.economy.*member).is_positive() ? "" : "an amount above zero";
          }};
}

template <Money EconomySettings::* member>
constexpr Check share_check(std::string_view key) {
  return {"economy", key, [](const Settings& settings) -> std::string_view {
            const Money share = settings.economy.*member;
            const bool is_share = !share.is_negative() && share.units() <= Money::units_per_one;
            return is_share ? "" : "from 0.00 to 1.00";
          }};
}

constexpr Duration time_min = std::chrono::milliseconds(1),
                   time_max = std::chrono::hours(24 * 3'660);

template <Duration EconomySettings::* member>
constexpr Check time_check(std::string_view key) {
  return {"economy", key, [](const Settings& settings) {
            return within(settings.economy.*member, time_min, time_max, "from 1ms to ten years");
          }};
}

/// "MODEL RATE_IN RATE_OUT".
bool is_model_rate(const std::string& text) {
  std::istringstream words(text);
  std::string model, rate_in, rate_out, more;
  if (!(words >> model >> rate_in >> rate_out) || words >> more) return false;
  const auto is_rate = [](const std::string& word) {
    const auto rate = Money::parse(word);
    return rate && !rate->is_negative();
  };
  return is_rate(rate_in) && is_rate(rate_out);
}

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
    amount_check<&EconomySettings::genesis_grant>("genesis_grant"),
    amount_check<&EconomySettings::treasury_grant>("treasury_grant"),
    amount_check<&EconomySettings::entropy_base>("entropy_base"),
    amount_check<&EconomySettings::idle_penalty>("idle_penalty"),
    amount_check<&EconomySettings::fee_cap>("fee_cap"),
    above_zero_check<&EconomySettings::research_stake>("research_stake"),
    amount_check<&EconomySettings::lookup_fee>("lookup_fee"),
    above_zero_check<&EconomySettings::bet_min>("bet_min"),
    share_check<&EconomySettings::confidence_min>("confidence_min"),
    share_check<&EconomySettings::bet_share>("bet_share"),
    share_check<&EconomySettings::bets_share_max>("bets_share_max"),
    share_check<&EconomySettings::wager_share_max>("wager_share_max"),
    amount_check<&EconomySettings::funds_min>("funds_min"),
    above_zero_check<&EconomySettings::default_bounty>("default_bounty"),
    time_check<&EconomySettings::wager_horizon>("wager_horizon"),
    time_check<&EconomySettings::price_every>("price_every"),
    time_check<&EconomySettings::default_deadline>("default_deadline"),
    time_check<&EconomySettings::deadline_max>("deadline_max"),
    {"economy", "models",
     [](const Settings& settings) -> std::string_view {
       return std::ranges::all_of(settings.economy.models, is_model_rate)
                  ? ""
                  : "\"MODEL RATE_IN RATE_OUT\", with rates that are not negative";
     }},
    {"market_maker", "questions",
     [](const Settings& settings) -> std::string_view {
       return settings.market_maker.questions == Text<1'024>() ? "the path of a file" : "";
     }},
    {"market_maker", "bounty",
     [](const Settings& settings) -> std::string_view {
       return settings.market_maker.bounty > Money() ? "" : "an amount above zero";
     }},
    {"market_maker", "deadline",
     [](const Settings& settings) {
       return within(settings.market_maker.deadline.value_or(time_min), time_min, time_max,
                     "from 1ms to ten years");
     }},
    {"market_maker", "every",
     [](const Settings& settings) {
       using namespace std::chrono_literals;
       return within(settings.market_maker.every, 100ms, 24h, "from 100ms to 24h");
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
