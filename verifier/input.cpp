#include "verifier/input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "verifier/files.hpp"

namespace guild::verifier {
namespace {

constexpr std::size_t buffer_size = std::size_t{1024} * 1024;

}  // namespace

Result<Input> Input::open(const std::filesystem::path& file) {
  Input input;
  input.name_ = file.string();
  input.fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (input.fd_ < 0) return std::unexpected(error_about(file, "open", errno));
  input.buffer_.resize(buffer_size);
  return input;
}

Input Input::of(std::vector<std::uint8_t> bytes) {
  Input input;
  input.buffer_ = std::move(bytes);
  input.end_ = input.buffer_.size();
  return input;
}

Input::Input(Input&& other) noexcept
    : name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)),
      failure_(std::move(other.failure_)) {}

Input& Input::operator=(Input&& other) noexcept {
  std::swap(name_, other.name_);
  std::swap(fd_, other.fd_);
  std::swap(buffer_, other.buffer_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(failure_, other.failure_);
  return *this;
}

Input::~Input() {
  if (fd_ >= 0) ::close(fd_);
}

Bytes Input::peek(std::size_t size) {
  if (end_ - begin_ < size) fill(size);
  return Bytes(buffer_).subspan(begin_, std::min(size, end_ - begin_));
}

void Input::consume(std::size_t size) { begin_ += std::min(size, end_ - begin_); }

void Input::fill(std::size_t size) {
  if (fd_ < 0) return;
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= std::exchange(begin_, 0);
  size = std::min(size, buffer_.size());
  while (end_ < size && !failure_) {
    const ssize_t count = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (count == 0) return;
    if (count > 0) {
      end_ += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      failure_ = error_about(name_, "read", errno);
    }
  }
}

}  // namespace guild::verifier
