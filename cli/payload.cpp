#include "cli/payload.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace guild::cli {
namespace {

std::unexpected<Error> too_large() {
  return fail(ErrorKind::invalid, "payload_too_large",
              fmt::format("the payload is over {} bytes", payload_bytes_max),
              "send it in parts, or send where to find it");
}

Result<std::string> read_stdin() {
  std::string all;
  std::array<char, 65'536> part{};
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, part.data(), part.size());
    if (count == 0) return all;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("read stdin", errno));
    all.append(part.data(), static_cast<std::size_t>(count));
    if (all.size() > payload_bytes_max) return too_large();
  }
}

}  // namespace

Result<std::string> read_payload(std::string_view given) {
  if (given == "-") return read_stdin();
  if (given.starts_with('@')) {
    auto text = read_file(std::string(given.substr(1)), payload_bytes_max);
    if (!text && text.error().code == "file_too_large") return too_large();
    return text;
  }
  if (given.size() > payload_bytes_max) return too_large();
  return std::string(given);
}

BusMessage message_of(const bus::Delivery& delivery) {
  BusMessage message;
  message.topic = delivery.topic;
  message.sender = delivery.sender;
  message.seq = static_cast<std::int64_t>(delivery.sequence);
  if (is_utf8(delivery.payload))
    message.payload = delivery.payload;
  else
    message.payload_hex = to_hex(as_bytes(delivery.payload));
  return message;
}

std::string line_of(const BusMessage& message) {
  return escape_to_ascii(
      fmt::format("{} {} {} {}", message.topic, message.sender, message.seq,
                  message.payload ? *message.payload : message.payload_hex.value_or("")));
}

}  // namespace guild::cli
