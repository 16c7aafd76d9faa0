// One frame of every kind, with fields that differ from each other, for the tests that must see
// all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/bus/frame.hpp"

namespace guild::bus::test {

struct NamedFrame {
  std::string name;
  Kind kind;
  std::string bytes;
};

inline std::string items_of(const std::vector<std::string>& payloads) {
  std::string items;
  for (const std::string& payload : payloads) {
    char size[4];
    store_le(size, static_cast<std::uint32_t>(payload.size()));
    items.append(size, sizeof size).append(payload);
  }
  return items;
}

inline std::vector<NamedFrame> frames_of_every_kind() {
  std::vector<NamedFrame> frames;
  FrameWriter writer;
  const auto add = [&](std::string name, Kind kind) {
    frames.push_back({std::move(name), kind, std::string(writer.frame())});
    writer.clear();
  };
  const auto plain = [&](std::string name, Kind kind, std::uint64_t number,
                         std::string_view topic = {}, std::string_view body = {}) {
    writer.plain(kind, number, topic, body);
    add(std::move(name), kind);
  };

  writer.hello({1, 0, 1'048'576, 4'194'304});
  add("hello", Kind::hello);
  plain("subscribe", Kind::subscribe, 1, "ledger/entry/*");
  plain("unsubscribe", Kind::unsubscribe, 2, "ledger/entry/*");
  plain("serve", Kind::serve, 3, "ledgerd/**");
  plain("unserve", Kind::unserve, 4, "ledgerd/**");
  writer.publish_item(1, "prices/eur", false, "1.0742");
  writer.publish_item(2, "prices/eur", false, "");
  writer.publish_item(3, "prices/eur", true, "1.0743");
  writer.publish_item(4, "prices/gr\xC3\xBC\xC3\x9F", true, "caf\xC3\xA9");
  add("publish", Kind::publish);
  writer.request(5, "ledgerd/transfer", 2'000, R"({"amount":"1.00"})");
  add("request", Kind::request);
  writer.reply(Kind::reply, 77, {}, {}, false, R"({"seq":9})");
  writer.reply(Kind::reply, 78, {}, {}, true,
               R"({"code":"funds_short","kind":"funds","message":"not enough","next_step":""})");
  add("reply", Kind::reply);
  writer.credit(Kind::credit, 1'048'576, 9'000);
  add("credit", Kind::credit);
  plain("watch", Kind::watch, 6, "prices/eur");
  plain("goodbye", Kind::goodbye, 0);
  plain("ping", Kind::ping, 0xFFFF'FFFF'FFFF'FFFF);
  plain("cancel", Kind::cancel, 5);

  Welcome welcome;
  welcome.epoch = 3;
  for (std::size_t i = 0; i < welcome.instance.size(); ++i)
    welcome.instance[i] = static_cast<std::uint8_t>(0xA0 + i);
  welcome.credit_messages = 262'144;
  welcome.credit_bytes = 1'048'576;
  writer.welcome("bot-7", welcome);
  add("welcome", Kind::welcome);
  writer.refusal(Kind::refused, 0, {}, Code::revoked, "the key of bot-7 was revoked");
  add("refused", Kind::refused);
  plain("done", Kind::done, 1, "ledger/entry/*");
  writer.denied(2, "secrets/x", Code::no_permission, 0, "bot-7 may not subscribe to secrets/x");
  writer.denied(41, "secrets/x", Code::no_permission, 3, "bot-7 may not publish to secrets/x");
  add("denied", Kind::denied);
  writer.deliver_run(1, 2, "prices/eur", "oracle", 1'767'323'045'678'000'000, 3,
                     items_of({"1.0742", ""}));
  writer.deliver_run(3, 1, "prices/eur", "oracle", 1'767'323'045'678'000'000, 3,
                     items_of({"1.0743"}));
  writer.deliver_run(9, 1, "prices/eur", "oracle", 1'767'323'045'679'000'000, 3,
                     items_of({"1.0744"}));
  add("deliver", Kind::deliver);
  writer.ack(4, 2);
  add("ack", Kind::ack);
  writer.gap(10, "prices/eur", "oracle", {.last = 25, .count = 12, .reason = Code::dropped_oldest});
  add("gap", Kind::gap);
  writer.credit(Kind::credit_grant, 262'144, 2'500);
  add("credit_grant", Kind::credit_grant);
  writer.request_delivery(77, "ledgerd/transfer", "bot-7", 1'999, 3, R"({"amount":"1.00"})");
  add("request_delivery", Kind::request_delivery);
  writer.reply(Kind::reply_delivery, 5, "ledgerd/transfer", "ledgerd", false, R"({"seq":9})");
  add("reply_delivery", Kind::reply_delivery);
  writer.refusal(Kind::failed, 5, "ledgerd/transfer", Code::no_responder, "nobody serves it");
  add("failed", Kind::failed);
  plain("presence", Kind::presence, 6, "prices/eur", "anna\nbot-7");
  plain("pong", Kind::pong, 0xFFFF'FFFF'FFFF'FFFF);
  plain("cancelled", Kind::cancelled, 77);
  return frames;
}

}  // namespace guild::bus::test
