// Routes: which sessions hear a topic, and who watches for that. A topic's targets are found once
// and kept until a subscription changes (`generation`), so a steady flow costs one comparison of
// names. Overlapping patterns of one session count once. Topics past the limit: the cache starts
// over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/limits.hpp"
#include "broker/overflow.hpp"
#include "broker/pattern_tree.hpp"
#include "broker/session.hpp"
#include "broker/traffic.hpp"

namespace guild::broker {

struct Target {
  Session* session = nullptr;
  Row* row = nullptr;
  Overflow overflow = Overflow::drop_oldest;
};

struct Topic {
  std::string_view name;  ///< The cache's own.
  std::uint64_t generation = 0;
  std::vector<Target> targets;
};

class Routes {
 public:
  /// `generation` is raised at every change of who hears what; shared with Traffic.
  Routes(const Limits& limits, std::vector<OverflowRule> overflow, std::uint64_t& generation)
      : limits_(&limits), overflow_(std::move(overflow)), generation_(&generation) {}

  /// The topic (valid), its targets up to date.
  Topic& topic(std::string_view name);

  bool is_heard(std::string_view topic) const;

  /// The pattern is valid and permitted. False when there was nothing to do.
  bool subscribe(Session& session, std::string_view pattern);
  bool unsubscribe(Session& session, std::string_view pattern);
  /// Answers PRESENCE now and at every change.
  void watch(Session& session, std::string_view topic, std::uint64_t correlation);
  void end(Session& session);

 private:
  struct Watcher {
    Session* session = nullptr;
    std::uint64_t correlation = 0;
  };
  struct Watch {
    std::vector<Watcher> watchers;
    std::string names;  ///< As last told.
  };

  void find_targets(Topic& topic);
  std::string names_at(std::string_view topic) const;
  void tell_watchers(std::string_view pattern);
  void tell(const Watcher& watcher, std::string_view topic, std::string_view names);

  const Limits* limits_;
  std::vector<OverflowRule> overflow_;
  std::uint64_t* generation_;
  PatternTree<Session*> subscriptions_;
  TextMap<Topic> topics_;
  TextMap<Watch> watches_;
};

}  // namespace guild::broker
