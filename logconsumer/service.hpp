// Service: between the bus, the intake, the file and the reader. On the loop thread but for the
// writer's and the reader's own work. Its write path never logs: every record would make another
// one.
#pragma once

#include <memory>

#include "common/host/host.hpp"

namespace guild::logconsumer {

/// Opens the file, subscribes to `logs/**`, serves `logconsumer/query` and `logconsumer/stats`.
Result<std::unique_ptr<host::Service>> start(host::Host& host);

}  // namespace guild::logconsumer
