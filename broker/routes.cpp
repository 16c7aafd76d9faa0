#include "broker/routes.hpp"

#include <algorithm>
#include <set>

#include "common/bus/topic.hpp"

namespace guild::broker {

Topic& Routes::topic(std::string_view name) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    if (topics_.size() >= limits_->topics_max) {
      topics_.clear();
      ++*generation_;
    }
    found = topics_.emplace(std::string(name), Topic{}).first;
    found->second.name = found->first;
  }
  Topic& topic = found->second;
  if (topic.generation != *generation_) find_targets(topic);
  return topic;
}

void Routes::find_targets(Topic& topic) {
  std::vector<Session*> sessions;
  subscriptions_.match(topic.name, [&](Session* session) { sessions.push_back(session); });
  std::ranges::sort(sessions, {}, &Session::id);
  const auto repeated = std::ranges::unique(sessions);
  sessions.erase(repeated.begin(), repeated.end());

  topic.targets.clear();
  for (Session* session : sessions)
    topic.targets.push_back({session, &session->traffic->row(topic.name),
                             overflow_for(overflow_, topic.name, session->name())});
  // Last: making a row may have raised it.
  topic.generation = *generation_;
}

bool Routes::is_heard(std::string_view topic) const {
  bool heard = false;
  subscriptions_.match(topic, [&](const Session*) { heard = true; });
  return heard;
}

bool Routes::subscribe(Session& session, std::string_view pattern) {
  if (std::ranges::find(session.subscriptions, pattern) != session.subscriptions.end())
    return false;
  session.subscriptions.emplace_back(pattern);
  subscriptions_.add(pattern, &session);
  ++*generation_;
  tell_watchers(pattern);
  return true;
}

bool Routes::unsubscribe(Session& session, std::string_view pattern) {
  const auto held = std::ranges::find(session.subscriptions, pattern);
  if (held == session.subscriptions.end()) return false;
  session.subscriptions.erase(held);
  subscriptions_.remove(pattern, &session);
  ++*generation_;
  tell_watchers(pattern);
  return true;
}

void Routes::end(Session& session) {
  // First out of the watches, so that it is told nothing more.
  for (const std::string& topic : session.watched) {
    const auto found = watches_.find(topic);
    std::erase_if(found->second.watchers,
                  [&](const Watcher& watcher) { return watcher.session == &session; });
    if (found->second.watchers.empty()) watches_.erase(found);
  }
  session.watched.clear();
  const std::vector<std::string> patterns = std::move(session.subscriptions);
  session.subscriptions.clear();
  for (const std::string& pattern : patterns) subscriptions_.remove(pattern, &session);
  for (const std::string& pattern : patterns) tell_watchers(pattern);
  if (!patterns.empty()) ++*generation_;
}

void Routes::watch(Session& session, std::string_view topic, std::uint64_t correlation) {
  auto found = watches_.find(topic);
  if (found == watches_.end()) {
    found = watches_.emplace(std::string(topic), Watch{}).first;
    found->second.names = names_at(topic);
  }
  Watch& watch = found->second;
  const auto held = std::ranges::find(watch.watchers, &session, &Watcher::session);
  if (held == watch.watchers.end()) {
    watch.watchers.push_back({&session, correlation});
    session.watched.emplace_back(topic);
  } else {
    held->correlation = correlation;
  }
  tell({&session, correlation}, topic, watch.names);
}

std::string Routes::names_at(std::string_view topic) const {
  std::set<std::string_view> names;
  subscriptions_.match(topic, [&](const Session* session) { names.insert(session->name()); });
  std::string joined;
  std::size_t count = 0;
  for (const std::string_view name : names) {
    if (++count > limits_->presence_names_max) break;
    if (!joined.empty()) joined += '\n';
    joined += name;
  }
  return joined;
}

void Routes::tell_watchers(std::string_view pattern) {
  for (auto& [topic, watch] : watches_) {
    if (!bus::matches(pattern, topic)) continue;
    std::string names = names_at(topic);
    if (names == watch.names) continue;
    watch.names = std::move(names);
    for (const Watcher& watcher : watch.watchers) tell(watcher, topic, watch.names);
  }
}

void Routes::tell(const Watcher& watcher, std::string_view topic, std::string_view names) {
  watcher.session->outlet.control(512 + names.size())
      .plain(bus::Kind::presence, watcher.correlation, topic, names);
}

}  // namespace guild::broker
