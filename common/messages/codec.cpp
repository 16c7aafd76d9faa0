#include "common/messages/codec_impl.hpp"

#include <fmt/format.h>

namespace guild::messages {
namespace field {
namespace {

std::string_view kind_name(const Node& node) {
  switch (node.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::other_number:
      return "a number with a point, an exponent or over 64 bits";
    case Kind::text:
      return "a string";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return "";
}

std::string list_of(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list.empty() ? "none" : list;
}

/// The error of a leaf's own parser, told of this field.
std::unexpected<Error> refuse_value(const Path& path, const Error& why) {
  return refuse(path, "field_value", why.message, why.next_step);
}

void append_path(std::string& out, const Path& path) {
  if (path.parent == nullptr) return;
  append_path(out, *path.parent);
  if (path.index) {
    fmt::format_to(std::back_inserter(out), "[{}]", *path.index);
    return;
  }
  if (!out.empty()) out += '.';
  out += escape_to_ascii(utf8_prefix(path.key, 64));
}

}  // namespace

std::string Path::text() const {
  std::string out;
  append_path(out, *this);
  return out;
}

std::unexpected<Error> refuse(const Path& path, std::string code, std::string_view problem,
                              std::string next_step) {
  const std::string where = path.text();
  return fail(ErrorKind::invalid, std::move(code),
              where.empty() ? fmt::format("the message: {}", problem)
                            : fmt::format("field {}: {}", where, problem),
              std::move(next_step));
}

std::unexpected<Error> wrong_type(const Path& path, const Node& node, std::string_view expected) {
  return refuse(path, "field_type", fmt::format("expected {}, got {}", expected, kind_name(node)));
}

std::unexpected<Error> unknown_field(const Path& path, std::span<const std::string_view> known) {
  const std::string_view near = nearest(path.key, known);
  return refuse(path, "field_unknown", "there is no such field",
                near.empty() ? fmt::format("known fields: {}", list_of(known))
                             : fmt::format("did you mean {}?", near));
}

std::unexpected<Error> unknown_name(const Path& path, std::string_view name,
                                    std::span<const std::string_view> known) {
  const std::string_view near = nearest(name, known);
  return refuse(path, "field_value", fmt::format("{} is not one of its values", quoted(name)),
                near.empty() ? fmt::format("use one of: {}", list_of(known))
                             : fmt::format("did you mean {}?", near));
}

std::unexpected<Error> missing(const Path& parent, std::string_view name) {
  return refuse({&parent, name, {}}, "field_missing", "it is required and not there");
}

std::unexpected<Error> too_many(const Path& path, std::size_t count, std::size_t max) {
  return refuse(path, "field_too_long", fmt::format("{} elements, at most {}", count, max));
}

Result<std::string_view> read_text(const Node& node, const Path& path, std::size_t bytes_max) {
  if (node.kind != Kind::text) return wrong_type(path, node, "a string");
  if (node.text.size() > bytes_max) {
    return refuse(path, "field_too_long",
                  fmt::format("{} bytes, at most {}", node.text.size(), bytes_max));
  }
  if (node.text.find('\0') != std::string_view::npos) {
    return refuse(path, "field_value", "it holds a NUL character");
  }
  return node.text;
}

Result<std::int64_t> read_integer(const Node& node, const Path& path, std::int64_t min,
                                  std::int64_t max) {
  if (node.kind != Kind::integer) return wrong_type(path, node, "an integer");
  if (node.integer < min || node.integer > max) {
    return refuse(path, "field_range",
                  fmt::format("{} is not from {} to {}", node.integer, min, max));
  }
  return node.integer;
}

Result<void> read(const Node& node, const Path& path, bool& to) {
  if (node.kind != Kind::boolean) return wrong_type(path, node, "true or false");
  to = node.truth;
  return {};
}

Result<void> read(const Node& node, const Path& path, std::string& to) {
  GUILD_TRY(to, read_text(node, path, string_bytes_max));
  return {};
}

Result<void> read(const Node& node, const Path& path, Money& to) {
  if (node.kind == Kind::integer || node.kind == Kind::other_number) {
    return refuse(path, "field_type", "expected an amount as a string, got a number",
                  "write amounts as text, like \"12.50\"");
  }
  GUILD_TRY(const std::string_view text, read_text(node, path, string_bytes_max));
  auto money = Money::parse(text);
  if (!money) return refuse_value(path, money.error());
  to = *money;
  return {};
}

Result<void> read(const Node& node, const Path& path, Uuid& to) {
  GUILD_TRY(const std::string_view text, read_text(node, path, string_bytes_max));
  auto id = Uuid::parse(text);
  if (!id) return refuse_value(path, id.error());
  to = *id;
  return {};
}

Result<void> read(const Node& node, const Path& path, Instant& to) {
  GUILD_TRY(const std::string_view text, read_text(node, path, string_bytes_max));
  auto at = from_rfc3339(text);
  if (!at) return refuse_value(path, at.error());
  to = *at;
  return {};
}

Result<void> read(const Node& node, const Path& path, Duration& to) {
  GUILD_TRY(const std::string_view text, read_text(node, path, string_bytes_max));
  auto duration = parse_duration(text);
  if (!duration) return refuse_value(path, duration.error());
  to = *duration;
  return {};
}

Result<void> read(const Node& node, const Path& path, JsonObject& to) {
  if (node.kind != Kind::object) return wrong_type(path, node, "an object");
  const std::size_t levels = json::levels_of(node);
  if (levels > object_levels_max) {
    return refuse(path, "field_too_long",
                  fmt::format("{} levels, at most {}", levels, object_levels_max));
  }
  to.text.clear();
  json::append_node(to.text, node);
  if (to.text.size() > object_bytes_max) {
    return refuse(path, "field_too_long",
                  fmt::format("{} bytes, at most {}", to.text.size(), object_bytes_max));
  }
  return {};
}

void write(std::string& out, bool value) { out += value ? "true" : "false"; }

void write(std::string& out, const std::string& value) { json::append_quoted(out, value); }

namespace {

/// Text of digits, letters and signs only, which needs no escaping.
void append_plain(std::string& out, std::string_view text) {
  out += '"';
  out += text;
  out += '"';
}

}  // namespace

void write(std::string& out, Money value) { append_plain(out, value.text()); }
void write(std::string& out, const Uuid& value) { append_plain(out, value.text()); }
void write(std::string& out, Instant value) { append_plain(out, to_rfc3339(value)); }
void write(std::string& out, Duration value) { append_plain(out, to_text(value)); }
void write(std::string& out, const JsonObject& value) { out += value.text; }

}  // namespace field

namespace {

struct WireError {
  std::string kind, code, message, next_step;
};
BOOST_DESCRIBE_STRUCT(WireError, (), (kind, code, message, next_step))
GUILD_OPTIONAL_FIELDS(WireError, "next_step")

std::string shortened(std::string_view text) {
  return std::string(utf8_prefix(text, field::string_bytes_max));
}

}  // namespace

std::string encode_error(const Error& error) {
  return encode(WireError{std::string(to_string(error.kind)), error.code, shortened(error.message),
                          shortened(error.next_step)});
}

Error decode_error(std::string_view text) {
  auto wire = decode<WireError>(text);
  if (!wire) {
    return {ErrorKind::failed, "error_malformed",
            "the error that came back is not readable: " + wire.error().message, ""};
  }
  return {error_kind_from(wire->kind), std::move(wire->code), std::move(wire->message),
          std::move(wire->next_step)};
}

}  // namespace guild::messages
