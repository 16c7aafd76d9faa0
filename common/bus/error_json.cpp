#include "common/bus/error_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/base/text.hpp"

namespace guild::bus {
namespace {

using Json = nlohmann::json;

constexpr std::size_t json_bytes_max = 64U << 10U;
constexpr std::size_t code_bytes_max = 64;
constexpr std::size_t text_bytes_max = 4U << 10U;
constexpr std::size_t quoted_bytes_max = 200;

bool is_code(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= code_bytes_max && std::ranges::all_of(text, fits);
}

/// The text of a field, made safe to print; nothing when it is not text.
std::optional<std::string> text_of(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_string()) return {};
  const auto& text = found->get_ref<const std::string&>();
  return escape_controls(utf8_prefix(text, text_bytes_max));
}

Error unreadable(std::string_view json) {
  return {.kind = ErrorKind::failed,
          .code = "unreadable_error",
          .message = "the responder answered with an error that cannot be read: " +
                     escape_to_ascii(json.substr(0, quoted_bytes_max)),
          .next_step = {}};
}

}  // namespace

std::string encode_error(const Error& error) {
  const Json json{{"kind", to_string(error.kind)},
                  {"code", error.code},
                  {"message", utf8_prefix(error.message, text_bytes_max)},
                  {"next_step", utf8_prefix(error.next_step, text_bytes_max)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error decode_error(std::string_view text) {
  if (text.size() > json_bytes_max) return unreadable(text);
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return unreadable(text);
  const auto kind = text_of(json, "kind");
  auto code = text_of(json, "code");
  auto message = text_of(json, "message");
  if (!kind || !code || !is_code(*code) || !message) return unreadable(text);
  return {.kind = error_kind_from(*kind),
          .code = std::move(*code),
          .message = std::move(*message),
          .next_step = text_of(json, "next_step").value_or("")};
}

}  // namespace guild::bus
