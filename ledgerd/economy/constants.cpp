#include "ledgerd/economy/constants.hpp"

#include "common/messages/codec_impl.hpp"

namespace guild::ledgerd::economy {

std::string text_of(const Constants& constants) { return messages::encode(constants); }

}  // namespace guild::ledgerd::economy
