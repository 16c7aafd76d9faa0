// ClientProcess: an application on a real client session, from its start to its end. It moves the
// session as the real client does (common/bus/client.cpp), over a simulated link, and does at
// random what applications do. What its callbacks hear is checked here: senders are who they say,
// items come in order and once, every question has one answer.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bus/attempts.hpp"
#include "common/bus/session.hpp"
#include "keys/keyring.hpp"
#include "tests/simulation/broker/journal.hpp"
#include "tests/simulation/broker/network.hpp"

namespace guild::simulation {

enum class Door { opens, refuses, silent, nobody };

/// What a process stands in.
struct Surroundings {
  Timeline& timeline;
  Random& random;
  Network& network;
  Journal& journal;
  std::function<Door(const std::string& name, const keys::PublicKey& key)> knock;
  std::function<std::uint64_t()> broker_life;
};

/// A subscription as the application sees it.
struct Ear {
  std::string pattern;
  bool ever_confirmed = false;
  std::optional<Time> confirmed_at{};           ///< In this session.
  std::map<std::string, std::uint64_t> last{};  ///< By publisher's session.
  std::set<std::string> heard{};
  struct Lost {
    std::string topic, sender;
    std::uint64_t first = 0, last = 0;
  };
  std::vector<Lost> lost{};
};

class ClientProcess : public std::enable_shared_from_this<ClientProcess> {
 public:
  struct Temper {
    std::uint32_t credit_messages = 100;
    std::uint64_t credit_bytes = 10'000;
    std::size_t outgoing_bytes_max = 20'000;
    bool slow = false;  ///< Takes its time between two frames.
  };
  ClientProcess(Surroundings& around, std::size_t index, std::string name, keys::PublicKey key,
                Temper temper);
  /// Killed: it says nothing.
  ~ClientProcess();

  void start();
  void wake();
  void stall(Duration duration);
  /// Does something that applications do.
  void act();
  /// GOODBYE, and the end.
  void close();

  const std::string& name() const { return name_; }
  bool has_key(const keys::PublicKey& key) const { return key == key_; }
  Link* link() { return link_.get(); }
  bus::Session& session() { return *session_; }
  const std::vector<std::shared_ptr<Ear>>& ears() const { return ears_; }
  const std::map<std::string, std::string>& watched() const { return watched_; }
  /// Since the session was opened.
  std::uint64_t delivered() const { return session_->counters().delivered - delivered_before_; }

 private:
  void pump();
  void open();
  void shake_hands(std::uint64_t attempt);
  void receive_frames();
  void flush();
  void lose(const bus::Attempts::Outcome& outcome);
  void wake_at(Time when);
  void on_session(const bus::SessionEvent& event);

  void publish();
  void ask();
  void subscribe();
  void unsubscribe();
  void serve();
  void watch();
  std::string topic();
  void heard(Ear& ear, const bus::Delivery& delivery);
  void answer(std::string_view question, bus::Responder responder);

  Surroundings* around_;
  std::size_t index_;
  std::string name_;
  keys::PublicKey key_;
  Temper temper_;
  std::uint64_t process_;  ///< Of all there were.
  bus::Attempts attempts_;
  std::shared_ptr<bus::Session> session_;
  std::shared_ptr<Link> link_;
  std::uint64_t attempt_ = 0;
  Time stalled_until_{}, reads_from_{};
  std::set<Time> wakes_;
  bool closing_ = false;

  std::uint64_t life_ = 0;      ///< Of this name's connections: this one.
  std::uint64_t sequence_ = 0;  ///< Of the last item published on it.
  std::uint64_t delivered_before_ = 0;
  std::uint64_t questions_ = 0;
  std::vector<std::shared_ptr<Ear>> ears_;
  std::set<std::string> serves_;
  std::map<std::string, std::string> watched_;  ///< Topic, and who hears it.
  std::deque<std::pair<std::string, bus::Responder>> open_questions_;
};

}  // namespace guild::simulation
