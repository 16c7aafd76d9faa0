#include "logconsumer/unreadable.hpp"

#include "common/base/text.hpp"
#include "common/messages/json.hpp"

namespace guild::logconsumer {
namespace {

using messages::json::Kind;
using messages::json::Node;

const Node* member(const Node& object, std::string_view key) {
  if (object.kind != Kind::object) return nullptr;
  for (const Node& child : object.children()) {
    if (child.key == key) return &child;
  }
  return nullptr;
}

}  // namespace

std::optional<messages::LogRecord> stand_in_for(std::string_view payload, const Error& why,
                                                Instant arrived) {
  const auto document = messages::json::Document::parse(payload);
  if (!document) return std::nullopt;
  const Node* boot = member(document->root(), "boot");
  const Node* seq = member(document->root(), "seq");
  const Node* oldest = member(document->root(), "oldest");
  if (boot == nullptr || boot->kind != Kind::text) return std::nullopt;
  if (seq == nullptr || seq->kind != Kind::integer) return std::nullopt;
  const auto id = Uuid::parse(boot->text);
  if (!id) return std::nullopt;

  messages::LogRecord record;
  record.time = arrived;
  record.level = messages::LogLevel::error;
  record.daemon = "logconsumer";
  record.module = "intake";
  record.message = std::string(utf8_prefix("a log record could not be read: " + why.message,
                                           decltype(record.message)::size_max));
  record.boot = *id;
  record.seq = seq->integer;
  if (oldest != nullptr && oldest->truth) record.oldest = true;
  return record;
}

}  // namespace guild::logconsumer
