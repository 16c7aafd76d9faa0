#include "ledgerd/outbox.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <optional>

using namespace guild;
using namespace guild::ledgerd;
using namespace std::chrono_literals;

namespace {

Error error_with(std::string_view code) {
  return {ErrorKind::failed, std::string(code), std::string(code), {}};
}

/// A file of postings with two legs each, a broker, a clock and a mark, all in the test's hand.
class OutboxWorld {
 public:
  explicit OutboxWorld(std::int64_t published = 0, std::int64_t in_file = 0)
      : file_size(in_file), outbox(published, in_file, ports()) {}

  void commit_up_to(std::int64_t seq) {
    file_size = seq;
    outbox.committed(seq);
  }
  /// Everything that was asked for is answered, until nothing more is asked.
  void run() {
    while (!loop.empty()) {
      const auto next = std::move(loop.front());
      loop.pop_front();
      next();
    }
  }
  void pass(Duration time) {
    clock += time;
    for (auto timer = timers.begin(); timer != timers.end();) {
      if (timer->first > clock) {
        ++timer;
        continue;
      }
      loop.push_back(std::move(timer->second));
      timer = timers.erase(timer);
    }
    run();
  }
  /// The broker's word on what it got and has not answered.
  void answer(const Result<void>& outcome) {
    std::vector<Outbox::OnDone> asked;
    std::swap(asked, unanswered);
    for (const auto& done : asked) done(outcome);
    run();
  }
  void connect() {
    is_connected = true;
    outbox.session_changed(true);
    run();
  }
  void lose_session() {
    is_connected = false;
    outbox.session_changed(false);
    answer(fail(error_with("session_lost")));
  }

  std::int64_t file_size;
  bool is_connected = false;
  std::size_t room = 1'000'000;  ///< Events that publish takes before queue_full.
  bool answers_at_once = true;
  std::optional<Error> mark_error;
  std::vector<std::pair<std::int64_t, std::int64_t>> events;  ///< (seq, account_seq) as they came.
  std::int64_t mark = 0;
  int marks_kept = 0;
  std::vector<std::string> complaints;
  std::vector<Outbox::OnDone> unanswered;
  std::deque<std::function<void()>> loop;
  std::vector<std::pair<Duration, std::function<void()>>> timers;
  Duration clock{};
  Outbox outbox;

  std::vector<std::pair<std::int64_t, std::int64_t>> expected(std::int64_t from,
                                                              std::int64_t to) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (std::int64_t seq = from; seq <= to; ++seq)
      for (const std::int64_t leg : {0, 1}) all.emplace_back(seq, leg);
    return all;
  }

 private:
  Outbox::Ports ports() {
    Outbox::Ports ports;
    ports.fetch = [this](std::int64_t after, std::function<void(Result<Outbox::Events>)> take) {
      Outbox::Events entries;
      for (std::int64_t seq = after + 1; seq <= file_size; ++seq) {
        if (entries.size() >= Outbox::batch_legs) break;
        for (const std::int64_t leg : {0, 1}) {
          entries.push_back({.seq = seq, .topic = "t", .payload = std::to_string(leg)});
        }
      }
      loop.push_back([take, entries] { take(entries); });
    };
    ports.publish = [this](const Outbox::Event& event, Outbox::OnDone accepted) -> Result<void> {
      if (!is_connected) return fail(error_with("not_connected"));
      if (room == 0) return fail(error_with("queue_full"));
      --room;
      events.emplace_back(event.seq, std::stoll(event.payload));
      if (!accepted) return {};
      if (answers_at_once)
        loop.push_back([accepted] { accepted({}); });
      else
        unanswered.push_back(std::move(accepted));
      return {};
    };
    ports.keep_mark = [this](std::int64_t seq, Outbox::OnDone kept) {
      ++marks_kept;
      if (!mark_error) mark = seq;
      const Result<void> outcome = mark_error ? Result<void>(fail(*mark_error)) : Result<void>{};
      loop.push_back([kept, outcome] { kept(outcome); });
    };
    ports.call_after = [this](Duration delay, std::function<void()> call) {
      timers.emplace_back(clock + delay, std::move(call));
    };
    ports.complain = [this](const Error& error) { complaints.push_back(error.code); };
    return ports;
  }
};

}  // namespace

TEST_CASE("what was committed is published in order, once connected") {
  OutboxWorld it;
  it.commit_up_to(3);
  it.run();
  CHECK(it.events.empty());
  it.connect();
  CHECK(it.events == it.expected(1, 3));
  it.commit_up_to(700);
  it.run();
  CHECK(it.events == it.expected(1, 700));
  CHECK(it.outbox.waiting() == 0);
  CHECK(it.outbox.events() == 1'400);
  CHECK(it.complaints.empty());
}

TEST_CASE("a restart goes on after the mark") {
  OutboxWorld it(5, 8);
  it.connect();
  CHECK(it.events == it.expected(6, 8));
}

TEST_CASE("the mark is kept a second after, not with each event") {
  OutboxWorld it;
  it.connect();
  for (int seq = 1; seq <= 10; ++seq) {
    it.commit_up_to(seq);
    it.run();
  }
  CHECK(it.marks_kept == 0);
  it.pass(999ms);
  CHECK(it.marks_kept == 0);
  it.pass(1ms);
  CHECK(it.mark == 10);
  CHECK(it.marks_kept == 1);
  it.pass(10s);
  CHECK(it.marks_kept == 1);
}

TEST_CASE("the mark is kept early when much was published") {
  OutboxWorld it;
  it.connect();
  it.commit_up_to(Outbox::keep_every + 200);
  it.run();
  CHECK(it.mark >= Outbox::keep_every);
}

TEST_CASE("nothing counts as published before the broker has it") {
  OutboxWorld it;
  it.answers_at_once = false;
  it.connect();
  it.commit_up_to(2);
  it.run();
  CHECK(it.events == it.expected(1, 2));
  CHECK(it.outbox.published() == 0);
  it.pass(2s);
  CHECK(it.marks_kept == 0);
  it.answer({});
  CHECK(it.outbox.published() == 2);
}

TEST_CASE("what a lost session leaves unknown is published again, at once when it is back") {
  OutboxWorld it;
  it.answers_at_once = false;
  it.connect();
  it.commit_up_to(2);
  it.run();
  it.lose_session();
  CHECK(it.outbox.published() == 0);
  it.events.clear();
  it.answers_at_once = true;
  it.connect();
  CHECK(it.events == it.expected(1, 2));
  CHECK(it.outbox.published() == 2);
  it.pass(5s);  // The pause that the reconnection cut short has no effect any more.
  CHECK(it.events == it.expected(1, 2));
  CHECK(it.complaints.empty());
}

TEST_CASE("a full queue waits for room, and loses and doubles nothing") {
  OutboxWorld it;
  it.room = 5;
  it.connect();
  it.commit_up_to(100);
  it.run();
  CHECK(it.events.size() == 5);
  it.pass(10s);
  CHECK(it.events.size() == 5);
  it.room = 20;
  it.outbox.room();
  it.run();
  CHECK(it.events.size() == 25);
  it.room = 1'000;
  it.outbox.room();
  it.run();
  CHECK(it.events == it.expected(1, 100));
}

TEST_CASE("a session that is lost while the queue is full starts the batch again") {
  OutboxWorld it;
  it.room = 5;
  it.connect();
  it.commit_up_to(10);
  it.run();
  it.lose_session();
  it.events.clear();
  it.room = 1'000;
  it.connect();
  CHECK(it.events == it.expected(1, 10));
}

TEST_CASE("a denial is told and tried again, not skipped") {
  OutboxWorld it;
  it.answers_at_once = false;
  it.connect();
  it.commit_up_to(1);
  it.run();
  it.answer(fail(error_with("no_permission")));
  CHECK(it.complaints == std::vector<std::string>{"no_permission"});
  CHECK(it.outbox.published() == 0);
  it.answers_at_once = true;
  it.pass(Outbox::retry_after);
  CHECK(it.outbox.published() == 1);
}

TEST_CASE("postings that the file should have and has not are told, not spun on") {
  OutboxWorld it;
  it.connect();
  it.outbox.committed(3);
  it.run();
  CHECK(it.complaints == std::vector<std::string>{"history_damaged"});
  it.file_size = 3;
  it.pass(Outbox::retry_after);
  CHECK(it.events == it.expected(1, 3));
}

TEST_CASE("a drain publishes what is left and keeps the mark") {
  OutboxWorld it;
  it.connect();
  it.commit_up_to(300);
  bool is_done = false;
  it.outbox.drain([&] { is_done = true; });
  CHECK_FALSE(is_done);
  it.run();
  CHECK(is_done);
  CHECK(it.events == it.expected(1, 300));
  CHECK(it.mark == 300);
}

TEST_CASE("a drain with nothing to do is done at once") {
  OutboxWorld it;
  bool is_done = false;
  it.outbox.drain([&] { is_done = true; });
  CHECK(is_done);
}

TEST_CASE("a drain does not wait for a session that is gone, nor for ever for an answer") {
  OutboxWorld gone;
  gone.commit_up_to(3);
  bool is_done = false;
  gone.outbox.drain([&] { is_done = true; });
  CHECK(is_done);

  OutboxWorld silent;
  silent.answers_at_once = false;
  silent.connect();
  silent.commit_up_to(3);
  silent.run();
  is_done = false;
  silent.outbox.drain([&] { is_done = true; });
  silent.pass(Outbox::drain_limit - 1ms);
  CHECK_FALSE(is_done);
  silent.pass(1ms);
  CHECK(is_done);
}

TEST_CASE("a mark that cannot be kept does not hold a drain up") {
  OutboxWorld it;
  it.mark_error = error_with("disk_full");
  it.connect();
  it.commit_up_to(3);
  it.run();
  bool is_done = false;
  it.outbox.drain([&] { is_done = true; });
  it.run();
  CHECK(is_done);
  CHECK(it.complaints == std::vector<std::string>{"disk_full"});
}
