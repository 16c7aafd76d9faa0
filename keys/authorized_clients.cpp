#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/toml.hpp"
#include "common/bus/topic.hpp"
#include "keys/files.hpp"
#include "keys/keyring.hpp"
#include "keys/roles.hpp"

namespace guild::keys {
namespace {

constexpr std::string_view header =
    "# The clients of this suite's bus: who may connect, and what each may do. Anything that is "
    "not\n"
    "# here is refused. `guild keys add` and `guild keys revoke` write this file; edited by hand "
    "it is\n"
    "# taken up too. The broker reads a change within a second; a list with a fault is refused "
    "whole,\n"
    "# the broker says why and keeps the earlier one.\n"
    "#\n"
    "# Patterns: levels between slashes; * is one level, a last ** the rest. A wildcard never lets "
    "a\n"
    "# client publish or serve under bus, ledger, tasks, logs, logs-committed or a daemon's name: "
    "for\n"
    "# that the first level is written out.\n";

/// Text fields, then lists of patterns; in the order in which they are written.
constexpr std::string_view fields[] = {"name",      "public_key", "role", "publish",
                                       "subscribe", "request",    "serve"};

std::unexpected<Error> refuse(std::string message, std::string next_step = {}) {
  return fail(ErrorKind::invalid, "list_invalid", std::move(message), std::move(next_step));
}

/// Reads one [[client]]; every error names the client and the field.
class ClientReader {
 public:
  ClientReader(const toml::table& table, std::size_t number) : table_(table), number_(number) {}

  Result<AuthorizedClient> read() {
    AuthorizedClient client;
    GUILD_TRY(client.name, text("name"));
    name_ = client.name;
    if (const auto checked = check_name("client name", client.name); !checked)
      return refuse_field("name", checked.error().message, checked.error().next_step);
    GUILD_CHECK(check_fields());
    GUILD_TRY(client.public_key, public_key());
    GUILD_TRY(client.role, text("role"));
    if (find_role(client.role) == nullptr)
      return refuse_field("role", guild::quoted(client.role) + " is not a role",
                          fmt::format("roles are {}", fmt::join(role_names(), ", ")));
    GUILD_TRY(client.publish, patterns("publish"));
    GUILD_TRY(client.subscribe, patterns("subscribe"));
    GUILD_TRY(client.request, patterns("request"));
    GUILD_TRY(client.serve, patterns("serve"));
    return client;
  }

 private:
  std::unexpected<Error> refuse_field(std::string_view field, std::string_view what,
                                      std::string next_step = {}) const {
    const toml::node* node = table_.get(field);
    const auto line = (node == nullptr ? table_.source() : node->source()).begin.line;
    const std::string client = name_.empty() ? fmt::format("client number {}", number_)
                                             : fmt::format("client {}", guild::quoted(name_));
    return refuse(fmt::format("line {}: {}: {}: {}", line, client, field, what),
                  std::move(next_step));
  }

  Result<void> check_fields() const {
    for (const auto& [key, value] : table_) {
      if (std::ranges::find(fields, key.str()) != std::end(fields)) continue;
      const std::string_view near = nearest(key.str(), fields);
      return refuse_field(key.str(), "unknown field",
                          near.empty() ? fmt::format("fields are {}", fmt::join(fields, ", "))
                                       : fmt::format("did you mean {}?", near));
    }
    return {};
  }

  Result<std::string> text(std::string_view field) const {
    const toml::node* node = table_.get(field);
    if (node == nullptr) return refuse_field(field, "missing");
    const auto* value = node->as_string();
    if (value == nullptr)
      return refuse_field(field, fmt::format("{}, not a string", toml_type_name(*node)));
    return value->get();
  }

  Result<PublicKey> public_key() const {
    GUILD_TRY(const std::string hex, text("public_key"));
    auto key = from_hex_exactly<std::tuple_size_v<PublicKey>>(hex);
    if (!key)
      return refuse_field("public_key", key.error().message,
                          "the key is the content of keys/NAME/bus.public");
    if (*key == PublicKey{}) return refuse_field("public_key", "all zeros is not a key");
    return *key;
  }

  Result<std::vector<std::string>> patterns(std::string_view field) const {
    const toml::node* node = table_.get(field);
    if (node == nullptr) return std::vector<std::string>{};
    const auto* values = node->as_array();
    if (values == nullptr)
      return refuse_field(field, fmt::format("{}, not an array", toml_type_name(*node)));
    if (values->size() > patterns_max)
      return refuse_field(field,
                          fmt::format("{} patterns, at most {}", values->size(), patterns_max));
    std::vector<std::string> read;
    for (const toml::node& value : *values) {
      GUILD_TRY(read.emplace_back(), pattern(field, read.size(), value));
    }
    return read;
  }

  Result<std::string> pattern(std::string_view field, std::size_t index,
                              const toml::node& node) const {
    const std::string place = fmt::format("pattern {}: ", index + 1);
    const auto* value = node.as_string();
    if (value == nullptr)
      return refuse_field(field, place + std::string(toml_type_name(node)) + ", not a string");
    if (const auto checked = bus::check_pattern(value->get()); !checked)
      return refuse_field(field, place + checked.error().message, checked.error().next_step);
    return value->get();
  }

  const toml::table& table_;
  std::size_t number_;
  std::string name_;
};

Result<const toml::array*> client_tables(const toml::table& list) {
  static const toml::array none;
  for (const auto& [key, value] : list) {
    if (key.str() != "client")
      return refuse(fmt::format("line {}: {}: unknown key", value.source().begin.line,
                                guild::quoted(key.str())),
                    "the list has nothing but [[client]] tables");
  }
  const toml::node* node = list.get("client");
  if (node == nullptr) return &none;
  const toml::array* clients = node->as_array();
  if (clients == nullptr)
    return refuse(fmt::format("line {}: client: {}, not an array of tables",
                              node->source().begin.line, toml_type_name(*node)),
                  "write [[client]], with two brackets");
  if (clients->size() > clients_max)
    return refuse(fmt::format("{} clients, at most {}", clients->size(), clients_max));
  return clients;
}

Result<void> check_unique(const std::vector<AuthorizedClient>& clients) {
  std::set<std::string_view> names;
  std::map<PublicKey, std::string_view> keys;
  for (const AuthorizedClient& client : clients) {
    if (!names.insert(client.name).second)
      return refuse(fmt::format("client {}: name: listed twice", guild::quoted(client.name)));
    const auto [holder, is_new] = keys.emplace(client.public_key, client.name);
    if (!is_new)
      return refuse(fmt::format("client {}: public_key: the key of client {} too",
                                guild::quoted(client.name), guild::quoted(holder->second)),
                    "every client has a keypair of its own");
  }
  return {};
}

std::string format_patterns(const std::vector<std::string>& patterns) {
  std::vector<std::string> quoted_patterns;
  for (const std::string& pattern : patterns) quoted_patterns.push_back(toml_quoted(pattern));
  return fmt::format("[{}]", fmt::join(quoted_patterns, ", "));
}

Result<void> check_list_permissions(const std::filesystem::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0)
    return fail(errno == ENOENT ? Error{ErrorKind::not_found, "keys_missing",
                                        path.string() + ": there is no list of clients",
                                        "make the keys first: guild keys init"}
                                : system_error(path.string(), errno));
  if (!S_ISREG(found.st_mode))
    return fail(ErrorKind::denied, "secret_permissions", path.string() + ": not a regular file",
                "put the list itself there");
  if ((found.st_mode & 022U) == 0) return {};
  return fail(ErrorKind::denied, "secret_permissions",
              fmt::format("{}: mode {:04o} lets others change who may connect", path.string(),
                          found.st_mode & 07777U),
              fmt::format("read it through, then: chmod 600 {}", path.string()));
}

}  // namespace

Result<std::vector<AuthorizedClient>> parse_authorized_clients(std::string_view text) {
  if (text.size() > list_bytes_max)
    return refuse(fmt::format("{} bytes, at most {}", text.size(), list_bytes_max));
  auto list = parse_toml(text, list_file_name);
  if (!list) return refuse(list.error().message, list.error().next_step);
  GUILD_TRY(const toml::array* tables, client_tables(*list));
  std::vector<AuthorizedClient> clients;
  for (const toml::node& node : *tables) {
    const toml::table* table = node.as_table();
    if (table == nullptr)
      return refuse(fmt::format("line {}: client: {}, not a table", node.source().begin.line,
                                toml_type_name(node)));
    GUILD_TRY(clients.emplace_back(), ClientReader(*table, clients.size() + 1).read());
  }
  GUILD_CHECK(check_unique(clients));
  return clients;
}

Result<std::vector<AuthorizedClient>> load_authorized_clients(
    const std::filesystem::path& keys_dir) {
  const std::filesystem::path path = keys_dir / list_file_name;
  GUILD_CHECK(check_list_permissions(path));
  GUILD_TRY(const std::string text, read_file(path, list_bytes_max));
  auto clients = parse_authorized_clients(text);
  if (!clients) return fail(std::move(clients).error().while_doing(path.string()));
  return clients;
}

std::string format_authorized_clients(const std::vector<AuthorizedClient>& clients) {
  std::string text(header);
  for (const AuthorizedClient& client : clients) {
    text += fmt::format("\n[[client]]\nname = {}\nrole = {}\npublic_key = {}\n",
                        toml_quoted(client.name), toml_quoted(client.role),
                        toml_quoted(to_hex(client.public_key)));
    text += fmt::format("publish = {}\nsubscribe = {}\nrequest = {}\nserve = {}\n",
                        format_patterns(client.publish), format_patterns(client.subscribe),
                        format_patterns(client.request), format_patterns(client.serve));
  }
  return text;
}

}  // namespace guild::keys
