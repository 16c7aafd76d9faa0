#include "tests/integration/bus/crowd.hpp"

#include <signal.h>

#include <catch2/catch.hpp>

namespace guild::test {

Peer::Peer(TestHome& home, std::string name, std::uint64_t seed, std::vector<std::string> words,
           Harm harm)
    : home_(home),
      name_(std::move(name)),
      seed_(seed),
      words_(std::move(words)),
      harm_(harm),
      tally_path_(home.root() / (name_ + ".tally")),
      tally_(tally_path_) {}

void Peer::start() {
  std::vector<std::string> argv = {program_path("counting_peer"), home_.bus_endpoint(),
                                   home_.keys().string(),         name_,
                                   tally_path_.string(),          std::to_string(seed_++)};
  argv.insert(argv.end(), words_.begin(), words_.end());
  stopped_ = false;
  process_ = Process::start(home_.command(argv), home_.capture(name_));
}

void Peer::harm(std::mt19937_64& random) {
  if (harm_ == Harm::none) return;
  const auto dice = random() % 10;
  if (stopped_) {
    if (dice < 4) resume();
  } else if (dice < 3) {
    stop();
  } else if (dice < 5 && harm_ == Harm::stop_and_kill && process_->running()) {
    kill_and_start();
  }
}

void Peer::stop() {
  process_->signal(SIGSTOP);
  stopped_ = true;
  ++stops_;
}

void Peer::kill_and_start() {
  process_->kill();
  ++kills_;
  start();
}

void Peer::resume() {
  if (stopped_) process_->signal(SIGCONT);
  stopped_ = false;
}

void Peer::expect_good_end(std::chrono::milliseconds limit) {
  resume();
  const Outcome outcome = process_->wait(limit);
  INFO(name_ << ": " << outcome.err);
  CHECK(outcome.exit_code == 0);
}

}  // namespace guild::test
