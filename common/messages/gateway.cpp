#include "common/messages/gateway.hpp"

#include "common/messages/codec_impl.hpp"
namespace guild::messages {

GUILD_MESSAGE(PostBot);
GUILD_MESSAGE(PostRevival);
GUILD_MESSAGE(PostToken);
GUILD_MESSAGE(PostMarket);
GUILD_MESSAGE(PostAnswer);
GUILD_MESSAGE(PostAction);
GUILD_MESSAGE(PostTransfer);
GUILD_MESSAGE(PostTask);
GUILD_MESSAGE(Alive);
GUILD_MESSAGE(Readiness);
GUILD_MESSAGE(Problem);

}  // namespace guild::messages
