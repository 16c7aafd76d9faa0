#include "common/messages/economy.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(RunTick);
GUILD_MESSAGE(TickReport);
GUILD_MESSAGE(OpenMarket);
GUILD_MESSAGE(MarketOpened);
GUILD_MESSAGE(ListMarkets);
GUILD_MESSAGE(GetMarket);
GUILD_MESSAGE(Market);
GUILD_MESSAGE(MarketsPage);
GUILD_MESSAGE(ResolveMarket);
GUILD_MESSAGE(AnswerMarket);
GUILD_MESSAGE(AnswerReport);
GUILD_MESSAGE(PostPrice);
GUILD_MESSAGE(PricePosted);
GUILD_MESSAGE(ListFeed);
GUILD_MESSAGE(FeedPost);
GUILD_MESSAGE(FeedPage);
GUILD_MESSAGE(Insights);
GUILD_MESSAGE(Viability);
GUILD_MESSAGE(MeterCall);
GUILD_MESSAGE(Metered);

}  // namespace guild::messages
