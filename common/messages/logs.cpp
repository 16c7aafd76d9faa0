#include "common/messages/logs.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(LogRecord);
GUILD_MESSAGE(LogsCommitted);
GUILD_MESSAGE(LogsQuery);
GUILD_MESSAGE(StoredLogRecord);
GUILD_MESSAGE(LogsPage);
GUILD_MESSAGE(LogsProducer);
GUILD_MESSAGE(LogsStats);

}  // namespace guild::messages
