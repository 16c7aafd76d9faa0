// The peer "bare CURVE": one process of a measurement, or the proxy between them. The roles are
// those of `guild bus bench`. A message is one frame: its topic, then the payload.
#include <algorithm>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "bench/bus/curve_client.hpp"
#include "bench/bus/curve_proxy.hpp"
#include "bench/bus/worker.hpp"

namespace guild::bench {
namespace {

using zmq::socket_type;

constexpr int poll_ms = 500;
constexpr int answer_limit_ms = 10'000;

struct Arguments {
  Work work;
  std::string folder, server_key;
};

/// A subscriber asks for its data, and for a topic of its own that says that it has joined. That
/// one sorts behind: a SUB socket sends its subscriptions in this order, so whoever sees a
/// subscriber join knows that its data will come.
std::string data_prefix(const Work& work) { return fmt::format("bench/{}/", work.run); }
std::string joined_prefix(const Work& work) { return fmt::format("joined/{}/", work.run); }
std::string joined_topic(const Work& work, std::int64_t session) {
  return fmt::format("{}{}/{}", joined_prefix(work), work.index, session);
}

std::string_view text_of(const zmq::message_t& message) {
  return {static_cast<const char*>(message.data()), message.size()};
}

/// Waits at a publisher's socket until so many have joined: the proxy hands on each subscription
/// once it has taken it. `among` is what their topics begin with.
void await_joined(zmq::socket_t& publisher, std::string_view among, std::int64_t count) {
  std::set<std::string, std::less<>> joined;
  while (static_cast<std::int64_t>(joined.size()) < count) {
    zmq::message_t message;
    if (!publisher.recv(message)) continue;
    const std::string_view text = text_of(message);
    if (text.starts_with('\x01') && text.substr(1).starts_with(among)) joined.emplace(text);
  }
}

Result<void> publish(const Arguments& arguments) {
  const Work& work = arguments.work;
  zmq::context_t context;
  zmq::socket_t socket = curve_client(context, socket_type::xpub, arguments.server_key,
                                      CurveEndpoints(arguments.folder).publishers);
  await_joined(socket, joined_prefix(work), work.subscribers);
  std::vector<std::string> topics;
  topics.reserve(static_cast<std::size_t>(work.topics));
  for (std::int64_t i = 0; i < work.topics; ++i)
    topics.push_back(cli::bench_topic(work.run, work.index, i));
  Load load(work);
  say("ready");
  await_told();
  cli::BenchReport seen;
  seen.first_ns = now_ns();
  while (!load.is_sent()) {
    const std::string& topic = topics[load.topic()];
    const std::string& payload = load.next();
    zmq::message_t message(topic.size() + payload.size());
    auto* const to = static_cast<char*>(message.data());
    payload.copy(to + topic.copy(to, topic.size()), payload.size());
    socket.send(message, zmq::send_flags::none);
  }
  seen.last_ns = now_ns();
  seen.messages = work.messages;
  report(seen);
  await_told();
  return {};
}

Result<void> receive(const Arguments& arguments) {
  const Work& work = arguments.work;
  const auto size = static_cast<std::size_t>(work.size);
  Tally tally(work);
  Patience patience(work);
  zmq::context_t context;
  zmq::socket_t socket = curve_client(context, socket_type::sub, arguments.server_key,
                                      CurveEndpoints(arguments.folder).subscribers);
  socket.set(zmq::sockopt::rcvtimeo, poll_ms);
  socket.set(zmq::sockopt::subscribe, data_prefix(work));
  socket.set(zmq::sockopt::subscribe, joined_topic(work, 0));
  say("ready");
  for (bool complete = false; !complete;) {
    zmq::message_t message;
    if (!socket.recv(message)) {
      GUILD_CHECK(patience.check(tally.received()));
      continue;
    }
    const std::string_view text = text_of(message);
    const std::size_t head = text.size() - std::min(size, text.size());
    complete = tally.take(cli::publisher_of(text.substr(0, head)), text.substr(head));
  }
  GUILD_TRY(const cli::BenchReport seen, tally.report());
  report(seen);
  await_told();
  return {};
}

Result<void> echo(const Arguments& arguments) {
  zmq::context_t context;
  zmq::socket_t socket = curve_client(context, socket_type::rep, arguments.server_key,
                                      CurveEndpoints(arguments.folder).responders);
  socket.set(zmq::sockopt::rcvtimeo, poll_ms);
  say("ready");
  while (!is_told_something()) {
    zmq::message_t message;
    while (socket.recv(message)) socket.send(message, zmq::send_flags::none);
  }
  return {};
}

Result<void> ask(const Arguments& arguments) {
  zmq::context_t context;
  zmq::socket_t socket = curve_client(context, socket_type::req, arguments.server_key,
                                      CurveEndpoints(arguments.folder).askers);
  socket.set(zmq::sockopt::rcvtimeo, answer_limit_ms);
  say("ready");
  await_told();
  GUILD_CHECK(measure_echo(arguments.work, [&](std::string_view payload) -> Result<std::string> {
    socket.send(zmq::buffer(payload), zmq::send_flags::none);
    zmq::message_t answer;
    if (!socket.recv(answer)) return failed("no_answer", "no answer came in ten seconds");
    return std::string(text_of(answer));
  }));
  await_told();
  return {};
}

Result<void> idle(const Arguments& arguments) {
  const Work& work = arguments.work;
  const CurveEndpoints at(arguments.folder);
  zmq::context_t context;
  zmq::socket_t witness =
      curve_client(context, socket_type::xpub, arguments.server_key, at.publishers);
  std::vector<zmq::socket_t> sessions;
  for (std::int64_t i = 0; i < work.sessions; ++i) {
    sessions.push_back(
        curve_client(context, socket_type::sub, arguments.server_key, at.subscribers));
    sessions.back().set(zmq::sockopt::subscribe, joined_topic(work, i));
  }
  await_joined(witness, fmt::format("{}{}/", joined_prefix(work), work.index), work.sessions);
  say("ready");
  await_told();
  return {};
}

Result<void> run(const Arguments& arguments) {
  const std::string& role = arguments.work.role;
  if (role == "proxy") return run_proxy(arguments.folder);
  if (role == "publisher") return publish(arguments);
  if (role == "subscriber") return receive(arguments);
  if (role == "echo") return echo(arguments);
  if (role == "asker") return ask(arguments);
  if (role == "idle") return idle(arguments);
  return failed("role_unknown", "the roles are proxy, publisher, subscriber, echo, asker and idle");
}

}  // namespace
}  // namespace guild::bench

int main(int argc, char** argv) {
  using namespace guild::bench;
  CLI::App app("one process of a measurement, on bare CURVE");
  Arguments arguments;
  add_options(app, arguments.work);
  app.add_option("--folder", arguments.folder, "of the proxy's sockets")->required();
  app.add_option("--server-key", arguments.server_key, "the proxy's public key, Z85");
  return run_program(app, argc, argv, [&arguments] { return run(arguments); });
}
