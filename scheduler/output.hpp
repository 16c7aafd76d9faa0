// What is kept of a task's output, and how it reads. Pure. Bytes are numbered from 0 as the command
// wrote them. Up to `bytes_max` all are kept; past it the first half and the last half, and what
// lies between is counted. On disk the bytes are exact; on reading they are UTF-8 (RFC 3629), an
// invalid byte or a cut sequence reads as U+FFFD, and no character is split, neither between two
// reads nor at the edges of what was left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace guild::scheduler {

struct OutputBound {
  std::int64_t bytes_max = 0;

  std::int64_t head_max() const { return bytes_max / 2; }
  std::int64_t tail_max() const { return bytes_max - head_max(); }
  /// The first byte of the tail once `total` were produced, before it is moved to a character.
  std::int64_t tail_start(std::int64_t total) const;
};

struct Piece {
  std::int64_t start = 0;
  std::string_view bytes;
};
/// What of `bytes`, which begin at `start`, is worth storing: at most one piece of the head and one
/// of the tail.
std::vector<Piece> pieces_to_keep(const OutputBound& bound, std::int64_t start,
                                  std::string_view bytes);

/// The bytes that a reader sees: [0, head_end) and [tail_start, total).
struct Kept {
  std::int64_t head_end = 0, tail_start = 0;
  std::int64_t dropped() const { return tail_start - head_end; }
};
/// Reads bytes [from, until) of the output, all of which are stored.
using ReadBytes = std::function<Result<std::string>(std::int64_t from, std::int64_t until)>;
Result<Kept> find_kept(const OutputBound& bound, std::int64_t total, const ReadBytes& read);

struct OutputPage {
  std::string text;
  std::int64_t next = 0;
  std::int64_t dropped = 0;
};
/// As much as fits: `bytes_max` of output (or one character, if that is more) and
/// `text_bytes_max` of text.
struct PageRequest {
  std::int64_t from = 0;
  std::int64_t bytes_max = 0;
  std::size_t text_bytes_max = 0;
  bool is_ended = false;  ///< Nothing will follow byte `total`.
};
Result<OutputPage> read_page(const OutputBound& bound, std::int64_t total,
                             const PageRequest& request, const ReadBytes& read);

/// The text of as many whole characters of `bytes` as fit in `text_bytes_max`, and how many bytes
/// they are. With `more_follows`, a sequence that the end cuts is left for the next read.
struct Utf8Text {
  std::string text;
  std::size_t consumed = 0;
};
Utf8Text to_utf8(std::string_view bytes, bool more_follows, std::size_t text_bytes_max);

}  // namespace guild::scheduler
