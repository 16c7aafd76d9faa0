// The peer NATS: one process of a measurement, as a client of libnats. The roles are those of
// `guild bus bench`, but for the echo, which is NATS's own request and reply.
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <vector>

#include <fmt/format.h>

#include "bench/bus/nats_client.hpp"
#include "bench/bus/worker.hpp"

namespace guild::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* echo_subject = "bench.echo";

struct Arguments {
  Work work;
  NatsServer server;
};

/// What the subjects of a run begin with; <publisher>.<topic> follows.
std::string data_prefix(const Work& work) { return fmt::format("bench.{}.", work.run); }

std::optional<std::size_t> publisher_in(std::string_view subject, std::string_view prefix) {
  if (!subject.starts_with(prefix)) return {};
  subject.remove_prefix(prefix.size());
  std::size_t publisher = 0;
  const auto [rest, problem] =
      std::from_chars(subject.data(), subject.data() + subject.size(), publisher);
  if (problem != std::errc{} || rest == subject.data() + subject.size() || *rest != '.') return {};
  return publisher;
}

Result<std::unique_ptr<NatsClient>> connect(const Arguments& arguments, Sending sending) {
  GUILD_TRY(const NatsOptions options, nats_options(arguments.server, sending));
  return NatsClient::connect(options);
}

Result<void> publish(const Arguments& arguments) {
  GUILD_TRY(const auto client, connect(arguments, Sending::gathered));
  std::vector<std::string> subjects;
  subjects.reserve(static_cast<std::size_t>(arguments.work.topics));
  for (std::int64_t i = 0; i < arguments.work.topics; ++i)
    subjects.push_back(
        fmt::format("{}{}.{}", data_prefix(arguments.work), arguments.work.index, i));
  Load load(arguments.work);
  say("ready");
  await_told();
  cli::BenchReport seen;
  seen.first_ns = now_ns();
  while (!load.is_sent()) {
    const std::string& subject = subjects[load.topic()];
    GUILD_CHECK(client->publish(subject, load.next()));
  }
  GUILD_CHECK(client->flush());
  seen.last_ns = now_ns();
  seen.messages = arguments.work.messages;
  GUILD_CHECK(client->check());
  report(seen);
  await_told();
  return {};
}

Result<void> receive(const Arguments& arguments) {
  const std::string prefix = data_prefix(arguments.work);
  Tally tally(arguments.work);
  std::binary_semaphore complete(0);
  GUILD_TRY(const auto client, connect(arguments, Sending::gathered));
  GUILD_CHECK(client->subscribe(prefix + "*.*", [&](natsConnection*, natsMsg* message) {
    if (tally.take(publisher_in(natsMsg_GetSubject(message), prefix), payload_of(message)))
      complete.release();
  }));
  say("ready");
  Patience patience(arguments.work);
  while (!complete.try_acquire_for(500ms)) {
    GUILD_CHECK(client->check());
    GUILD_CHECK(patience.check(tally.received()));
  }
  GUILD_TRY(const cli::BenchReport seen, tally.report());
  report(seen);
  await_told();
  return {};
}

Result<void> echo(const Arguments& arguments) {
  GUILD_TRY(const auto client, connect(arguments, Sending::at_once));
  GUILD_CHECK(client->subscribe(echo_subject, [](natsConnection* connection, natsMsg* message) {
    // A failure shows at the asker, who gets no answer.
    (void)natsConnection_Publish(connection, natsMsg_GetReply(message), natsMsg_GetData(message),
                                 natsMsg_GetDataLength(message));
  }));
  say("ready");
  await_told();
  return client->check();
}

Result<void> ask(const Arguments& arguments) {
  GUILD_TRY(const auto client, connect(arguments, Sending::at_once));
  say("ready");
  await_told();
  GUILD_CHECK(measure_echo(arguments.work, [&client](std::string_view payload) {
    return client->request(echo_subject, payload);
  }));
  await_told();
  return {};
}

Result<void> idle(const Arguments& arguments) {
  GUILD_TRY(const NatsOptions options, nats_options(arguments.server, Sending::gathered));
  std::vector<std::unique_ptr<NatsClient>> clients;
  for (std::int64_t i = 0; i < arguments.work.sessions; ++i) {
    GUILD_TRY(clients.emplace_back(), NatsClient::connect(options));
    GUILD_CHECK(clients.back()->subscribe(fmt::format("bench.idle.{}.{}", arguments.work.index, i),
                                          [](natsConnection*, natsMsg*) {}));
  }
  say("ready");
  await_told();
  for (const auto& client : clients) GUILD_CHECK(client->check());
  return {};
}

Result<void> run(const Arguments& arguments) {
  const std::string& role = arguments.work.role;
  if (role == "publisher") return publish(arguments);
  if (role == "subscriber") return receive(arguments);
  if (role == "echo") return echo(arguments);
  if (role == "asker") return ask(arguments);
  if (role == "idle") return idle(arguments);
  return failed("role_unknown", "the roles are publisher, subscriber, echo, asker and idle");
}

}  // namespace
}  // namespace guild::bench

int main(int argc, char** argv) {
  using namespace guild::bench;
  CLI::App app("one process of a measurement, on NATS");
  Arguments arguments;
  add_options(app, arguments.work);
  app.add_option("--url", arguments.server.url)->required();
  app.add_option("--ca", arguments.server.ca_file, "file, PEM")->required();
  app.add_option("--password", arguments.server.password_file, "file")->required();
  return run_program(app, argc, argv, [&arguments] { return run(arguments); });
}
