#include "common/messages/broker.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(BusDenied);
GUILD_MESSAGE(BusClientEvent);
GUILD_MESSAGE(BusClient);
GUILD_MESSAGE(BusClients);
GUILD_MESSAGE(BusStatsRow);
GUILD_MESSAGE(BusStats);
GUILD_MESSAGE(BusStatus);
GUILD_MESSAGE(BusMonitor);
GUILD_MESSAGE(BusMonitorStarted);
GUILD_MESSAGE(BusHeader);
GUILD_MESSAGE(BusTraffic);
GUILD_MESSAGE(BusAudit);

}  // namespace guild::messages
