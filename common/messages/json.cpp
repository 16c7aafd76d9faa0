#include "common/messages/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>
// Its event parser takes 0.45 us for a log record; nlohmann's takes 2.5.
#include <boost/json/basic_parser_impl.hpp>

#include "common/base/text.hpp"

namespace guild::messages::json {
namespace {

/// Up to this many members, comparing each with each is cheaper than sorting.
constexpr std::size_t few_members = 16;

Error not_json(const std::string& why) {
  return {ErrorKind::invalid, "json_invalid", "not valid JSON: " + why,
          "send one JSON value in UTF-8, at most 1 MiB and 16 levels deep"};
}

bool has_twice(std::vector<std::string_view>& keys, std::string_view& which) {
  if (keys.size() > few_members) {
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) which = *twice;
    return twice != keys.end();
  }
  for (std::size_t i = 1; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (keys[i] == keys[j]) return which = keys[i], true;
    }
  }
  return false;
}

}  // namespace

/// Takes the parser's events, named and shaped as Boost.JSON's basic_parser wants them, and lays
/// out the nodes. A function that answers false has set `error`, which ends the parse.
class Builder {
 public:
  using Code = boost::json::error_code;
  using View = boost::json::string_view;
  static constexpr std::size_t max_object_size = text_bytes_max;
  static constexpr std::size_t max_array_size = text_bytes_max;
  static constexpr std::size_t max_key_size = text_bytes_max;
  static constexpr std::size_t max_string_size = text_bytes_max;

  bool on_document_begin(Code& /*error*/) { return true; }
  bool on_document_end(Code& /*error*/) { return true; }
  bool on_null(Code& /*error*/) { return append({.kind = Kind::null}); }
  bool on_bool(bool truth, Code& /*error*/) {
    return append({.kind = Kind::boolean, .truth = truth});
  }
  bool on_int64(std::int64_t value, View /*written*/, Code& /*error*/) {
    piece_start_ = texts().size();
    return append({.kind = Kind::integer, .integer = value});
  }
  // Only what does not fit 64 signed bits.
  bool on_uint64(std::uint64_t /*value*/, View rest, Code& error) {
    return on_double(0, rest, error);
  }
  bool on_double(double rounded, View rest, Code& error) {
    if (std::isinf(rounded)) return refuse(not_json("a number that no double holds"), error);
    return append({.kind = Kind::other_number, .text = last_piece(rest)});
  }
  bool on_number_part(View part, Code& /*error*/) { return add_piece(part); }
  bool on_string_part(View part, std::size_t /*size*/, Code& /*error*/) { return add_piece(part); }
  bool on_string(View rest, std::size_t /*size*/, Code& /*error*/) {
    return append({.kind = Kind::text, .text = last_piece(rest)});
  }
  bool on_key_part(View part, std::size_t /*size*/, Code& /*error*/) { return add_piece(part); }
  bool on_key(View rest, std::size_t /*size*/, Code& /*error*/) {
    key_ = last_piece(rest);
    return true;
  }
  bool on_object_begin(Code& error) { return open(Kind::object, error); }
  bool on_object_end(std::size_t /*size*/, Code& error) { return keys_differ(error) && close(); }
  bool on_array_begin(Code& error) { return open(Kind::array, error); }
  bool on_array_end(std::size_t /*size*/, Code& /*error*/) { return close(); }
  bool on_comment_part(View /*never*/, Code& /*error*/) { return true; }
  bool on_comment(View /*never*/, Code& /*error*/) { return true; }

  void reserve(std::size_t text_size) {
    // Unescaped text is never longer than the input, so nothing moves while views are taken; and
    // never in the string's own small buffer, so that they survive the Document's moves.
    texts().reserve(std::max<std::size_t>(text_size, 64));
  }
  Document take() { return std::move(document_); }
  /// Why a function answered false; a syntax error is not told here.
  std::optional<Error>& refusal() { return refusal_; }

 private:
  std::vector<Node>& nodes() { return document_.nodes_; }
  std::string& texts() { return document_.texts_; }

  bool refuse(Error why, Code& error) {
    refusal_ = std::move(why);
    error = boost::json::error::syntax;
    return false;
  }

  bool add_piece(View piece) {
    texts().append(piece.data(), piece.size());
    return true;
  }
  std::string_view last_piece(View piece) {
    add_piece(piece);
    return std::string_view(texts()).substr(std::exchange(piece_start_, texts().size()));
  }

  bool append(Node node) {
    if (!open_.empty()) ++nodes()[open_.back()].size;
    node.key = std::exchange(key_, {});
    nodes().push_back(node);
    return true;
  }

  bool open(Kind kind, Code& error) {
    if (open_.size() == levels_max) {
      return refuse(not_json(fmt::format("more than {} levels", levels_max)), error);
    }
    append({.kind = kind});
    open_.push_back(nodes().size() - 1);
    return true;
  }

  bool close() {
    const std::size_t closed = open_.back();
    nodes()[closed].span = static_cast<std::uint32_t>(nodes().size() - closed);
    open_.pop_back();
    return true;
  }

  bool keys_differ(Code& error) {
    keys_.clear();
    for (std::size_t i = open_.back() + 1; i < nodes().size(); i += nodes()[i].span) {
      keys_.push_back(nodes()[i].key);
    }
    std::string_view twice;
    if (!has_twice(keys_, twice)) return true;
    return refuse({ErrorKind::invalid, "field_value",
                   fmt::format("field {}{} is there twice", path_of_open(), escape_to_ascii(twice)),
                   "send each field once"},
                  error);
  }

  /// Of the object that is open: "legs[2]." or "".
  std::string path_of_open() {
    std::string path;
    for (std::size_t depth = 1; depth < open_.size(); ++depth) {
      const Node& parent = nodes()[open_[depth - 1]];
      if (parent.kind == Kind::array) {
        if (!path.empty()) path.pop_back();
        fmt::format_to(std::back_inserter(path), "[{}].", parent.size - 1);
      } else {
        path += escape_to_ascii(nodes()[open_[depth]].key) + '.';
      }
    }
    return path;
  }

  Document document_;
  std::vector<std::size_t> open_;
  std::vector<std::string_view> keys_;
  std::string_view key_;
  std::size_t piece_start_ = 0;
  std::optional<Error> refusal_;
};

Result<Document> Document::parse(std::string_view text) {
  if (text.size() > text_bytes_max) {
    return fail(not_json(fmt::format("{} bytes, more than {}", text.size(), text_bytes_max)));
  }
  boost::json::basic_parser<Builder> parser{boost::json::parse_options{}};
  Builder& builder = parser.handler();
  builder.reserve(text.size());
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (auto& refusal = builder.refusal()) return fail(std::move(*refusal));
  // The library's own words are left out: they are about its states, not about the input.
  if (error || read < text.size())
    return fail(not_json(fmt::format("syntax error at byte {}", read)));
  return builder.take();
}

std::size_t levels_of(const Node& node) {
  if (node.kind != Kind::array && node.kind != Kind::object) return 0;
  std::size_t deepest = 0;
  for (const Node& child : node.children()) deepest = std::max(deepest, levels_of(child));
  return deepest + 1;
}

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
  }
}

/// Appends the character at the start of `text`, which is not plain; answers its bytes.
std::size_t append_character(std::string& out, std::string_view text) {
  if (static_cast<unsigned char>(text[0]) < 0x80) {
    append_escaped(out, text[0]);
    return 1;
  }
  for (std::size_t size = 2; size <= std::min<std::size_t>(4, text.size()); ++size) {
    if (!is_utf8(text.substr(0, size))) continue;
    out += text.substr(0, size);
    return size;
  }
  out += replacement;
  return 1;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    const auto plain = static_cast<std::size_t>(end - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) text.remove_prefix(append_character(out, text));
  }
  out += '"';
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  out.append(digits.begin(), end);
}

namespace {

void append_children(std::string& out, const Node& node, char opening, char closing) {
  char before = opening;
  if (node.size == 0) out += opening;
  for (const Node& child : node.children()) {
    out += std::exchange(before, ',');
    if (node.kind == Kind::object) {
      append_quoted(out, child.key);
      out += ':';
    }
    append_node(out, child);
  }
  out += closing;
}

}  // namespace

void append_node(std::string& out, const Node& node) {
  switch (node.kind) {
    case Kind::null:
      out += "null";
      return;
    case Kind::boolean:
      out += node.truth ? "true" : "false";
      return;
    case Kind::integer:
      return append_integer(out, node.integer);
    case Kind::other_number:
      out += node.text;
      return;
    case Kind::text:
      return append_quoted(out, node.text);
    case Kind::array:
      return append_children(out, node, '[', ']');
    case Kind::object:
      return append_children(out, node, '{', '}');
  }
}

}  // namespace guild::messages::json
