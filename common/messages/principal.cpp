#include "common/messages/principal.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::messages {

GUILD_MESSAGE(Credential);

}  // namespace guild::messages
