// A listed client that lies in whatever it can of who it is and whose things it touches: it gets
// nothing by it, and harms nobody but its own session. What a lie in a frame's form costs is in
// bus_session_test.cpp.
#include <zmq.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/integration/bus_home.hpp"
#include "tests/support/json.hpp"

namespace guild::test {
namespace {

using namespace raw;
using namespace std::chrono_literals;

constexpr unsigned cancel = 13;
constexpr std::string_view service = "apps/svc";

/// A DEALER that chooses its own routing id, which no honest client does.
class ForgedDealer {
 public:
  ForgedDealer(const std::string& endpoint, const RawKeys& keys, const std::string& routing_id)
      : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_DEALER)) {
    const int no_linger = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &no_linger, sizeof no_linger);
    set(ZMQ_ROUTING_ID, routing_id);
    set(ZMQ_CURVE_SERVERKEY, keys.server_key);
    set(ZMQ_CURVE_PUBLICKEY, keys.public_key);
    set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
    if (zmq_connect(socket_, endpoint.c_str()) != 0) throw std::runtime_error("connect");
  }
  ~ForgedDealer() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  ForgedDealer(const ForgedDealer&) = delete;
  ForgedDealer& operator=(const ForgedDealer&) = delete;

  void send(const std::string& frame) { zmq_send(socket_, frame.data(), frame.size(), 0); }
  /// The next frame, or "" when none comes within `limit`.
  std::string receive(std::chrono::milliseconds limit) {
    zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, limit.count()) <= 0) return {};
    std::string frame(4'096, '\0');
    const int size = zmq_recv(socket_, frame.data(), frame.size(), 0);
    frame.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return frame;
  }

 private:
  void set(int option, const std::string& value) {
    zmq_setsockopt(socket_, option, value.data(), value.size());
  }
  void* context_;
  void* socket_;
};

unsigned kind_of(const std::string& frame) {
  return frame.size() > 4 ? static_cast<unsigned char>(frame[4]) : 0;
}

std::string request_bytes(std::uint64_t correlation, std::string_view name = {}) {
  return record_bytes(request, correlation, service, name, u32_bytes(60'000) + std::string("q"));
}

std::string reply_bytes(std::uint64_t number, std::string_view payload) {
  return record_bytes(reply, number, service, {}, std::string(1, '\0').append(payload));
}

void expect_alive(RawClient& client) {
  client.send(record_bytes(ping, 77));
  CHECK(client.expect(pong).number == 77);
}

/// An honest asker and responder with a request between them, and a liar beside.
struct Scene {
  Scene() {
    home.add_key("liar", "client");
    asker = home.join("app-a");
    responder = home.join("app-b");
    REQUIRE(responder->ask(serve, service).kind == done);
    liar = home.join("liar");
    asker->send(request_bytes(1));
    asked = responder->expect(request_delivery);
  }
  /// The request is answered by the one who was asked, and by nobody before.
  void expect_honest_answer() {
    responder->send(reply_bytes(asked.number, "true"));
    const auto answer = asker->next();
    REQUIRE(answer);
    CHECK(answer->kind == reply_delivery);
    CHECK(answer->number == 1);
    CHECK(answer->name == "app-b");
    CHECK(answer->body.substr(1) == "true");
    expect_alive(*asker);
    expect_alive(*responder);
  }

  BusHome home;
  std::unique_ptr<RawClient> asker, responder, liar;
  RawRecord asked;
};

TEST_CASE("an answer to a request that was given to another goes nowhere, and is counted") {
  Scene scene;
  for (std::uint64_t number = 0; number < 100; ++number)
    scene.liar->send(reply_bytes(number, "false"));
  scene.liar->send(reply_bytes(scene.asked.number, "false"));
  expect_alive(*scene.liar);  // The broker has read it all.
  scene.expect_honest_answer();
  const Json stats =
      Json::parse(scene.home.join("operator")->call("broker/stats", "{}").body.substr(1));
  // One of the hundred may have been the number itself.
  CHECK(stats.at("late_replies") == 101);
}

TEST_CASE("another's request is not cancelled, nor its correlation taken") {
  Scene scene;
  scene.liar->send(record_bytes(cancel, 1));
  scene.liar->send(record_bytes(cancel, scene.asked.number));
  scene.liar->send(request_bytes(1));  // The same correlation is the liar's own business.
  const RawRecord second = scene.responder->expect(request_delivery);
  CHECK(second.name == "liar");
  CHECK(second.number != scene.asked.number);
  scene.expect_honest_answer();
  scene.responder->send(reply_bytes(second.number, "yours"));
  const RawRecord own = scene.liar->expect(reply_delivery);
  CHECK(own.number == 1);
  CHECK(own.body.substr(1) == "yours");
}

TEST_CASE("a name written into a request, a reply or a subscription changes nothing") {
  Scene scene;
  scene.liar->send(request_bytes(5, "operator"));
  const RawRecord asked = scene.responder->expect(request_delivery);
  CHECK(asked.name == "liar");
  scene.responder->send(record_bytes(reply, asked.number, "ledgerd/transfer", "ledgerd",
                                     std::string(1, '\0') + "ok"));
  const RawRecord answer = scene.liar->expect(reply_delivery);
  CHECK(answer.name == "app-b");
  CHECK(answer.topic == service);
  scene.liar->send(record_bytes(subscribe, 6, "**", "operator"));
  CHECK(scene.liar->expect(denied).number == 6);
  scene.expect_honest_answer();
}

TEST_CASE("another's pattern is not unsubscribed, another's name not taken from its server") {
  constexpr unsigned unsubscribe = 3, unserve = 5;
  Scene scene;
  REQUIRE(scene.asker->ask(subscribe, "apps/news").kind == done);
  CHECK(scene.liar->ask(unsubscribe, "apps/news").kind == done);
  CHECK(scene.liar->ask(unserve, service).kind == done);
  scene.responder->send(publish_bytes(1, "apps/news", {"still here"}));
  CHECK(scene.asker->expect(deliver).items() == std::vector<std::string>{"still here"});
  scene.expect_honest_answer();
}

TEST_CASE("a routing id of one's own choice is nobody else's") {
  Scene scene;
  const RawKeys keys = scene.home.keys_of("liar");
  SECTION("one that another has taken: the second is not served, the first stays") {
    ForgedDealer first(scene.home.bus_endpoint(), keys, "twin");
    first.send(hello_bytes());
    REQUIRE(kind_of(first.receive(5s)) == welcome);
    ForgedDealer second(scene.home.bus_endpoint(), keys, "twin");
    second.send(hello_bytes());
    CHECK(second.receive(500ms).empty());
    first.send(record_bytes(ping, 1));
    CHECK(kind_of(first.receive(5s)) == pong);
  }
  SECTION("one that looks like those the broker makes: it is who its key says") {
    for (const char* guess : {"\0\0\0\0\1", "\0\1\2\3\4", "\0\x6b\x8b\x45\x67"}) {
      ForgedDealer forged(scene.home.bus_endpoint(), keys, std::string(guess, 5));
      forged.send(hello_bytes());
      const std::string answer = forged.receive(5s);
      REQUIRE(kind_of(answer) == welcome);
      CHECK(answer.find("liar") == 16);
    }
  }
  SECTION("another's name and serial") {
    ForgedDealer forged(scene.home.bus_endpoint(), keys, "app-a#1");
    forged.send(hello_bytes());
    const std::string answer = forged.receive(5s);
    REQUIRE(kind_of(answer) == welcome);
    CHECK(answer.find("liar") == 16);
  }
  scene.expect_honest_answer();
}

}  // namespace
}  // namespace guild::test
