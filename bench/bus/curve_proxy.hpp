// What a broker costs at least: libzmq's own proxy between CURVE sockets, which forwards every
// message as it comes, one a frame, and knows nothing of it. It says "ready" and its public key as
// one JSON line, and forwards until its stdin closes.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace guild::bench {

/// Binds its endpoints in `folder` (CurveEndpoints).
Result<void> run_proxy(const std::string& folder);

}  // namespace guild::bench
