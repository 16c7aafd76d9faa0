#include "common/messages/ledgerd.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(CreateTransfer);
GUILD_MESSAGE(CreateHold);
GUILD_MESSAGE(PostHold);
GUILD_MESSAGE(VoidHold);
GUILD_MESSAGE(SetFloor);
GUILD_MESSAGE(CloseAccount);
GUILD_MESSAGE(ChargeTask);
GUILD_MESSAGE(Receipt);
GUILD_MESSAGE(GetBalance);
GUILD_MESSAGE(Balance);
GUILD_MESSAGE(ListEntries);
GUILD_MESSAGE(Entry);
GUILD_MESSAGE(EntriesPage);
GUILD_MESSAGE(ListEvents);
GUILD_MESSAGE(EventsPage);
GUILD_MESSAGE(GetPosting);
GUILD_MESSAGE(PostingView);
GUILD_MESSAGE(VerifyReport);
GUILD_MESSAGE(GetCheckpoint);
GUILD_MESSAGE(Checkpoint);
GUILD_MESSAGE(GetProof);
GUILD_MESSAGE(InclusionProof);
GUILD_MESSAGE(CreateBot);
GUILD_MESSAGE(BotCreated);
GUILD_MESSAGE(ListBots);
GUILD_MESSAGE(GetBot);
GUILD_MESSAGE(Bot);
GUILD_MESSAGE(BotsPage);
GUILD_MESSAGE(Authenticate);
GUILD_MESSAGE(Authenticated);

}  // namespace guild::messages
