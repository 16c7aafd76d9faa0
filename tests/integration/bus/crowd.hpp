// Crowd: the peers of the conservation test (counting_peer), each a process with a tally of its
// own, and the harm that is done to them at random: SIGKILL and a new start, SIGSTOP, SIGCONT.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/bus/tally.hpp"
#include "tests/integration/bus_home.hpp"

namespace guild::test {

class Peer {
 public:
  enum class Harm { none, stop, stop_and_kill };

  /// `words`: what counting_peer does. It does not run yet.
  Peer(TestHome& home, std::string name, std::uint64_t seed, std::vector<std::string> words,
       Harm harm);

  void start();
  /// Something that `harm` allows, or nothing.
  void harm(std::mt19937_64& random);
  void stop();
  void kill_and_start();
  /// Lets it go on if it is stopped.
  void resume();
  bool running() { return process_->running(); }
  /// The end it comes to by itself.
  void expect_good_end(std::chrono::milliseconds limit);
  void wait_ready() { process_->wait_for_err("ready"); }

  /// It is never killed and does not leave: one session from beginning to end.
  bool keeps_its_session() const { return harm_ != Harm::stop_and_kill; }
  const std::string& name() const { return name_; }
  const Tally& tally() const { return *tally_; }
  long kills() const { return kills_; }
  long stops() const { return stops_; }

 private:
  TestHome& home_;
  std::string name_;
  std::uint64_t seed_;
  std::vector<std::string> words_;
  Harm harm_;
  std::filesystem::path tally_path_;
  TallyFile tally_;
  std::optional<Process> process_;
  bool stopped_ = false;
  long kills_ = 0, stops_ = 0;
};

}  // namespace guild::test
