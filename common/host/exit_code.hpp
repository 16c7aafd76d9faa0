// Exit codes of every program of the suite, by the kind of the error that ended it (DESIGN §10):
// 0 ok, 1 failed, 2 usage or config, 3 not found, 4 not permitted, 5 timed out, 6 not enough funds,
// 7 conflict (a second instance, a name taken).
#pragma once

#include "common/base/result.hpp"

namespace guild::host {

constexpr int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return 2;
    case ErrorKind::not_found:
      return 3;
    case ErrorKind::denied:
      return 4;
    case ErrorKind::timeout:
      return 5;
    case ErrorKind::funds:
      return 6;
    case ErrorKind::conflict:
      return 7;
    case ErrorKind::failed:
    case ErrorKind::exhausted:
    case ErrorKind::unavailable:
      return 1;
  }
  return 1;
}

}  // namespace guild::host
