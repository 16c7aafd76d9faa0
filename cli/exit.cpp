#include "cli/exit.hpp"

namespace guild::cli {

Exit exit_for(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return Exit::usage;
    case ErrorKind::not_found:
      return Exit::not_found;
    case ErrorKind::denied:
      return Exit::not_permitted;
    case ErrorKind::timeout:
      return Exit::timed_out;
    case ErrorKind::funds:
      return Exit::funds_short;
    case ErrorKind::conflict:
      return Exit::conflict;
    case ErrorKind::failed:
    case ErrorKind::exhausted:
    case ErrorKind::unavailable:
      break;
  }
  return Exit::failed;
}

}  // namespace guild::cli
