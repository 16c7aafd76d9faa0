#include "gateway/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base/text.hpp"

namespace guild::gateway {

namespace {

std::unexpected<Error> invalid(std::string_view name, std::string_view value,
                               std::string_view want) {
  return fail(ErrorKind::invalid, "parameter_invalid",
              fmt::format("the parameter {} is {}; it takes {}", name, quoted(value), want));
}

// Reads parameters one by one; the first failure sticks, so that a reader can be a flat list.
class Parameters {
 public:
  Parameters(const Request& request, std::span<const std::string_view> known) : request_(request) {
    for (const auto& [name, value] : request.query) {
      if (std::ranges::find(known, name) == known.end()) {
        const std::string_view near = nearest(name, known);
        error_ = Error{ErrorKind::invalid, "parameter_unknown",
                       fmt::format("there is no parameter {}", quoted(name)),
                       near.empty() ? "" : fmt::format("did you mean {}?", near)};
      } else if (request.query.count(name) > 1) {
        error_ = Error{ErrorKind::invalid, "parameter_repeated",
                       fmt::format("the parameter {} is given twice", name), ""};
      }
    }
  }

  std::optional<std::string> text(std::string_view name, std::size_t size_max) {
    const auto found = request_.query.find(std::string(name));
    if (found == request_.query.end()) return std::nullopt;
    if (found->second.size() > size_max || !is_utf8(found->second) ||
        found->second.find('\0') != std::string::npos) {
      set(invalid(name, found->second, fmt::format("at most {} bytes of UTF-8", size_max)));
      return std::nullopt;
    }
    return found->second;
  }

  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max) {
    const auto value = text(name, 32);
    if (!value) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, problem] =
        std::from_chars(value->data(), value->data() + value->size(), number);
    if (problem != std::errc() || end != value->data() + value->size() || number < min ||
        number > max) {
      set(invalid(name, *value, fmt::format("a whole number from {} to {}", min, max)));
      return std::nullopt;
    }
    return number;
  }

  bool flag(std::string_view name) {
    const auto value = text(name, 8);
    if (value && *value != "true" && *value != "false") set(invalid(name, *value, "true or false"));
    return value == "true";
  }

  std::optional<Uuid> id(std::string_view name) {
    const auto value = text(name, 64);
    if (!value) return std::nullopt;
    const auto id = Uuid::parse(*value);
    if (!id) return set(invalid(name, *value, "an id")), std::nullopt;
    return *id;
  }

  // An instant, or so long before now.
  std::optional<Instant> time(std::string_view name, Instant now) {
    const auto value = text(name, 64);
    if (!value) return std::nullopt;
    if (const auto ago = parse_duration(*value); ago && now.ns >= ago->count()) return now - *ago;
    const auto at = from_rfc3339(*value);
    if (!at)
      return set(invalid(name, *value,
                         "a time like 2026-01-02T03:04:05Z, or 10m for ten minutes ago")),
             std::nullopt;
    return *at;
  }

  template <class Enum>
  std::optional<Enum> word(std::string_view name) {
    const auto value = text(name, 64);
    if (!value) return std::nullopt;
    std::string known;
    std::optional<Enum> result;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Enum>>([&](auto each) {
      if (*value == each.name) result = each.value;
      known.append(known.empty() ? "" : ", ").append(each.name);
    });
    if (!result) set(invalid(name, *value, "one of " + known));
    return result;
  }

  template <class Query>
  Result<Query> result(Query query) {
    if (error_) return fail(*error_);
    return query;
  }

 private:
  void set(std::unexpected<Error> error) {
    if (!error_) error_ = std::move(error).error();
  }

  const Request& request_;
  std::optional<Error> error_;
};

}  // namespace

Result<messages::LogsQuery> read_logs_query(const Request& request, Instant now) {
  static constexpr std::string_view known[] = {"since", "until", "level",    "daemon", "module",
                                               "grep",  "trace", "after_id", "limit"};
  Parameters parameters(request, known);
  messages::LogsQuery query;
  query.since = parameters.time("since", now);
  query.until = parameters.time("until", now);
  query.level = parameters.word<messages::LogLevel>("level");
  query.daemon = parameters.text("daemon", 64);
  query.module = parameters.text("module", 64);
  query.grep = parameters.text("grep", 256);
  query.trace = parameters.text("trace", 64);
  query.after_id = parameters.integer("after_id", 0, INT64_MAX);
  if (const auto limit = parameters.integer("limit", 1, 1'000)) query.limit = *limit;
  return parameters.result(query);
}

Result<messages::ListTasks> read_list_tasks(const Request& request) {
  static constexpr std::string_view known[] = {"state", "bot", "before", "limit"};
  Parameters parameters(request, known);
  messages::ListTasks query;
  query.state = parameters.word<messages::TaskState>("state");
  query.bot = parameters.text("bot", 64);
  query.before = parameters.id("before");
  if (const auto limit = parameters.integer("limit", 1, 1'000)) query.limit = *limit;
  return parameters.result(query);
}

Result<messages::GetTaskOutput> read_task_output(const Request& request, Uuid task) {
  static constexpr std::string_view known[] = {"from", "bytes_max"};
  Parameters parameters(request, known);
  messages::GetTaskOutput query;
  query.id = task;
  query.from = parameters.integer("from", 0, INT64_MAX).value_or(0);
  if (const auto bytes = parameters.integer("bytes_max", 1, 524'288)) query.bytes_max = *bytes;
  return parameters.result(query);
}

Result<messages::ListBots> read_list_bots(const Request& request) {
  static constexpr std::string_view known[] = {"after", "limit"};
  Parameters parameters(request, known);
  messages::ListBots query;
  query.after = parameters.text("after", 64).value_or("");
  if (const auto limit = parameters.integer("limit", 1, 1'000)) query.limit = *limit;
  return parameters.result(query);
}

Result<messages::ListFeed> read_list_feed(const Request& request) {
  static constexpr std::string_view known[] = {"after", "limit"};
  Parameters parameters(request, known);
  messages::ListFeed query;
  query.after = parameters.integer("after", 0, INT64_MAX).value_or(0);
  if (const auto limit = parameters.integer("limit", 1, 1'000)) query.limit = *limit;
  return parameters.result(query);
}

Result<messages::ListMarkets> read_list_markets(const Request& request) {
  static constexpr std::string_view known[] = {"after", "open", "limit"};
  Parameters parameters(request, known);
  messages::ListMarkets query;
  query.after = parameters.integer("after", 0, INT64_MAX).value_or(0);
  query.open_only = parameters.flag("open");
  if (const auto limit = parameters.integer("limit", 1, 200)) query.limit = *limit;
  return parameters.result(query);
}

Result<messages::Observe> read_observe(const Request& request) {
  static constexpr std::string_view known[] = {"bot"};
  Parameters parameters(request, known);
  messages::Observe query;
  query.bot = parameters.text("bot", 64);
  return parameters.result(query);
}

Result<void> check_no_query(const Request& request) {
  if (request.query.empty()) return {};
  return fail(
      ErrorKind::invalid, "parameter_unknown",
      "this route takes no parameters; there is no " + quoted(request.query.begin()->first));
}

}  // namespace guild::gateway
