#include "common/log/redaction.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "common/messages/json.hpp"

namespace guild::log {
namespace {

using messages::json::Document;
using messages::json::Kind;
using messages::json::Node;

constexpr std::size_t extra_bytes_max = 8'192;
constexpr std::size_t extra_levels_max = 8;

constexpr std::array<std::string_view, 8> telling_parts{
    "password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "cookie"};

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

bool word_is_telling(std::string_view word) {
  if (word.ends_with("key") || word.ends_with("keys")) return true;
  return word.find("auth") != std::string_view::npos && word != "author" && word != "authors";
}

/// Words end at whatever is no letter, and before a capital that follows a small letter.
template <class Check>
bool any_word(std::string_view key, Check check) {
  std::string word;
  char previous = '\0';
  for (const char c : key) {
    const bool begins =
        !is_letter(c) || (is_upper(c) && is_letter(previous) && !is_upper(previous));
    if (begins && check(word)) return true;
    if (begins) word.clear();
    if (is_letter(c)) word.push_back(to_lower(c));
    previous = c;
  }
  return check(word);
}

void append_redacted(std::string& out, const Node& node);

void append_member(std::string& out, const Node& member) {
  messages::json::append_quoted(out, member.key);
  out += ':';
  if (is_secret_key(member.key)) {
    messages::json::append_quoted(out, redacted);
  } else {
    append_redacted(out, member);
  }
}

void append_redacted(std::string& out, const Node& node) {
  if (node.kind != Kind::object && node.kind != Kind::array) {
    return messages::json::append_node(out, node);
  }
  const bool is_object = node.kind == Kind::object;
  out += is_object ? '{' : '[';
  bool any = false;
  for (const Node& child : node.children()) {
    if (std::exchange(any, true)) out += ',';
    if (is_object) {
      append_member(out, child);
    } else {
      append_redacted(out, child);
    }
  }
  out += is_object ? '}' : ']';
}

std::string_view shown_value(std::string_view key, std::string_view value) {
  return is_secret_key(key) ? redacted : value;
}

bool given_again(Extra extra, const std::pair<std::string_view, std::string_view>* at) {
  return std::any_of(at + 1, extra.end(),
                     [at](const auto& later) { return later.first == at->first; });
}

}  // namespace

bool is_secret_key(std::string_view key) {
  const std::string whole = lower(key);
  const auto holds = [&whole](std::string_view part) {
    return whole.find(part) != std::string::npos;
  };
  if (std::any_of(telling_parts.begin(), telling_parts.end(), holds)) return true;
  return any_word(key, word_is_telling);
}

messages::JsonObject to_json(Extra extra) {
  std::string out = "{";
  std::int64_t left_out = 0;
  for (const auto* at = extra.begin(); at != extra.end(); ++at) {
    if (given_again(extra, at)) continue;
    const std::size_t start = out.size();
    if (start > 1) out += ',';
    messages::json::append_quoted(out, at->first);
    out += ':';
    messages::json::append_quoted(out, shown_value(at->first, at->second));
    if (out.size() <= extra_bytes_max) continue;
    out.resize(start);
    ++left_out;
  }
  if (left_out > 0) {
    out += out.size() > 1 ? ",\"left_out\":" : "\"left_out\":";
    messages::json::append_integer(out, left_out);
  }
  return {out + '}'};
}

messages::JsonObject redact(const messages::JsonObject& extra) {
  messages::JsonObject unreadable{R"({"unreadable":true})"};
  const auto document = Document::parse(extra.text);
  if (!document || document->root().kind != Kind::object) return unreadable;
  if (messages::json::levels_of(document->root()) > extra_levels_max) return unreadable;
  messages::JsonObject out{""};
  append_redacted(out.text, document->root());
  return out.text.size() <= extra_bytes_max ? out : unreadable;
}

}  // namespace guild::log
