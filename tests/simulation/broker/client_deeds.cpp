// ClientProcess: what applications do.
#include <fmt/format.h>

#include <charconv>

#include "common/bus/topic.hpp"
#include "tests/simulation/broker/client_process.hpp"
#include "tests/simulation/law.hpp"

namespace guild::simulation {

using namespace std::chrono_literals;

namespace {

constexpr const char* patterns[] = {"**",     "drop/**", "drop/*/*", "block/**", "block/x/*",
                                    "cut/**", "cut/x/*", "logs/**",  "*/x/**",   "drop/x/1"};
constexpr const char* kinds[] = {"drop/x", "drop/y", "block/x", "cut/x"};
constexpr const char* served_patterns[] = {"svc/a", "svc/b", "svc/*", "other/**"};
constexpr const char* asked_names[] = {"svc/a", "svc/b", "svc/c", "other/a/b"};
constexpr const char* watched_topics[] = {"drop/x/1", "drop/y/2", "block/x/1", "cut/x/3"};

/// "name life sequence" and filling: no two items have the same.
struct Stamp {
  std::string_view name, publisher;  ///< `publisher` is the name and its life.
  std::uint64_t sequence = 0;
};

Stamp stamp_of(std::string_view payload) {
  const std::size_t name_end = payload.find(' '), life_end = payload.find(' ', name_end + 1),
                    end = payload.find(' ', life_end + 1);
  demand(end != std::string_view::npos, "an item that nobody published");
  Stamp stamp{.name = payload.substr(0, name_end), .publisher = payload.substr(0, life_end)};
  std::from_chars(payload.data() + life_end + 1, payload.data() + end, stamp.sequence);
  return stamp;
}

std::string answer_to(std::string_view question) { return fmt::format("re: {}", question); }

}  // namespace

void ClientProcess::act() {
  if (session_->closed() || around_->timeline.now() < stalled_until_) return;
  const std::size_t what = around_->random.below(100);
  if (what < 45)
    publish();
  else if (what < 65)
    ask();
  else if (what < 75)
    subscribe();
  else if (what < 80)
    unsubscribe();
  else if (what < 86)
    serve();
  else if (what < 90)
    watch();
  else if (!open_questions_.empty()) {
    auto [question, responder] = std::move(open_questions_.front());
    open_questions_.pop_front();
    if (what < 98) responder.reply(answer_to(question));
  }
}

/// The last level is this connection's number, so that a name and a topic tell one session: a GAP
/// names no more than that.
std::string ClientProcess::topic() {
  if (around_->random.chance(15))
    return fmt::format("logs/{}/{}", around_->random.chance(80) ? name_ : "ada", life_);
  return fmt::format("{}/{}", around_->random.pick(kinds), life_);
}

void ClientProcess::publish() {
  Random& random = around_->random;
  const std::string to = topic();
  const bool ack_wanted = random.chance(75);
  const std::size_t filling_most = random.chance(5) ? 3'000 : 120;
  for (std::size_t left = random.between(1, 12); left > 0; --left) {
    const std::uint64_t sequence = sequence_ + 1;
    std::string payload = fmt::format("{} {} {} ", name_, life_, sequence);
    payload.append(random.below(filling_most), 'x');
    if (!ack_wanted) {
      if (session_->publish(to, payload, {})) sequence_ = sequence;
      continue;
    }
    Journal& journal = around_->journal;
    Publication& publication =
        journal.publications.emplace_back(Publication{.name = name_,
                                                      .topic = to,
                                                      .payload = payload,
                                                      .sequence = sequence,
                                                      .process = process_,
                                                      .at = around_->timeline.now()});
    const auto told = [&journal, &publication](const Result<void>& result) {
      demand(publication.fate == Fate::unanswered, "{} was answered twice", publication.payload);
      const bool lost = !result && result.error().code == "session_lost";
      publication.fate = result ? Fate::accepted : lost ? Fate::unknown : Fate::denied;
      ++(result ? journal.acked : lost ? journal.unknown : journal.denied);
    };
    if (session_->publish(to, payload, told))
      sequence_ = sequence;
    else
      journal.publications.pop_back();
  }
}

void ClientProcess::ask() {
  Random& random = around_->random;
  Question& question = around_->journal.questions.emplace_back(
      Question{.asker = process_, .payload = fmt::format("{} {} ", process_, ++questions_)});
  question.payload.append(random.below(200), 'q');
  const auto answered = [&question,
                         journal = &around_->journal](const Result<std::string>& answer) {
    demand(++question.answers == 1, "the question '{}' was answered twice", question.payload);
    demand(!answer || *answer == answer_to(question.payload), "'{}' was answered '{}'",
           question.payload, *answer);
    journal->answered += answer ? 1U : 0U;
  };
  const Duration deadline = random.between(5ms, 400ms);
  if (!session_->request(random.pick(asked_names), question.payload, deadline, answered,
                         around_->timeline.now()))
    around_->journal.questions.pop_back();
}

void ClientProcess::answer(std::string_view question, bus::Responder responder) {
  const std::size_t what = around_->random.below(100);
  if (what < 60) return responder.reply(answer_to(question));
  if (what < 65) return responder.reply_error({ErrorKind::failed, "no", "not today", ""});
  if (what < 95) open_questions_.emplace_back(question, std::move(responder));
  // Or it is dropped, which answers "unanswered".
}

void ClientProcess::subscribe() {
  if (ears_.size() >= 6) return;
  const auto ear = std::make_shared<Ear>(Ear{.pattern = around_->random.pick(patterns)});
  bus::Standing standing;
  standing.kind = bus::Kind::subscribe;
  standing.pattern = ear->pattern;
  standing.deliver = [this, ear](const bus::Delivery& delivery) { heard(*ear, delivery); };
  standing.gap = [ear](const bus::GapNotice& gap) {
    ear->lost.push_back({std::string(gap.topic), std::string(gap.sender), gap.first, gap.last});
  };
  standing.confirmed = [this, ear](const Result<void>& result) {
    if (!result) {
      std::erase(ears_, ear);
      return;
    }
    ear->ever_confirmed = true;
    ear->confirmed_at = around_->timeline.now();
  };
  ears_.push_back(ear);
  demand(session_->stand(std::move(standing)).has_value(), "{} cannot subscribe", name_);
}

void ClientProcess::unsubscribe() {
  if (ears_.empty()) return;
  const std::string pattern = around_->random.pick(ears_)->pattern;
  std::erase_if(ears_, [&](const auto& ear) { return ear->pattern == pattern; });
  session_->unsubscribe(pattern);
}

void ClientProcess::serve() {
  const std::string pattern = around_->random.pick(served_patterns);
  if (!serves_.insert(pattern).second) return;
  bus::Standing standing;
  standing.kind = bus::Kind::serve;
  standing.pattern = pattern;
  standing.handle = [this](std::string_view question, bus::Responder responder) {
    answer(question, std::move(responder));
  };
  standing.confirmed = [this, pattern](const Result<void>& result) {
    if (!result) serves_.erase(pattern);
  };
  demand(session_->stand(std::move(standing)).has_value(), "{} cannot serve", name_);
}

void ClientProcess::watch() {
  const std::string topic = around_->random.pick(watched_topics);
  if (!watched_.emplace(topic, "").second) return;
  bus::Standing standing;
  standing.kind = bus::Kind::watch;
  standing.pattern = topic;
  standing.changed = [this, topic](const std::vector<std::string>& names) {
    watched_[topic] = fmt::format("{}", fmt::join(names, "\n"));
  };
  demand(session_->stand(std::move(standing)).has_value(), "{} cannot watch", name_);
}

void ClientProcess::heard(Ear& ear, const bus::Delivery& delivery) {
  const Stamp stamp = stamp_of(delivery.payload);
  demand(bus::matches(ear.pattern, delivery.topic), "{} heard {} on {}", name_, delivery.topic,
         ear.pattern);
  demand(stamp.name == delivery.sender && stamp.sequence == delivery.sequence,
         "{} got '{}' as {} of {}", name_, delivery.payload.substr(0, 40), delivery.sequence,
         delivery.sender);
  std::uint64_t& last = ear.last[std::string(stamp.publisher)];
  demand(delivery.sequence > last, "{} heard {} of {} after {}", name_, delivery.sequence,
         stamp.publisher, last);
  last = delivery.sequence;
  ear.heard.emplace(delivery.payload);
}

}  // namespace guild::simulation
