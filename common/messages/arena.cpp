#include "common/messages/arena.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(Observe);
GUILD_MESSAGE(Observation);
GUILD_MESSAGE(TakeAction);
GUILD_MESSAGE(ActionTaken);

}  // namespace guild::messages
