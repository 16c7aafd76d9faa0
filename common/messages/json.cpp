#include "common/messages/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

/// Takes the parser's events, named and shaped as nlohmann's SAX interface wants them, and lays out
/// the nodes. A function that answers false ends the parse.
class Builder {
 public:
  explicit Builder(std::size_t text_size) {
    // Unescaped text is never longer than the input, so nothing moves while views are taken; and
    // never in the string's own small buffer, so that they survive the Document's moves.
    document_.texts_.reserve(std::max<std::size_t>(text_size, 64));
  }

  bool null() { return scalar({.kind = Kind::null}); }
  bool boolean(bool truth) { return scalar({.kind = Kind::boolean, .truth = truth}); }
  bool number_integer(std::int64_t value) {
    return scalar({.kind = Kind::integer, .integer = value});
  }
  bool number_unsigned(std::uint64_t value) {
    if (!std::in_range<std::int64_t>(value)) return number_float(0, fmt::to_string(value));
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double /*rounded*/, const std::string& written) {
    return scalar({.kind = Kind::other_number, .text = keep(written)});
  }
  bool string(const std::string& text) { return scalar({.kind = Kind::text, .text = keep(text)}); }
  bool binary(const nlohmann::json::binary_t& /*never in text*/) { return false; }
  bool key(const std::string& key) {
    key_ = keep(key);
    return true;
  }
  bool start_object(std::size_t /*unknown*/) { return open(Kind::object); }
  bool end_object() { return keys_differ() && close(); }
  bool start_array(std::size_t /*unknown*/) { return open(Kind::array); }
  bool end_array() { return close(); }
  // The library's own message quotes the input, which may hold a secret.
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    return refuse(not_json(fmt::format("syntax error at byte {}", position)));
  }

  Result<Document> take(bool parsed) {
    if (!parsed) return fail(std::move(refusal_));
    return std::move(document_);
  }

 private:
  std::vector<Node>& nodes() { return document_.nodes_; }

  bool refuse(Error error) {
    refusal_ = std::move(error);
    return false;
  }

  std::string_view keep(std::string_view text) {
    std::string& texts = document_.texts_;
    const std::size_t start = texts.size();
    texts.append(text);
    return std::string_view(texts).substr(start);
  }

  bool scalar(Node node) {
    if (!open_.empty()) ++nodes()[open_.back()].size;
    node.key = std::exchange(key_, {});
    nodes().push_back(node);
    return true;
  }

  bool open(Kind kind) {
    if (open_.size() == levels_max) {
      return refuse(not_json(fmt::format("more than {} levels", levels_max)));
    }
    scalar({.kind = kind});
    open_.push_back(nodes().size() - 1);
    return true;
  }

  bool close() {
    const std::size_t closed = open_.back();
    nodes()[closed].span = static_cast<std::uint32_t>(nodes().size() - closed);
    open_.pop_back();
    return true;
  }

  bool keys_differ() {
    keys_.clear();
    for (std::size_t i = open_.back() + 1; i < nodes().size(); i += nodes()[i].span) {
      keys_.push_back(nodes()[i].key);
    }
    std::string_view twice;
    if (!has_twice(keys_, twice)) return true;
    return refuse({ErrorKind::invalid, "field_value",
                   fmt::format("field {}{} is there twice", path_of_open(), escape_to_ascii(twice)),
                   "send each field once"});
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
  Error refusal_;
};

Result<Document> Document::parse(std::string_view text) {
  if (text.size() > text_bytes_max) {
    return fail(not_json(fmt::format("{} bytes, more than {}", text.size(), text_bytes_max)));
  }
  Builder builder(text.size());
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take(parsed);
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
