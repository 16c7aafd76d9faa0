// Laws of the bus room. A failure prints the seed; rerun with RC_PARAMS="seed=N".
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <memory>

#include "common/bus/frame.hpp"
#include "common/bus/session.hpp"
#include "common/bus/topic.hpp"

using namespace guild;
using namespace guild::bus;

namespace {

template <class Law>
void holds(const std::string& name, Law law) {
  CHECK(rc::check(name, law));
}

// ---- Topics ------------------------------------------------------------------------------------

using Levels = std::vector<std::string>;

std::string joined(const Levels& levels) {
  std::string text;
  for (const auto& level : levels) text += (text.empty() ? "" : "/") + level;
  return text;
}

/// The definition, level by level, as slow as it is plain.
bool matches_by_definition(const Levels& pattern, const Levels& topic) {
  if (!pattern.empty() && pattern.back() == "**") {
    if (topic.size() < pattern.size()) return false;
    for (std::size_t i = 0; i + 1 < pattern.size(); ++i)
      if (pattern[i] != "*" && pattern[i] != topic[i]) return false;
    return true;
  }
  if (pattern.size() != topic.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] != "*" && pattern[i] != topic[i]) return false;
  return true;
}

Levels any_pattern() {
  auto levels = *rc::gen::resize(
      4, rc::gen::container<Levels>(rc::gen::elementOf(std::vector<std::string>{"a", "b", "*"})));
  if (levels.empty() || (levels.size() < 4 && *rc::gen::inRange(0, 3) == 0)) levels.push_back("**");
  return levels;
}

/// All topics of up to five levels: longer than any pattern here, with a name that none of them
/// has.
const std::vector<Levels>& all_topics() {
  static const std::vector<Levels> topics = [] {
    std::vector<Levels> all{{}};
    for (std::size_t from = 0, depth = 0; depth < 5; ++depth) {
      const std::size_t to = all.size();
      for (; from < to; ++from) {
        for (const char* level : {"a", "b", "c"}) {
          Levels longer = all[from];
          longer.emplace_back(level);
          all.push_back(std::move(longer));
        }
      }
    }
    all.erase(all.begin());
    return all;
  }();
  return topics;
}

// ---- Frames ------------------------------------------------------------------------------------

struct Item {
  std::string topic, payload;
  bool ack = false;
};

Item any_item() {
  return {*rc::gen::elementOf(std::vector<std::string>{"a", "a/b", "c"}),
          *rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<bool>()};
}

// ---- A session, a broker and a pipe that breaks ------------------------------------------------

/// The broker's half, as plain as can be: it denies topics under `no/`, acks when asked, and
/// returns credit for what it took when it is told to.
class PlainBroker {
 public:
  PlainBroker(std::uint64_t credit_bytes, std::uint32_t credit_messages)
      : credit_bytes_(credit_bytes), credit_messages_(credit_messages) {}

  void take(std::string_view frame) {
    const std::int64_t bytes_before = left_bytes_, messages_before = left_messages_;
    bool counted = false;
    FrameReader reader(frame);
    while (const auto record = reader.next()) counted |= apply(*record);
    RC_ASSERT(reader.ok());
    // The law of credit: a frame is sent only while both counts are above zero.
    if (counted) RC_ASSERT(bytes_before > 0 && messages_before > 0);
  }

  /// Answers whether there was something to give.
  bool give_credit() {
    if (owed_messages_ == 0) return false;
    out.credit(Kind::credit_grant, owed_bytes_, owed_messages_);
    left_bytes_ += static_cast<std::int64_t>(owed_bytes_);
    left_messages_ += owed_messages_;
    owed_bytes_ = owed_messages_ = 0;
    return true;
  }

  FrameWriter out;
  std::vector<std::string> items;
  int subscribes = 0;

 private:
  bool apply(const Record& record) {
    switch (record.kind) {
      case Kind::hello: {
        Welcome welcome;
        welcome.credit_bytes = credit_bytes_;
        welcome.credit_messages = credit_messages_;
        left_bytes_ = static_cast<std::int64_t>(credit_bytes_);
        left_messages_ = credit_messages_;
        out.welcome("anna", welcome);
        return false;
      }
      case Kind::subscribe:
        ++subscribes;
        out.plain(Kind::done, record.number, record.topic);
        return false;
      case Kind::publish:
        return apply_publish(record);
      case Kind::request:
        out.reply(Kind::reply_delivery, record.number, record.topic, "bert", false,
                  read_request(record.body)->payload);
        took(record, 1);
        return true;
      default:
        return false;
    }
  }

  bool apply_publish(const Record& record) {
    const auto publish = read_publish(record.body);
    const std::uint32_t count = count_items(publish->items).value();
    RC_ASSERT(record.number == next_sequence_);
    next_sequence_ += count;
    if (record.topic.starts_with("no/")) {
      out.denied(record.number, record.topic, Code::no_permission, count, "");
    } else {
      ItemReader reader(publish->items);
      while (const auto item = reader.next()) items.emplace_back(*item);
      if (publish->ack_wanted) out.ack(record.number + count - 1, count);
    }
    took(record, count);
    return true;
  }

  void took(const Record& record, std::uint32_t messages) {
    const std::uint64_t bytes = record_header_bytes + record.topic.size() + record.body.size();
    left_bytes_ -= static_cast<std::int64_t>(bytes);
    left_messages_ -= messages;
    owed_bytes_ += bytes;
    owed_messages_ += messages;
  }

  std::uint64_t credit_bytes_;
  std::uint32_t credit_messages_;
  std::int64_t left_bytes_ = 0, left_messages_ = 0;
  std::uint64_t owed_bytes_ = 0;
  std::uint32_t owed_messages_ = 0;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace

TEST_CASE("matching is what the definition says") {
  holds("matches == matches_by_definition", [] {
    const Levels pattern = any_pattern();
    for (const Levels& topic : all_topics())
      RC_ASSERT(matches(joined(pattern), joined(topic)) == matches_by_definition(pattern, topic));
  });
}

TEST_CASE("a pattern covers another exactly when it matches all that the other matches") {
  holds("covers(w, n) == for all t: matches(n, t) implies matches(w, t)", [] {
    const std::string wide = joined(any_pattern()), narrow = joined(any_pattern());
    bool all_matched = true;
    for (const Levels& levels : all_topics()) {
      const std::string topic = joined(levels);
      all_matched = all_matched && (!matches(narrow, topic) || matches(wide, topic));
    }
    RC_ASSERT(covers(wide, narrow) == all_matched);
  });
  // And for every pair of patterns of up to three levels, without chance.
  std::vector<std::string> patterns;
  for (const Levels& levels : all_topics()) {
    if (levels.size() > 3) continue;
    std::string pattern = joined(levels);
    std::ranges::replace(pattern, 'c', '*');
    patterns.push_back(pattern);
    if (pattern.ends_with('*')) patterns.push_back(pattern + "*");
  }
  for (const std::string& wide : patterns) {
    for (const std::string& narrow : patterns) {
      bool all_matched = true;
      for (const Levels& levels : all_topics()) {
        if (levels.size() > 4) break;
        const std::string topic = joined(levels);
        all_matched = all_matched && (!matches(narrow, topic) || matches(wide, topic));
      }
      if (covers(wide, narrow) != all_matched) FAIL(wide << " covers " << narrow);
    }
  }
  holds("covers is reflexive and transitive", [] {
    const std::string a = joined(any_pattern()), b = joined(any_pattern()),
                      c = joined(any_pattern());
    RC_ASSERT(covers(a, a));
    RC_ASSERT(!covers(a, b) || !covers(b, c) || covers(a, c));
  });
}

TEST_CASE("what check_topic accepts is a pattern that matches and covers itself") {
  holds("a topic is its own pattern", [] {
    const auto parts = *rc::gen::resize(
        8, rc::gen::container<Levels>(rc::gen::elementOf(
               Levels{"a", "b", "a", "b", "a/b", "a/", "/", ".", "\xC3\xBC", "*", " ", "\x80"})));
    std::string text;
    for (const auto& part : parts) text += part;
    RC_CLASSIFY(check_topic(text).has_value(), "valid");
    if (!check_topic(text)) return;
    RC_ASSERT(check_pattern(text).has_value());
    RC_ASSERT(matches(text, text));
    RC_ASSERT(covers(text, text));
    RC_ASSERT(covers("**", text));
  });
}

TEST_CASE("items come out of a frame as they went in, whatever runs they were packed into") {
  holds("write then read", [] {
    const auto count = *rc::gen::inRange<std::size_t>(0, 40);
    std::vector<Item> items;
    FrameWriter writer;
    std::uint64_t sequence = *rc::gen::arbitrary<std::uint32_t>();
    const std::uint64_t first = sequence;
    for (std::size_t i = 0; i < count; ++i) {
      items.push_back(any_item());
      writer.publish_item(sequence++, items.back().topic, items.back().ack, items.back().payload);
    }
    FrameReader reader(writer.frame());
    std::size_t seen = 0;
    while (const auto record = reader.next()) {
      const auto publish = read_publish(record->body);
      RC_ASSERT(record->number == first + seen);
      ItemReader run(publish->items);
      while (const auto payload = run.next()) {
        RC_ASSERT(seen < items.size());
        RC_ASSERT(record->topic == items[seen].topic);
        RC_ASSERT(publish->ack_wanted == items[seen].ack);
        RC_ASSERT(*payload == items[seen].payload);
        ++seen;
      }
      RC_ASSERT(run.ok());
    }
    RC_ASSERT(reader.ok());
    RC_ASSERT(seen == items.size());
  });
}

TEST_CASE("whatever breaks and when, every ack and every request is answered exactly once") {
  holds("one answer each, in order, within credit", [] {
    std::vector<int> answers;  // By publish with an ack, and by request.
    std::uint64_t unknown = 0, lost_answers = 0;
    const auto session = std::make_shared<Session>(Session::Options{.expected_name = "anna",
                                                                    .receive_credit_messages = 10,
                                                                    .receive_credit_bytes = 1'000,
                                                                    .outgoing_bytes_max = 4'000,
                                                                    .on_output = [] {}});
    session->on_session = [&](const SessionEvent& event) { unknown += event.unknown_acks; };
    Standing standing;
    standing.kind = Kind::subscribe;
    standing.pattern = "a/*";
    standing.deliver = [](const Delivery&) {};
    RC_ASSERT(session->stand(std::move(standing)).has_value());

    Monotonic now{std::chrono::hours(1)};
    std::unique_ptr<PlainBroker> broker;
    std::deque<std::string> to_broker, to_client;
    std::vector<std::string> published;  // In this life of the session, and not denied.
    const auto lose = [&] {
      session->connection_lost(
          {.error = Error{ErrorKind::unavailable, "session_lost", "lost", ""}});
      broker.reset();
      to_broker.clear();
      to_client.clear();
      published.clear();
    };
    const auto answer_all = [&] {
      if (!broker->out.empty()) to_client.emplace_back(broker->out.frame());
      broker->out.clear();
    };
    const auto deliver_one = [&] {
      if (!to_broker.empty()) {
        broker->take(to_broker.front());
        to_broker.pop_front();
        answer_all();
        for (std::size_t i = 0; i < broker->items.size(); ++i)
          RC_ASSERT(broker->items[i] == published.at(i));
      } else if (!to_client.empty()) {
        RC_ASSERT(session->receive(to_client.front(), now).has_value());
        to_client.pop_front();
      }
    };
    const auto send_all = [&] {
      for (auto frame = session->outbox().next(); !frame.empty();
           frame = session->outbox().next()) {
        to_broker.emplace_back(frame);
        session->outbox().sent();
      }
    };

    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
    for (const int step : steps) {
      if (broker == nullptr) {
        broker = std::make_unique<PlainBroker>(500, 20);
        session->connection_opened();
      }
      if (step < 40) {
        const bool denied = step % 4 == 0, ack = step % 3 != 0;
        const std::string payload(static_cast<std::size_t>(step), 'x');
        const std::size_t id = answers.size();
        OnDone accepted;
        if (ack) {
          accepted = [&answers, &lost_answers, id, denied](const Result<void>& result) {
            ++answers[id];
            const bool lost = !result && result.error().code == "session_lost";
            lost_answers += lost ? 1U : 0U;
            if (!lost) RC_ASSERT(result.has_value() == !denied);
          };
        }
        if (session->publish(denied ? "no/x" : "a/x", payload, accepted)) {
          if (ack) answers.push_back(0);
          if (!denied) published.push_back(payload);
        }
      } else if (step < 50) {
        const std::size_t id = answers.size();
        const auto answer = [&answers, id](const Result<std::string>&) { ++answers[id]; };
        if (session->request("s/x", "q", std::chrono::seconds(1), answer, now))
          answers.push_back(0);
      } else if (step < 55) {
        lose();
      } else if (step < 60) {
        now += std::chrono::seconds(1);
        session->advance(now);
      } else if (step < 65) {
        broker->give_credit();
        answer_all();
      } else {
        send_all();
        deliver_one();
      }
    }
    if (broker != nullptr) {
      for (int i = 0; i < 1'000 && session->connected(); ++i) {
        send_all();
        if (to_broker.empty() && to_client.empty() && !broker->give_credit()) break;
        answer_all();
        deliver_one();
      }
      if (session->connected()) RC_ASSERT(broker->items == published);
      lose();
    }
    for (const int count : answers) RC_ASSERT(count == 1);
    RC_ASSERT(unknown == lost_answers);
  });
}
