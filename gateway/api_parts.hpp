// What the files of routes share: bodies in, messages out, ids, and asking the bus. Internal to
// api*.cpp. Errors are those of the codec and of whoever is asked; content_type, idempotency_key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/uuid.hpp"
#include "common/messages/answer.hpp"
#include "gateway/api.hpp"

namespace guild::gateway {

template <class Message>
Response json(const Message& message, unsigned status = 200) {
  return {.status = status,
          .content_type = "application/json",
          .body = messages::encode(message),
          .headers = {}};
}

// A form post or plain text is refused: a page elsewhere could send one.
inline Result<void> check_json(const Request& request) {
  const auto type = request.header("content-type").value_or("");
  if (type.substr(0, type.find(';')) == "application/json") return {};
  return fail(ErrorKind::invalid, "content_type", "the body must be application/json",
              "send 'Content-Type: application/json'");
}

// The body as `Message`.
template <class Message>
Result<Message> read_body(const Request& request) {
  GUILD_CHECK(check_json(request));
  return messages::decode<Message>(request.body);
}

// The same of what a bot's model answered, mended where that is plain.
template <class Message>
Result<Message> read_answer(const Request& request) {
  GUILD_CHECK(check_json(request));
  GUILD_TRY(const std::string mended, messages::mend_answer(request.body));
  return messages::decode<Message>(mended);
}

// The id of what a POST makes: the caller's own, or made from its Idempotency-Key, so that sending
// again finds the first answer.
inline Result<std::optional<Uuid>> given_id(const Request& request, const Caller& caller,
                                            const std::optional<Uuid>& in_body,
                                            std::string_view what) {
  if (in_body) return in_body;
  if (!request.headers.contains("idempotency-key")) return std::optional<Uuid>{};
  const auto key = request.header("idempotency-key");
  if (!key || key->empty() || key->size() > 255) {
    return fail(ErrorKind::invalid, "idempotency_key",
                "Idempotency-Key must be 1 to 255 bytes, once");
  }
  return std::optional(
      Uuid::of_name(std::string(what) + "\n" + caller.principal() + "\n" + std::string(*key)));
}

/// "/v1/<things>/{id}": `what` names the thing.
inline Result<Uuid> id_in_path(const Request& request, std::string_view what) {
  auto id = Uuid::parse(request.segments[2]);
  if (!id)
    return fail(std::move(id).error().while_doing("read the " + std::string(what) + "'s id"));
  return *id;
}

inline std::unexpected<Error> not_yours(std::string_view what) {
  return fail(ErrorKind::denied, "not_permitted",
              "this credential may not see " + std::string(what));
}

template <class Reply, class Message>
boost::asio::awaitable<Result<Reply>> Api::ask(std::string_view served_name,
                                               const Message& message) {
  const auto reply = co_await ask_raw(std::string(served_name), messages::encode(message),
                                      host_.settings().gateway.request_timeout);
  if (!reply) co_return fail(reply.error());
  auto decoded = messages::decode<Reply>(*reply);
  // A reply of the suite that does not decode is our defect, not the caller's input.
  if (!decoded) {
    co_return fail(ErrorKind::failed, "reply_invalid",
                   "the reply of " + std::string(served_name) + ": " + decoded.error().message);
  }
  co_return std::move(*decoded);
}

template <class Reply, class Message>
Api::Answer Api::pass_on(std::string_view served_name, const Message& message, unsigned status) {
  const auto reply = co_await ask<Reply>(served_name, message);
  if (!reply) co_return fail(reply.error());
  co_return json(*reply, status);
}

}  // namespace guild::gateway
