// Exit codes of the `guild` command, as scripts rely on them (README.md has the table), and how an
// ErrorKind becomes one. Pure.
#pragma once

#include "common/base/result.hpp"

namespace guild::cli {

enum class Exit {
  ok = 0,
  failed = 1,
  usage = 2,
  not_found = 3,
  not_permitted = 4,
  timed_out = 5,
  funds_short = 6,
  conflict = 7,
};

Exit exit_for(ErrorKind kind);

}  // namespace guild::cli
