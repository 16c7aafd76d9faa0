#include "common/messages/answer.hpp"

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/messages/json.hpp"

namespace guild::messages {
namespace {

constexpr std::string_view fence = "```";
constexpr std::string_view white = " \t\r\n";

std::unexpected<Error> invalid(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid, "answer_invalid",
              fmt::format("the answer {} is not a JSON object: {}", quoted(text), why),
              R"(answer with one object, such as {"action":"WAIT"})");
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

/// What is between the first fence and the next one, without the language's name; all of it when
/// there is no fence outside of the object.
std::string_view unwrapped(std::string_view text) {
  text = trimmed(text);
  const auto open = text.find(fence);
  if (text.starts_with('{') || open == std::string_view::npos) return text;
  text.remove_prefix(open + fence.size());
  const auto begin = text.find_first_of("{\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  const auto close = text.rfind(fence);
  return trimmed(text.substr(0, close));
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '$';
}

/// Copies JSON, quoting bare keys and leaving out commas that close nothing.
class Mending {
 public:
  explicit Mending(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"')
        copy_string();
      else if (c == ',')
        copy_comma();
      else if (is_word(c))
        copy_word();
      else
        mended_ += text_[at_++];
    }
    return std::move(mended_);
  }

 private:
  void copy_string() {
    mended_ += text_[at_++];
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      mended_ += c;
      if (c == '"') return;
      if (c == '\\' && at_ < text_.size()) mended_ += text_[at_++];
    }
  }
  void copy_comma() {
    ++at_;
    if (const char next = next_after(at_); next != '}' && next != ']') mended_ += ',';
  }
  void copy_word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    const bool is_key = next_after(at_) == ':';
    mended_ += is_key ? fmt::format("\"{}\"", word) : std::string(word);
  }
  /// 0 at the end.
  char next_after(std::size_t at) const {
    const auto next = text_.find_first_not_of(white, at);
    return next == std::string_view::npos ? '\0' : text_[next];
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string mended_;
};

}  // namespace

Result<std::string> mend_answer(std::string_view text) {
  if (text.size() > answer_size_max)
    return invalid(text, fmt::format("it is over {} bytes", answer_size_max));
  std::string mended = Mending(unwrapped(text)).run();
  const auto document = json::Document::parse(mended);
  if (!document) return invalid(text, document.error().message);
  if (document->root().kind != json::Kind::object) return invalid(text, "it is something else");
  return mended;
}

}  // namespace guild::messages
