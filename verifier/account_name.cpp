#include "verifier/account_name.hpp"

#include <algorithm>

namespace guild::verifier {
namespace {

constexpr std::string_view bot_prefix = "bot/";
constexpr std::string_view user_prefix = "user/";
constexpr std::string_view escrow_prefix = "escrow/";
constexpr std::size_t word_size_max = 64;

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_word_part(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= word_size_max && std::ranges::all_of(text, is_word_part);
}
bool is_word(std::string_view text) { return is_id(text) && is_letter(text.front()); }

}  // namespace

bool is_bot_account(std::string_view name) {
  return name.starts_with(bot_prefix) && is_word(name.substr(bot_prefix.size()));
}

bool is_account_name(std::string_view name) {
  if (name == world_account || name == treasury_account || is_bot_account(name)) return true;
  if (name.starts_with(user_prefix)) return is_word(name.substr(user_prefix.size()));
  return name.starts_with(escrow_prefix) && is_id(name.substr(escrow_prefix.size()));
}

}  // namespace guild::verifier
