#include "tests/simulation/broker/world.hpp"

#include <algorithm>

#include "common/bus/topic.hpp"
#include "tests/simulation/law.hpp"

namespace guild::simulation {

using namespace std::chrono_literals;

namespace {

/// Two of them have one name, and so one key: that is allowed.
constexpr const char* names[] = {"ada", "bob", "eve", "kim", "ada", "zoe"};

keys::PublicKey key_of(const std::string& name, std::uint8_t serial) {
  keys::PublicKey key{};
  std::ranges::copy(name, key.begin());
  key.back() = serial;
  return key;
}

/// Everything, as far as anybody may.
keys::AuthorizedClient all_rights(const std::string& name) {
  keys::AuthorizedClient client;
  client.name = name;
  client.role = "client";
  client.publish = {"**", "logs/" + name + "/**"};
  client.subscribe = client.request = client.serve = {"**"};
  return client;
}

}  // namespace

World::World(std::uint64_t seed, Sabotage sabotage)
    : random_(seed),
      sabotage_(sabotage),
      around_{.timeline = timeline_,
              .random = random_,
              .network = network_,
              .journal = journal_,
              .knock = [this](const auto& name, const auto& key) { return knock(name, key); },
              .broker_life = [this] { return broker_lives_; }} {
  network_.wake_broker = [this] {
    if (broker_) broker_->wake();
  };
  network_.wake_client = [this](std::size_t client) {
    if (clients_[client]) clients_[client]->wake();
  };
  const std::size_t count = random_.between(3, std::size(names));
  for (std::size_t i = 0; i < count; ++i) client_names_.emplace_back(names[i]);
  for (const std::string& name : client_names_)
    if (std::ranges::find(lines_, name, &Line::name) == lines_.end())
      lines_.push_back({.name = name, .rights = all_rights(name)});
  clients_.resize(count);
}

// ---- Who is there ------------------------------------------------------------------------------

broker::CoreOptions World::options() {
  broker::CoreOptions options;
  broker::Limits& limits = options.limits;
  limits.queue_messages_max = random_.between(3, 60);
  limits.queue_bytes_max = random_.between(2'000, 20'000);
  limits.block_messages = random_.between(2, 40);
  limits.block_bytes = random_.between(500, 10'000);
  limits.gaps_max = random_.chance(80) ? 1'000 : random_.between(1, 4);
  limits.window_messages = static_cast<std::uint32_t>(random_.between(4, 200));
  limits.window_bytes = random_.between(600, 30'000);
  limits.frame_target = random_.chance(50) ? 90'000 : random_.between(200, 2'000);
  limits.shared_run_min = random_.chance(50) ? 8'192 : random_.between(20, 200);
  limits.subscriptions_max = random_.between(3, 8);
  limits.topics_max = random_.between(3, 100);
  limits.rows_max = random_.chance(50) ? 16'384 : random_.between(3, 20);
  options.overflow = {
      {.topics = "block/**", .subscriber = "", .overflow = broker::Overflow::block},
      {.topics = "logs/**", .subscriber = "bob", .overflow = broker::Overflow::block},
      {.topics = "cut/**", .subscriber = "", .overflow = broker::Overflow::disconnect}};
  options.instance.fill(static_cast<std::uint8_t>(broker_lives_));
  return options;
}

std::vector<keys::AuthorizedClient> World::list() const {
  std::vector<keys::AuthorizedClient> list;
  for (const Line& line : lines_) {
    if (!line.listed) continue;
    list.push_back(line.rights);
    list.back().public_key = key_of(line.name, line.key);
  }
  return list;
}

void World::start_broker() {
  ++broker_lives_;
  broker_ =
      std::make_unique<BrokerLife>(broker_lives_, options(), list(), timeline_, random_, network_);
  broker_is_up_ = true;
}

void World::start_client(std::size_t index) {
  const std::string& name = client_names_[index];
  const Line& line = *std::ranges::find(lines_, name, &Line::name);
  ClientProcess::Temper temper;
  temper.credit_messages = static_cast<std::uint32_t>(random_.between(1, 60));
  temper.credit_bytes = random_.between(100, 8'000);
  temper.outgoing_bytes_max = random_.between(4'000, 40'000);
  temper.slow = random_.chance(40);
  clients_[index] =
      std::make_shared<ClientProcess>(around_, index, name, key_of(name, line.key), temper);
  clients_[index]->start();
}

Door World::knock(const std::string& name, const keys::PublicKey& key) const {
  if (partitioned_) return Door::silent;
  if (!broker_is_up_) return Door::nobody;
  const Line& line = *std::ranges::find(lines_, name, &Line::name);
  return line.listed && key == key_of(line.name, line.key) ? Door::opens : Door::refuses;
}

// ---- Chaos -------------------------------------------------------------------------------------

Outcome World::run() {
  start_broker();
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    start_client(i);
    keep_busy(i);
  }
  const Time end = timeline_.now() + random_.between(1s, 4s);
  keep_breaking();
  timeline_.run_until(end);
  heal();
  timeline_.run_until(timeline_.now() + rest_limit);
  demand_rest();
  outcome_.seen += broker_->reference().seen();
  outcome_.digest = network_.digest();
  outcome_.frames = network_.frames();
  outcome_.acked = journal_.acked;
  outcome_.denied = journal_.denied;
  outcome_.unknown = journal_.unknown;
  outcome_.abandoned = journal_.abandoned;
  outcome_.answered = journal_.answered;
  outcome_.broker_lives = broker_lives_;
  for (const auto& [name, lives] : journal_.lives) outcome_.sessions += lives;
  return outcome_;
}

void World::keep_busy(std::size_t index) {
  timeline_.after(random_.between(500us, 25ms), [this, index] {
    if (healed_) return;
    if (clients_[index]) clients_[index]->act();
    keep_busy(index);
  });
}

void World::keep_breaking() {
  timeline_.after(random_.between(5ms, 120ms), [this] {
    if (healed_) return;
    something_breaks();
    keep_breaking();
  });
}

void World::something_breaks() {
  // Under sabotage nothing else may explain what is missing.
  constexpr std::size_t harmless = 40;
  const std::size_t what = random_.below(sabotage_ == Sabotage::none ? 100 : harmless);
  const std::size_t index = random_.below(clients_.size());
  ClientProcess* process = clients_[index].get();
  Link* link = process == nullptr ? nullptr : process->link();
  if (what < 40) {
    if (process != nullptr) process->stall(random_.between(20ms, 800ms));
  } else if (what < 47) {
    if (link != nullptr)
      network_.cut(*link, random_.between(0ns, 30ms), random_.between(0ns, 30ms));
  } else if (what < 50) {
    // Half open: one side learns of it much later than the other.
    if (link != nullptr) network_.cut(*link, random_.between(0ns, 2s), random_.between(0ns, 2s));
  } else if (what < 65) {
    if (link != nullptr) network_.hold(*link, random_.between(10ms, 500ms));
  } else if (what < 68) {
    partitioned_ = true;
    const Duration duration = random_.between(20ms, 400ms);
    for (const auto& [session, each] : network_.links()) network_.hold(*each, duration);
    timeline_.after(duration, [this] { partitioned_ = false; });
  } else if (what < 73) {
    restart_client(index, random_.chance(50));
  } else if (what < 87) {
    change_list();
  } else if (what < 99) {
    // Not while it drains, which has a limit.
    if (broker_is_up_) broker_->stall(random_.between(5ms, 150ms));
  } else {
    restart_broker();
  }
  if (sabotage_ != Sabotage::none) sabotage();
}

void World::restart_client(std::size_t index, bool at_once) {
  if (!clients_[index]) return;
  if (random_.chance(40)) clients_[index]->close();
  clients_[index].reset();
  if (at_once) return start_client(index);
  timeline_.after(random_.between(1ms, 300ms), [this, index] {
    if (!clients_[index]) start_client(index);
  });
}

/// A kill, or an orderly end first.
void World::restart_broker() {
  if (!broker_is_up_) return;
  const auto stop = [this] {
    outcome_.seen += broker_->reference().seen();
    broker_.reset();
    timeline_.after(random_.between(1ms, 200ms), [this] { start_broker(); });
  };
  broker_is_up_ = false;
  if (random_.chance(50)) return stop();
  const Duration limit = random_.between(5ms, 100ms);
  broker_->drain(limit);
  timeline_.after(limit + 200ms, [this, stop] {
    demand(broker_->drained(), "the broker did not drain within its limit");
    stop();
  });
}

/// One line changes: it goes, or comes back with the same key or another, or with other rights.
void World::change_list() {
  Line& line = lines_[random_.below(lines_.size())];
  const std::vector<std::vector<std::string>> rights = {
      {"**"}, {"drop/**", "svc/*"}, {"block/**", "cut/**", "svc/a"}, {"*/x/**"}, {}};
  const auto any = [&] { return random_.chance(70) ? rights[0] : random_.pick(rights); };
  if (random_.chance(10)) {
    line.listed = false;
  } else if (random_.chance(5)) {
    ++line.key;
  } else {
    line.listed = true;
    line.rights.publish = any();
    line.rights.publish.push_back("logs/" + line.name + "/**");
    line.rights.subscribe = any();
    line.rights.request = any();
    line.rights.serve = any();
  }
  if (broker_) broker_->replace_list(list());
}

void World::sabotage() {
  for (const auto& [session, link] : network_.links()) {
    if (link->cut || !link->known_to_core) continue;
    bool done = false;
    if (sabotage_ == Sabotage::lose_frame_to_client) done = link->down.lose_one();
    if (sabotage_ == Sabotage::lose_frame_to_broker) done = link->up.lose_one();
    if (sabotage_ == Sabotage::repeat_frame_to_client) done = link->down.repeat_one();
    if (!done) continue;
    ++outcome_.sabotaged;
    return;
  }
}

// ---- Rest --------------------------------------------------------------------------------------

void World::heal() {
  healed_ = true;
  for (Line& line : lines_) {
    line.listed = true;
    line.rights = all_rights(line.name);
  }
  if (broker_) broker_->replace_list(list());
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const Line& line = *std::ranges::find(lines_, client_names_[i], &Line::name);
    // Who holds an old key is somebody else by now.
    if (clients_[i] && !clients_[i]->has_key(key_of(line.name, line.key))) clients_[i].reset();
    if (!clients_[i]) start_client(i);
  }
}

void World::demand_rest() const {
  demand(broker_ && broker_is_up_, "the broker is not up");
  const broker::Core& core = broker_->core();
  demand(core.nothing_waits(), "after {} of rest something still waits in the broker",
         to_text(rest_limit));
  demand(core.requests_waiting() == 0, "{} requests wait for ever", core.requests_waiting());
  demand(core.sessions_open() == clients_.size(), "{} sessions for {} clients",
         core.sessions_open(), clients_.size());
  broker_->reference().compare(core, true);
  for (const auto& process : clients_) demand_all_said(*process);
  for (const Publication& publication : journal_.publications) {
    demand(publication.fate != Fate::unanswered, "nobody knows what became of '{}'",
           publication.payload.substr(0, 40));
    if (publication.fate == Fate::accepted) demand_heard(publication);
  }
  demand(journal_.acked + journal_.denied + journal_.unknown + journal_.abandoned ==
             journal_.publications.size(),
         "{} accepted, {} denied, {} unknown and {} abandoned of {}", journal_.acked,
         journal_.denied, journal_.unknown, journal_.abandoned, journal_.publications.size());
  demand_answered();
}

void World::demand_all_said(ClientProcess& process) const {
  demand(process.session().connected() && process.link() != nullptr, "{} is not connected",
         process.name());
  demand(process.session().outbox().empty(), "{} still has something to send", process.name());
  demand(process.session().publish_room() > 0, "{} may not publish, and nothing holds it back",
         process.name());
  const Peer& peer = broker_->reference().peer(process.link()->session);
  demand(peer.delivered == process.delivered(), "{} items were sent to {}, {} came", peer.delivered,
         process.name(), process.delivered());
  for (const auto& [topic, correlation] : peer.watched)
    demand(process.watched().at(topic) == broker_->reference().names_at(topic),
           "{} does not know who hears {}", process.name(), topic);
}

/// By everyone who was told of his subscription before it was published, and stayed.
void World::demand_heard(const Publication& publication) const {
  for (const auto& process : clients_) {
    for (const auto& ear : process->ears()) {
      if (!ear->confirmed_at || *ear->confirmed_at > publication.at ||
          !bus::matches(ear->pattern, publication.topic))
        continue;
      const bool told = std::ranges::any_of(ear->lost, [&](const Ear::Lost& lost) {
        return lost.topic == publication.topic && lost.sender == publication.name &&
               lost.first <= publication.sequence && publication.sequence <= lost.last;
      });
      demand(told || ear->heard.contains(publication.payload),
             "{} subscribed to {} and never got '{}' on {}", process->name(), ear->pattern,
             publication.payload.substr(0, 40), publication.topic);
    }
  }
}

void World::demand_answered() const {
  for (const Question& question : journal_.questions)
    demand(question.answers == 1 || (question.abandoned && question.answers == 0),
           "'{}' was answered {} times", question.payload.substr(0, 40), question.answers);
}

Outcome& Outcome::operator+=(const Outcome& other) {
  frames += other.frames;
  acked += other.acked;
  denied += other.denied;
  unknown += other.unknown;
  abandoned += other.abandoned;
  answered += other.answered;
  broker_lives += other.broker_lives;
  sessions += other.sessions;
  seen += other.seen;
  return *this;
}

}  // namespace guild::simulation
