// Outbox: publishes every committed leg as an event, in order, at least once. The postings in the
// file are the outbox: they are there by the same commit as the booking itself. How far they were
// published is a mark in the file, kept now and then and not for each event, so that after a crash
// the last ones (at most `keep_every` postings or `keep_within` of time) are published again;
// consumers tell them by their seq. Owned by the loop thread; it blocks on nothing. Limit: one
// batch in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace guild::ledgerd {

class Outbox {
 public:
  static constexpr std::size_t batch_legs = 256;
  static constexpr std::int64_t keep_every = 4'096;
  static constexpr Duration keep_within = std::chrono::seconds(1);
  static constexpr Duration retry_after = std::chrono::seconds(1);
  static constexpr Duration drain_limit = std::chrono::seconds(2);

  /// A leg as others are told of it.
  struct Event {
    std::int64_t seq = 0;  ///< Of its posting.
    std::string topic, payload;
  };
  using Events = std::vector<Event>;
  using OnDone = std::function<void(Result<void>)>;

  /// What it acts through. Every callback comes later, on the loop thread, exactly once.
  struct Ports {
    /// Legs of the postings after this seq, whole postings, in order.
    std::function<void(std::int64_t after, std::function<void(Result<Events>)>)> fetch;
    /// Puts an event out; `accepted`, when there is one, hears that the broker has it and all
    /// before it, or why not. Errors as of bus::Client::publish.
    std::function<Result<void>(const Event&, OnDone accepted)> publish;
    std::function<void(std::int64_t seq, OnDone)> keep_mark;
    std::function<void(Duration, std::function<void()>)> call_after;
    /// What cannot be done now and is tried again.
    std::function<void(const Error&)> complain;
  };

  /// `published`: the mark in the file. `committed`: the last seq in the file.
  Outbox(std::int64_t published, std::int64_t committed, Ports ports)
      : ports_(std::move(ports)), committed_(committed), published_(published), kept_(published) {}

  void committed(std::int64_t seq);
  void session_changed(bool is_connected);
  /// There is room to publish again after queue_full.
  void room();
  /// Publishes what is left, as far as the session and drain_limit allow, keeps the mark, calls
  /// back.
  void drain(std::function<void()> done);

  std::int64_t published() const { return published_; }
  std::int64_t waiting() const { return committed_ - published_; }
  std::int64_t events() const { return events_; }

 private:
  enum class State { idle, fetching, sending, acknowledging, pausing };

  void step();
  void fetch();
  void send();
  void take_fetched(Result<Events> fetched);
  void take_ack(const Result<void>& accepted);
  void pause(const Error& error);
  void keep_soon();
  void keep();
  void finish_drain_if_done();

  Ports ports_;
  State state_ = State::idle;
  bool is_connected_ = false;
  std::int64_t committed_, published_, kept_;
  std::int64_t events_ = 0;
  std::uint64_t pauses_ = 0;
  Events batch_;
  std::size_t next_ = 0;  // Of the batch, to be sent.
  bool is_keep_planned_ = false, is_keeping_ = false;
  std::function<void()> drained_;
  bool is_drain_over_ = false;  // What is not done by now is left.
};

}  // namespace guild::ledgerd
