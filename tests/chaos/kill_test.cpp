// Four writers, readers, and daemons that are killed at random: what was acknowledged is there,
// once, and nobody ever sees a locked or a broken database.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/home.hpp"
#include "tests/support/json.hpp"
#include "tests/support/scale.hpp"

using namespace guild::test;

namespace {

bool is_storage_complaint(const std::string& text) {
  return text.find("database is locked") != std::string::npos ||
         text.find("not a database") != std::string::npos ||
         text.find("malformed") != std::string::npos;
}

std::string id_of(int writer, int number) {
  char text[37];
  std::snprintf(text, sizeof text, "0199aabb-ccdd-7%03x-8000-%012x", static_cast<unsigned>(writer),
                static_cast<unsigned>(number));
  return text;
}

struct Writer {
  std::set<std::string> acknowledged;
  std::vector<std::string> complaints;
};

// Sends transfer after transfer, each again until it is answered: the id makes that safe.
void write_until(TestHome& home, int number, const std::atomic<bool>& done, Writer& writer) {
  for (int i = 0; !done; ++i) {
    const std::string id = id_of(number, i);
    while (true) {
      const Outcome outcome =
          run(home.command({program_path("guild"), "--home", home.root().string(), "ledger",
                            "transfer", "treasury", "user/writer", "0.01", "--id", id, "--timeout",
                            "3s", "--json"}),
              home.root() / "captured" / ("writer-" + std::to_string(number)), seconds(30));
      if (is_storage_complaint(outcome.err)) writer.complaints.push_back(outcome.err);
      if (outcome.exit_code == 0) {
        writer.acknowledged.insert(id);
        break;
      }
      if (done) return;  // Not acknowledged: nothing is promised of it.
    }
  }
}

void read_until(TestHome& home, const std::atomic<bool>& done,
                std::vector<std::string>& complaints) {
  while (!done) {
    for (const std::vector<std::string>& verb : {std::vector<std::string>{"db", "status"},
                                                 {"ledger", "balance", "treasury"},
                                                 {"logs", "query", "--limit", "50"}}) {
      std::vector<std::string> argv = {program_path("guild"), "--home", home.root().string(),
                                       "--timeout", "3s"};
      argv.insert(argv.end(), verb.begin(), verb.end());
      const Outcome outcome =
          run(home.command(argv), home.root() / "captured" / "reader", seconds(30));
      if (is_storage_complaint(outcome.err)) complaints.push_back(outcome.err);
    }
  }
}

}  // namespace

TEST_CASE("what was acknowledged survives random kills, once") {
  const auto duration = scaled(seconds(12), seconds(60));
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  TestHome home;
  home.write_config("[gateway]\nport = 0\n");
  home.start_suite();

  std::atomic<bool> done = false;
  std::vector<Writer> writers(4);
  std::vector<std::string> reader_complaints;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(
        [&, i] { write_until(home, i, done, writers[static_cast<std::size_t>(i)]); });
  threads.emplace_back([&] { read_until(home, done, reader_complaints); });

  const std::string victims[] = {"broker",  "logconsumer", "ledgerd",
                                 "ledgerd", "scheduler",   "gateway"};
  const auto end = std::chrono::steady_clock::now() + duration;
  int kills = 0;
  while (std::chrono::steady_clock::now() < end) {
    const std::string& victim = victims[random() % std::size(victims)];
    home.daemon(victim).kill();
    home.start(victim);
    ++kills;
    // Between two kills the suite must get something done, or nothing would be tested.
    std::this_thread::sleep_for(milliseconds(200 + random() % 600));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();

  CHECK(kills > 5);
  for (const Writer& writer : writers) {
    CHECK(writer.complaints == std::vector<std::string>{});
    CHECK_FALSE(writer.acknowledged.empty());
  }
  CHECK(reader_complaints == std::vector<std::string>{});

  const Outcome entries =
      home.guild({"ledger", "entries", "user/writer", "--json"}, {}, seconds(60));
  REQUIRE(entries.exit_code == 0);
  std::map<std::string, int> booked;
  for (const Json& entry : json_lines(entries.out)) ++booked[entry.at("id")];
  std::size_t acknowledged = 0;
  for (const Writer& writer : writers) {
    acknowledged += writer.acknowledged.size();
    for (const std::string& id : writer.acknowledged) {
      INFO(id);
      CHECK(booked[id] == 1);
    }
  }
  for (const auto& [id, times] : booked) CHECK(times <= 1);
  WARN(kills << " kills, " << acknowledged << " acknowledged transfers");

  CHECK(home.guild({"ledger", "verify"}).exit_code == 0);
  const Outcome check = home.guild({"db", "check"}, {}, seconds(60));
  INFO(check.out << check.err);
  CHECK(check.exit_code == 0);
  home.stop();
  CHECK(home.guild({"ledger", "verify"}).exit_code == 0);  // Also from the file alone.
}
