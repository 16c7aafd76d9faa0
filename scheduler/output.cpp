#include "scheduler/output.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.hpp"

namespace guild::scheduler {
namespace {

constexpr std::int64_t character_bytes_max = 4;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// How many bytes the sequence that begins with `c` has; 1 for a byte that begins none.
std::size_t sequence_size(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0xF0 && byte <= 0xF4) return 4;
  if (byte >= 0xE0 && byte <= 0xEF) return 3;
  if (byte >= 0xC2 && byte <= 0xDF) return 2;
  return 1;
}

/// Whether `second` may follow `first`: no overlong form, no surrogate, nothing past U+10FFFF.
bool may_follow(char first, char second) {
  const auto byte = static_cast<unsigned char>(second);
  switch (static_cast<unsigned char>(first)) {
    case 0xE0:
      return byte >= 0xA0 && byte <= 0xBF;
    case 0xED:
      return byte >= 0x80 && byte <= 0x9F;
    case 0xF0:
      return byte >= 0x90 && byte <= 0xBF;
    case 0xF4:
      return byte >= 0x80 && byte <= 0x8F;
    default:
      return is_continuation(second);
  }
}

struct Sequence {
  std::size_t size = 1;  ///< Bytes that belong together, good or not.
  bool is_valid = false;
  bool is_cut = false;  ///< Good so far; the bytes end inside it.
};

Sequence sequence_at(std::string_view bytes) {
  const std::size_t wanted = sequence_size(bytes.front());
  if (wanted == 1) return {1, static_cast<unsigned char>(bytes.front()) < 0x80, false};
  std::size_t size = 1;
  while (size < wanted && size < bytes.size()) {
    const bool fits = size == 1 ? may_follow(bytes[0], bytes[1]) : is_continuation(bytes[size]);
    if (!fits) return {size, false, false};
    ++size;
  }
  return {size, size == wanted, size < wanted};
}

/// How many bytes at the end of `bytes` begin a character that they do not finish.
std::int64_t cut_suffix(std::string_view bytes) {
  for (std::size_t back = 1; back < character_bytes_max && back <= bytes.size(); ++back) {
    const char c = bytes[bytes.size() - back];
    if (is_continuation(c)) continue;
    return sequence_size(c) > back ? static_cast<std::int64_t>(back) : 0;
  }
  return 0;
}

/// Builds one page, segment by segment, within both bounds.
class PageWriter {
 public:
  PageWriter(const PageRequest& request, const ReadBytes& read) : request_(request), read_(read) {
    page_.next = request.from;
  }

  /// Bytes up to `until`; nothing more comes after them when `is_last`.
  Result<void> segment(std::int64_t until, bool is_last) {
    while (page_.next < until && room() > 0) {
      const std::int64_t end = std::min(until, page_.next + std::max(room(), character_bytes_max));
      GUILD_TRY(const std::string bytes, read_(page_.next, end));
      const Utf8Text piece =
          to_utf8(bytes, end < until || !is_last, request_.text_bytes_max - page_.text.size());
      if (piece.consumed == 0) break;
      page_.text += piece.text;
      page_.next += static_cast<std::int64_t>(piece.consumed);
      taken_ += static_cast<std::int64_t>(piece.consumed);
    }
    return {};
  }

  void skip_to(std::int64_t position) {
    const std::string marker =
        fmt::format("\n[... {} bytes left out ...]\n", position - page_.next);
    if (page_.text.size() + marker.size() > request_.text_bytes_max) return;
    page_.text += marker;
    page_.next = position;
  }

  std::int64_t position() const { return page_.next; }
  OutputPage finish(std::int64_t dropped) && {
    page_.dropped = dropped;
    return std::move(page_);
  }

 private:
  std::int64_t room() const { return request_.bytes_max - taken_; }

  const PageRequest& request_;
  const ReadBytes& read_;
  OutputPage page_;
  std::int64_t taken_ = 0;
};

}  // namespace

std::int64_t OutputBound::tail_start(std::int64_t total) const {
  return std::max(head_max(), total - tail_max());
}

std::vector<Piece> pieces_to_keep(const OutputBound& bound, std::int64_t start,
                                  std::string_view bytes) {
  const std::int64_t end = start + static_cast<std::int64_t>(bytes.size());
  const auto piece = [&](std::int64_t from, std::int64_t until) {
    return Piece{from, bytes.substr(static_cast<std::size_t>(from - start),
                                    static_cast<std::size_t>(until - from))};
  };
  std::vector<Piece> pieces;
  if (start < bound.head_max()) pieces.push_back(piece(start, std::min(end, bound.head_max())));
  const std::int64_t tail = std::max(start, bound.tail_start(end));
  if (tail < end) pieces.push_back(piece(tail, end));
  return pieces;
}

Result<Kept> find_kept(const OutputBound& bound, std::int64_t total, const ReadBytes& read) {
  Kept kept{bound.head_max(), bound.tail_start(total)};
  if (total <= bound.bytes_max) return Kept{kept.head_end, kept.head_end};
  const std::int64_t look_back = std::min(kept.head_end, character_bytes_max - 1);
  GUILD_TRY(const std::string before, read(kept.head_end - look_back, kept.head_end));
  kept.head_end -= cut_suffix(before);
  GUILD_TRY(const std::string after,
            read(kept.tail_start, std::min(total, kept.tail_start + character_bytes_max - 1)));
  kept.tail_start += std::ranges::find_if_not(after, is_continuation) - after.begin();
  return kept;
}

Result<OutputPage> read_page(const OutputBound& bound, std::int64_t total,
                             const PageRequest& request, const ReadBytes& read) {
  GUILD_TRY(const Kept kept, find_kept(bound, total, read));
  PageRequest clamped = request;
  clamped.from = std::clamp<std::int64_t>(request.from, 0, total);
  PageWriter page(clamped, read);
  if (kept.dropped() > 0) {
    GUILD_CHECK(page.segment(kept.head_end, true));
    if (page.position() >= kept.head_end && page.position() < kept.tail_start)
      page.skip_to(kept.tail_start);
  }
  if (kept.dropped() == 0 || page.position() >= kept.tail_start)
    GUILD_CHECK(page.segment(total, request.is_ended));
  return std::move(page).finish(kept.dropped());
}

Utf8Text to_utf8(std::string_view bytes, bool more_follows, std::size_t text_bytes_max) {
  Utf8Text result;
  result.text.reserve(std::min(bytes.size(), text_bytes_max));
  while (result.consumed < bytes.size()) {
    const std::string_view rest = bytes.substr(result.consumed);
    const Sequence sequence = sequence_at(rest);
    if (sequence.is_cut && more_follows) break;
    const std::string_view shown = sequence.is_valid ? rest.substr(0, sequence.size) : replacement;
    if (result.text.size() + shown.size() > text_bytes_max) break;
    result.text += shown;
    result.consumed += sequence.size;
  }
  return result;
}

}  // namespace guild::scheduler
