// Input: bytes that are read once, from the front, through one buffer of a bounded size: a file of
// any length, or bytes in memory (tests). A read that the machine refuses ends the input and is
// kept in failure(), which must be asked before the end is believed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "verifier/result.hpp"
#include "verifier/text.hpp"

namespace guild::verifier {

class Input {
 public:
  static Result<Input> open(const std::filesystem::path& file);
  static Input of(std::vector<std::uint8_t> bytes);
  Input(Input&& other) noexcept;
  Input& operator=(Input&& other) noexcept;
  ~Input();

  /// The next `size` bytes; fewer only at the end. Valid until the next call.
  Bytes peek(std::size_t size);
  /// Of what was peeked.
  void consume(std::size_t size);
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Input() = default;
  void fill(std::size_t size);

  std::string name_;
  int fd_ = -1;  // -1: all there is, is in the buffer.
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::optional<Error> failure_;
};

}  // namespace guild::verifier
