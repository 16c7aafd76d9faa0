// The real server on a loopback port, spoken to byte by byte.
#include "gateway/server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <catch2/catch.hpp>

#include <thread>

using namespace guild;
using namespace guild::gateway;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

asio::awaitable<Response> echo(Request request) {
  co_return Response{.status = 200,
                     .content_type = "text/plain",
                     .body = request.method + " " + request.body,
                     .headers = {}};
}

// Serves on a thread of its own until it is drained.
class Running {
 public:
  explicit Running(ServerOptions options = {}) {
    options.address = "127.0.0.1";
    auto server = Server::listen(loop_, options, echo);
    REQUIRE(server);
    server_ = std::move(*server);
    port_ = server_->port();
    server_->start();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Running() {
    if (thread_.joinable()) drain();
  }
  void drain() {
    asio::post(loop_, [this] { server_->drain([] {}); });
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

  // Sends raw bytes and reads until the server closes.
  std::string exchange(std::string_view bytes) const {
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), port_});
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes), ignored);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), ignored);
    return answer;
  }

 private:
  asio::io_context loop_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("requests are answered, several on one connection") {
  const Running server;
  const std::string answer = server.exchange(
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
      "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("POST hi") != std::string::npos);
  CHECK(answer.find("GET ") != std::string::npos);
  CHECK(answer.find("X-Content-Type-Options: nosniff") != std::string::npos);
}

TEST_CASE("what is not HTTP gets a problem and the connection ends") {
  const Running server;
  CHECK(server.exchange("\x16\x03\x01\x02 hello\r\n\r\n").find("request_malformed") !=
        std::string::npos);
  CHECK(server.exchange("GET / HTTP/9.9\r\n\r\n").find("request_malformed") != std::string::npos);
}

TEST_CASE("bodies and headers over the limit are refused") {
  ServerOptions options;
  options.body_bytes_max = 10;
  const Running server(options);
  CHECK(server.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890")
            .starts_with("HTTP/1.1 413"));
  CHECK(server.exchange("GET / HTTP/1.1\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
}

TEST_CASE("an address that is none, and a port that is taken, are named") {
  asio::io_context loop;
  ServerOptions options{.address = "not-an-address", .port = 0};
  CHECK(Server::listen(loop, options, echo).error().code == "address_invalid");
  const Running server;
  options = {.address = "127.0.0.1", .port = server.port()};
  const auto second = Server::listen(loop, options, echo);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == "port_taken");
  CHECK(second.error().message.find(std::to_string(server.port())) != std::string::npos);
}

TEST_CASE("connections over the limit are turned away") {
  ServerOptions options;
  options.connections_max = 1;
  const Running server(options);
  asio::io_context io;
  tcp::socket first(io);
  first.connect({asio::ip::make_address("127.0.0.1"), server.port()});
  asio::write(first, asio::buffer(std::string_view("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  char byte = 0;
  asio::read(first, asio::buffer(&byte, 1));  // It is being served now.
  CHECK(server.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").empty());
}

TEST_CASE("a drain ends idle connections and returns") {
  Running server;
  asio::io_context io;
  tcp::socket idle(io);
  idle.connect({asio::ip::make_address("127.0.0.1"), server.port()});
  asio::write(idle, asio::buffer(std::string_view("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  char byte = 0;
  asio::read(idle, asio::buffer(&byte, 1));
  server.drain();
  std::string rest;
  boost::system::error_code end;
  asio::read(idle, asio::dynamic_buffer(rest), end);
  CHECK(end == asio::error::eof);
}
