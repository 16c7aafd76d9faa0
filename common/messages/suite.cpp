#include "common/messages/suite.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(Health);
GUILD_MESSAGE(Nothing);

}  // namespace guild::messages
