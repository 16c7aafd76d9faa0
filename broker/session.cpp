#include "broker/session.hpp"

#include "common/base/bytes.hpp"

namespace guild::broker {

void note_denial(Denials& denials, const Session& session, bus::Code code,
                 std::string_view operation, std::string_view topic, std::uint64_t count,
                 const Moment& now) {
  denials.note({.reason = bus::to_string(code),
                .client = session.name(),
                .key = to_hex(session.identity.key),
                .operation = operation,
                .topic = topic},
               count, now);
}

}  // namespace guild::broker
