// Requests: each is answered once, at the right time, by the right reason.
#include "tests/unit/broker/world.hpp"

namespace guild::broker {
namespace {

using bus::Code;
using bus::Kind;
using namespace std::chrono_literals;

TEST_CASE("a request reaches its responder stamped, and its reply the requester") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc/*");
  world.request(ada, 5, "svc/sum", "1+1", 250);
  const Got& request = bob.only(Kind::request_delivery);
  CHECK(request.topic == "svc/sum");
  CHECK(request.name == "ada");
  const auto body = bus::read_request_delivery(request.body);
  CHECK(body->deadline_ms == 250);
  CHECK(body->payload == "1+1");
  const bool is_error = GENERATE(false, true);
  world.reply(bob, request.number, "2", is_error);
  const Got& reply = ada.only(Kind::reply_delivery);
  CHECK(reply.number == 5);
  CHECK(reply.topic == "svc/sum");
  CHECK(reply.name == "bob");
  CHECK(bus::read_reply(reply.body)->is_error == is_error);
  CHECK(bus::read_reply(reply.body)->payload == "2");
  CHECK_FALSE(world.core().next_deadline());
}

TEST_CASE("what cannot be asked fails at once, each by its own code") {
  World world;
  world.allow("ada", {"svc/**"});
  auto& ada = world.join("ada");
  const auto code_of = [&](std::string_view name, std::uint32_t deadline_ms,
                           std::string_view payload) {
    ada.inbox.clear();
    world.request(ada, 1, name, payload, deadline_ms);
    return refused_of(ada.only(Kind::failed)).code;
  };
  CHECK(code_of("svc/none", 1'000, "x") == Code::no_responder);
  CHECK(code_of("other", 1'000, "x") == Code::no_permission);
  CHECK(code_of("svc/*", 1'000, "x") == Code::topic_invalid);
  CHECK(code_of("svc/none", 0, "x") == Code::deadline_invalid);
  CHECK(code_of("svc/none", bus::deadline_ms_max + 1, "x") == Code::deadline_invalid);
  CHECK(code_of("svc/none", 1'000, std::string(bus::payload_bytes_max + 1, 'x')) ==
        Code::payload_too_large);
}

TEST_CASE("responders of one name take turns; one without credit waits its own") {
  World world;
  auto& ada = world.join("ada");
  auto& one = world.join("one");
  auto& two = world.join("two");
  auto& busy = world.join("busy", 0);
  for (auto* client : {&one, &two, &busy}) world.serve(*client, "svc");
  for (std::uint64_t i = 1; i <= 10; ++i) world.request(ada, i, "svc", "x");
  CHECK(one.all(Kind::request_delivery).size() == 5);
  CHECK(two.all(Kind::request_delivery).size() == 5);
  CHECK(busy.all(Kind::request_delivery).empty());
}

TEST_CASE("a deadline that passes fails the request and tells the responder") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x", 100);
  CHECK(world.core().next_deadline() == world.now().steady + 100ms);
  world.advance(99ms);
  CHECK(ada.all(Kind::failed).empty());
  world.advance(1ms);
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::timeout);
  const std::uint64_t number = bob.only(Kind::request_delivery).number;
  CHECK(bob.only(Kind::cancelled).number == number);
  world.reply(bob, number, "late");
  CHECK(ada.all(Kind::reply_delivery).empty());
  CHECK(world.core().stats().late_replies == 1);
}

TEST_CASE("deadlines pass in their own order") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  for (const std::uint32_t deadline : {500U, 100U, 300U})
    world.request(ada, deadline, "svc", "", deadline);
  world.advance(300ms);
  const auto failed = ada.all(Kind::failed);
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].number == 100);
  CHECK(failed[1].number == 300);
}

TEST_CASE("a responder that leaves fails what it held, at once") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  world.leave(bob);
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::responder_gone);
  ada.inbox.clear();
  world.request(ada, 2, "svc", "x");
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::no_responder);
}

TEST_CASE("a requester that cancels or leaves: the responder is told, nobody is answered") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  const std::uint64_t number = bob.only(Kind::request_delivery).number;
  const bool leaves = GENERATE(false, true);
  if (leaves)
    world.leave(ada);
  else
    world.plain(ada, Kind::cancel, 1);
  CHECK(bob.only(Kind::cancelled).number == number);
  world.reply(bob, number, "x");
  CHECK(ada.all(Kind::reply_delivery).empty());
  CHECK(ada.all(Kind::failed).empty());
  CHECK(world.core().stats().late_replies == 1);
}

TEST_CASE("only the responder that was asked can answer") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  auto& eve = world.join("eve");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  const std::uint64_t number = bob.only(Kind::request_delivery).number;
  world.reply(eve, number, "forged");
  CHECK(ada.all(Kind::reply_delivery).empty());
  world.reply(bob, number, "true");
  CHECK(ada.only(Kind::reply_delivery).name == "bob");
  world.reply(bob, number, "twice");
  CHECK(ada.all(Kind::reply_delivery).size() == 1);
  CHECK(world.core().stats().late_replies == 2);
}

TEST_CASE("a number is never another request's, though its slot is used again") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  const std::uint64_t first = bob.only(Kind::request_delivery).number;
  world.plain(ada, Kind::cancel, 1);
  world.request(ada, 2, "svc", "y");
  world.reply(bob, first, "for the first");
  CHECK(ada.all(Kind::reply_delivery).empty());
}

TEST_CASE("a correlation in use ends the session that uses it twice") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  world.request(ada, 1, "svc", "y");
  CHECK(refused_of(ada.only(Kind::refused)).code == Code::malformed_frame);
  CHECK(bob.all(Kind::cancelled).size() == 1);
}

TEST_CASE("requests to one without credit wait, and expire there unseen") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 1);
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "a", 100);
  world.request(ada, 2, "svc", "b", 200);
  world.request(ada, 3, "svc", "c", 10'000);
  CHECK(bob.all(Kind::request_delivery).size() == 1);
  world.advance(250ms);
  CHECK(ada.all(Kind::failed).size() == 2);
  CHECK(bob.all(Kind::cancelled).size() == 1);  // Of the one that it has.
  world.credit(bob, 0, 1);
  const auto requests = bob.all(Kind::request_delivery);
  REQUIRE(requests.size() == 2);
  const auto third = bus::read_request_delivery(requests[1].body);
  CHECK(third->payload == "c");
  CHECK(third->deadline_ms == 9'750);
}

TEST_CASE("a responder whose queue is full takes no more requests") {
  Limits limits;
  limits.queue_messages_max = 2;
  World world(limits);
  auto& ada = world.join("ada");
  auto& bob = world.join("bob", 0);
  world.serve(bob, "svc");
  for (std::uint64_t i = 1; i <= 4; ++i) world.request(ada, i, "svc", "x");
  const Got& failed = ada.only(Kind::failed);
  CHECK(failed.number == 4);
  CHECK(refused_of(failed).code == Code::too_many);
  world.advance(std::chrono::seconds(2));
  REQUIRE(world.denials.size() == 1);
  CHECK(world.denials[0].client == "ada");
  CHECK(world.denials[0].operation == "request");
}

TEST_CASE("a reply that finds its requester's queue full becomes a FAILED, never nothing") {
  Limits limits;
  limits.queue_messages_max = 1;
  World world(limits);
  auto& ada = world.join("ada", 0);
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  for (std::uint64_t i = 1; i <= 3; ++i) world.request(ada, i, "svc", "x");
  for (const Got& request : bob.all(Kind::request_delivery)) world.reply(bob, request.number, "y");
  const Got& failed = ada.only(Kind::failed);
  CHECK(failed.number == 3);
  CHECK(refused_of(failed).code == Code::too_many);
  world.advance(std::chrono::seconds(2));
  REQUIRE(world.denials.size() == 1);
  CHECK(world.denials[0].client == "ada");
  CHECK(world.denials[0].operation == "reply");
}

TEST_CASE("requests past the limit fail") {
  Limits limits;
  limits.requests_max = 1;
  World world(limits);
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  world.request(ada, 2, "svc", "x");
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::too_many);
}

TEST_CASE("a session may ask itself, and leave") {
  World world;
  auto& ada = world.join("ada");
  world.serve(ada, "svc");
  world.request(ada, 1, "svc", "x");
  CHECK(ada.only(Kind::request_delivery).name == "ada");
  world.leave(ada);
  world.advance(10s);
  CHECK(world.core().sessions_open() == 0);
}

TEST_CASE("a name is served until UNSERVE") {
  World world;
  auto& ada = world.join("ada");
  world.serve(ada, "svc");
  world.plain(ada, Kind::unserve, 2, "svc");
  CHECK(ada.all(Kind::done).size() == 2);
  world.request(ada, 1, "svc", "x");
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::no_responder);
}

TEST_CASE("a reply over the limit fails the request") {
  World world;
  auto& ada = world.join("ada");
  auto& bob = world.join("bob");
  world.serve(bob, "svc");
  world.request(ada, 1, "svc", "x");
  world.reply(bob, bob.only(Kind::request_delivery).number,
              std::string(bus::payload_bytes_max + 1, 'x'));
  CHECK(refused_of(ada.only(Kind::failed)).code == Code::payload_too_large);
}

}  // namespace
}  // namespace guild::broker
