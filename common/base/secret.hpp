// Secrets in memory and on disk. A Secret wipes its bytes when it dies and never prints.
// Secret files are hex text, mode 0600 in a 0700 folder owned by us; anything looser is refused,
// because a key that others could have read is not a key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/bytes.hpp"

namespace guild {

void wipe(void* memory, std::size_t size) noexcept;
/// `count` bytes from the kernel's generator.
void fill_random(void* memory, std::size_t size);

template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(const std::array<std::uint8_t, N>& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(bytes_.data(), N); }

  static Secret random() {
    Secret secret;
    fill_random(secret.bytes_.data(), N);
    return secret;
  }

  /// Use where a library needs the bytes; never in a message or a log.
  const std::array<std::uint8_t, N>& reveal() const { return bytes_; }

 private:
  std::array<std::uint8_t, N> bytes_{};
};
using Secret32 = Secret<32>;

inline constexpr std::size_t secret_bytes_max = 65'536;
/// Reads a secret file: regular, ours, not readable by group or others, in a folder that is not
/// writable by others. Error codes: secret_missing, secret_permissions, secret_format.
Result<std::string> read_secret_text(const std::filesystem::path& path,
                                     std::size_t size_max = secret_bytes_max);
Result<Secret32> read_secret32(const std::filesystem::path& path);
/// Creates the file (O_EXCL, 0600), writes, fsyncs it and its folder. Code file_exists when there.
Result<void> write_secret_text(const std::filesystem::path& path, std::string_view text);

}  // namespace guild
