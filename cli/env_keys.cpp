#include "cli/env_keys.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>

#include "common/base/text.hpp"

namespace guild::cli {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view export_word = "export ";
constexpr std::string_view key_suffix = "_API_KEY";
constexpr std::string_view secret_suffix = "_API_SECRET";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
             std::string_view::npos;
}

/// What is assigned; nothing when it is not one word.
std::optional<std::string_view> value_of(std::string_view text) {
  if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
    const auto end = text.find(text[0], 1);
    if (end == std::string_view::npos) return {};
    const std::string_view rest = trimmed(text.substr(end + 1));
    if (!rest.empty() && rest[0] != '#') return {};
    return text.substr(1, end - 1);
  }
  if (const auto comment = text.find(" #"); comment != std::string_view::npos)
    text = trimmed(text.substr(0, comment));
  if (text.find_first_of(" \t\"'") != std::string_view::npos) return {};
  return text;
}

std::unexpected<Error> wrong_line(std::size_t number) {
  return fail(ErrorKind::invalid, "env_format", fmt::format("line {} is not NAME=VALUE", number),
              "write HANDLE_API_KEY=… and HANDLE_API_SECRET=…, a line each");
}

class EnvKeys {
 public:
  Result<void> take(std::string_view line, std::size_t number) {
    line = trimmed(line);
    if (line.empty() || line[0] == '#') return {};
    if (line.starts_with(export_word)) line = trimmed(line.substr(export_word.size()));
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || !is_name(line.substr(0, equals)))
      return wrong_line(number);
    const auto value = value_of(trimmed(line.substr(equals + 1)));
    if (!value) return wrong_line(number);
    return assign(line.substr(0, equals), *value, number);
  }

  std::vector<messages::BotKey> keys() const {
    std::vector<messages::BotKey> keys;
    keys.reserve(by_name_.size());
    for (const auto& [name, key] : by_name_) keys.push_back(key);
    return keys;
  }

 private:
  Result<void> assign(std::string_view name, std::string_view value, std::size_t number) {
    if (name.ends_with(key_suffix))
      return set(name, key_suffix, value, number, &messages::BotKey::api_key);
    if (name.ends_with(secret_suffix))
      return set(name, secret_suffix, value, number, &messages::BotKey::api_secret);
    return {};
  }

  Result<void> set(std::string_view name, std::string_view suffix, std::string_view value,
                   std::size_t number, Text<128> messages::BotKey::* field) {
    name.remove_suffix(suffix.size());
    if (name.empty() || name.size() > Text<64>::size_max || value.empty() ||
        value.size() > Text<128>::size_max || !is_utf8(value))
      return wrong_line(number);
    messages::BotKey& key = by_name_[std::string(name)];
    key.name = std::string(name);
    if (!(key.*field).empty())
      return fail(ErrorKind::invalid, "env_duplicate",
                  fmt::format("line {} assigns {}{} a second time", number, name, suffix),
                  "keep one of the two");
    key.*field = std::string(value);
    if (by_name_.size() <= env_keys_max) return {};
    return fail(ErrorKind::exhausted, "env_too_many",
                fmt::format("there are keys of over {} bots", env_keys_max), "split the file");
  }

  std::map<std::string, messages::BotKey, std::less<>> by_name_;
};

}  // namespace

Result<std::vector<messages::BotKey>> parse_env_keys(std::string_view text) {
  EnvKeys keys;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    GUILD_CHECK(keys.take(text.substr(0, end), number));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return keys.keys();
}

}  // namespace guild::cli
