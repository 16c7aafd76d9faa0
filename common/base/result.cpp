#include "common/base/result.hpp"

#include <array>
#include <cerrno>
#include <system_error>

namespace guild {
namespace {

struct KindName {
  ErrorKind kind;
  std::string_view name;
};

constexpr std::array<KindName, 9> kind_names{{
    {ErrorKind::failed, "failed"},
    {ErrorKind::invalid, "invalid"},
    {ErrorKind::not_found, "not_found"},
    {ErrorKind::denied, "denied"},
    {ErrorKind::timeout, "timeout"},
    {ErrorKind::funds, "funds"},
    {ErrorKind::conflict, "conflict"},
    {ErrorKind::exhausted, "exhausted"},
    {ErrorKind::unavailable, "unavailable"},
}};

bool is_disk_full(int error_number) { return error_number == ENOSPC || error_number == EDQUOT; }

bool is_descriptors_used_up(int error_number) {
  return error_number == EMFILE || error_number == ENFILE;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  for (const KindName& known : kind_names) {
    if (known.kind == kind) return known.name;
  }
  return "failed";
}

ErrorKind error_kind_from(std::string_view text) {
  for (const KindName& known : kind_names) {
    if (known.name == text) return known.kind;
  }
  return ErrorKind::failed;
}

Error Error::while_doing(std::string_view action) const& {
  return Error(*this).while_doing(action);
}

Error Error::while_doing(std::string_view action) && {
  message.insert(0, ": ");
  message.insert(0, action);
  return std::move(*this);
}

std::string Error::text() const { return next_step.empty() ? message : message + "; " + next_step; }

std::unexpected<Error> fail(ErrorKind kind, std::string code, std::string message,
                            std::string next_step) {
  return std::unexpected(Error{kind, std::move(code), std::move(message), std::move(next_step)});
}

std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

Error system_error(std::string_view action, int error_number) {
  Error error{ErrorKind::failed, "system_error", std::generic_category().message(error_number), ""};
  if (is_disk_full(error_number)) {
    error.kind = ErrorKind::exhausted;
    error.code = "disk_full";
    error.next_step = "free space on that disk, or raise the quota";
  } else if (is_descriptors_used_up(error_number)) {
    error.kind = ErrorKind::exhausted;
    error.code = "descriptors_used_up";
    error.next_step = "raise the limit of open files (ulimit -n)";
  }
  return std::move(error).while_doing(action);
}

}  // namespace guild
