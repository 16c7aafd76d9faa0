#include "tests/simulation/broker/client_process.hpp"

#include <fmt/format.h>

#include "tests/simulation/law.hpp"

namespace guild::simulation {

using namespace std::chrono_literals;

namespace {

constexpr int frames_per_pump = 16;

Error connection_ended() {
  return {ErrorKind::unavailable, "session_lost", "the connection to the broker ended", ""};
}

}  // namespace

ClientProcess::ClientProcess(Surroundings& around, std::size_t index, std::string name,
                             keys::PublicKey key, Temper temper)
    : around_(&around),
      index_(index),
      name_(std::move(name)),
      key_(key),
      temper_(temper),
      process_(++around.journal.processes),
      attempts_({.endpoint = "ipc://bus", .name = name_, .seed = process_}) {
  session_ = std::make_shared<bus::Session>(
      bus::Session::Options{.expected_name = name_,
                            .receive_credit_messages = temper.credit_messages,
                            .receive_credit_bytes = temper.credit_bytes,
                            .outgoing_bytes_max = temper.outgoing_bytes_max,
                            .on_output = [this] { wake(); }});
  session_->on_session = [this](const bus::SessionEvent& event) { on_session(event); };
}

ClientProcess::~ClientProcess() {
  session_->silence();
  // Answers that were promised die with us.
  while (!open_questions_.empty()) open_questions_.pop_front();
  session_.reset();
  if (link_) around_->network.close(*link_);
  if (closing_) return;
  Journal& journal = around_->journal;
  for (Question& question : journal.questions)
    if (question.asker == process_ && question.answers == 0) question.abandoned = true;
  for (Publication& publication : journal.publications) {
    if (publication.process != process_ || publication.fate != Fate::unanswered) continue;
    publication.fate = Fate::abandoned;
    ++journal.abandoned;
  }
}

// ---- Moving frames -----------------------------------------------------------------------------

void ClientProcess::start() { wake(); }

void ClientProcess::wake() { wake_at(around_->timeline.now()); }

void ClientProcess::wake_at(Time when) {
  when = std::max(when, stalled_until_);
  if (!wakes_.empty() && *wakes_.begin() <= when) return;
  wakes_.insert(when);
  around_->timeline.at(when, [weak = weak_from_this(), when] {
    const auto self = weak.lock();
    if (self == nullptr || self->wakes_.erase(when) == 0) return;
    self->pump();
  });
}

void ClientProcess::stall(Duration duration) {
  stalled_until_ = around_->timeline.now() + duration;
  around_->timeline.at(stalled_until_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
}

/// One step of the real client's, with its order of things.
void ClientProcess::pump() {
  const Time now = around_->timeline.now();
  if (now < stalled_until_) return wake_at(stalled_until_);
  if (session_->closed()) return;
  if (!link_ && attempts_.due(now)) open();
  if (link_) receive_frames();
  if (link_ && link_->client_knows && !link_->down.next_arrival())
    lose(attempts_.ended(connection_ended(), now));
  if (!link_ && attempts_.timed_out(now)) lose(attempts_.failed(bus::Failure::no_answer, now));
  session_->advance(now);
  if (link_) flush();
  if (const auto next = attempts_.deadline()) wake_at(std::max(*next, now + 1us));
  if (const auto next = session_->deadline()) wake_at(std::max(*next, now + 1us));
}

void ClientProcess::open() {
  attempts_.started(around_->timeline.now());
  around_->timeline.after(around_->network.latency(),
                          [weak = weak_from_this(), attempt = ++attempt_] {
                            if (const auto self = weak.lock()) self->shake_hands(attempt);
                          });
}

void ClientProcess::shake_hands(std::uint64_t attempt) {
  if (attempt != attempt_ || link_ || session_->closed()) return;
  const Time now = around_->timeline.now();
  switch (around_->knock(name_, key_)) {
    case Door::nobody:
      lose(attempts_.failed(bus::Failure::nothing_listens, now));
      break;
    case Door::refuses:
      lose(attempts_.failed(bus::Failure::key_refused, now));
      break;
    case Door::silent:
      return;  // The attempt's limit ends it.
    case Door::opens:
      attempts_.transport_connected(now);
      link_ = around_->network.connect(index_, name_, key_, around_->broker_life());
      life_ = ++around_->journal.lives[name_];
      sequence_ = 0;
      delivered_before_ = session_->counters().delivered;
      session_->connection_opened();
  }
  wake();
}

void ClientProcess::receive_frames() {
  const Time now = around_->timeline.now();
  if (now < reads_from_) return wake_at(reads_from_);
  for (int i = 0; link_ && i < frames_per_pump; ++i) {
    const auto frame = link_->down.take(now);
    if (!frame) return;
    const bool was_connected = session_->connected();
    const auto taken = session_->receive(*frame, now);
    if (!taken) {
      demand(taken.error().code != "malformed_frame", "{} cannot read what the broker sends",
             name_);
      return lose(attempts_.ended(taken.error(), now));
    }
    if (!was_connected && session_->connected()) attempts_.established(now);
    if (temper_.slow) {
      reads_from_ = now + around_->random.between(0ns, 3ms);
      return wake_at(reads_from_);
    }
  }
  wake_at(now + 1us);
}

void ClientProcess::flush() {
  bus::Outbox& outbox = session_->outbox();
  for (auto frame = outbox.next(); !frame.empty(); frame = outbox.next()) {
    if (!around_->network.send_up(*link_, frame)) return wake_at(around_->timeline.now() + 1ms);
    outbox.sent();
  }
}

void ClientProcess::lose(const bus::Attempts::Outcome& outcome) {
  if (link_) around_->network.close(*link_);
  link_.reset();
  ++attempt_;
  session_->connection_lost(outcome);
}

void ClientProcess::close() {
  closing_ = true;
  session_->say_goodbye();
  if (link_) flush();
  if (link_) around_->network.close(*link_);
  link_.reset();
  session_->close();
}

void ClientProcess::on_session(const bus::SessionEvent& event) {
  if (event.state != bus::SessionState::connected) {
    for (const auto& ear : ears_)
      *ear = Ear{.pattern = ear->pattern, .ever_confirmed = ear->ever_confirmed};
    return;
  }
  demand(event.own_name == name_, "{} is called {}", name_, event.own_name);
  if (!event.resubscribed) return;
  for (const auto& ear : ears_)
    if (ear->ever_confirmed && !ear->confirmed_at) ear->confirmed_at = around_->timeline.now();
}

}  // namespace guild::simulation
