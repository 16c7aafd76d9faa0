#include "common/messages/ledgerd.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(CreateTransfer);
GUILD_MESSAGE(ChargeTask);
GUILD_MESSAGE(Receipt);
GUILD_MESSAGE(GetBalance);
GUILD_MESSAGE(Balance);
GUILD_MESSAGE(ListEntries);
GUILD_MESSAGE(Entry);
GUILD_MESSAGE(EntriesPage);
GUILD_MESSAGE(VerifyReport);
GUILD_MESSAGE(CreateBot);
GUILD_MESSAGE(BotCreated);
GUILD_MESSAGE(ListBots);
GUILD_MESSAGE(GetBot);
GUILD_MESSAGE(Bot);
GUILD_MESSAGE(BotsPage);
GUILD_MESSAGE(Authenticate);
GUILD_MESSAGE(Authenticated);

}  // namespace guild::messages
