// What the broker tells of itself, cut to fit one reply: a payload has 1 MiB, the broker may have
// more to tell. Statistics stay exact in sum: the quietest rows are added up in one that stands for
// the rest.
#pragma once

#include <cstddef>

#include "common/messages/broker.hpp"

namespace guild::broker {

/// Leaves the busiest rows as they are.
void fit(messages::BusStats& stats, std::size_t bytes_max);
/// Cuts long lists of patterns, then clients; `omitted` says how many of each are not shown.
void fit(messages::BusClients& clients, std::size_t bytes_max);

}  // namespace guild::broker
