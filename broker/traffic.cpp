#include "broker/traffic.hpp"

namespace guild::broker {

bus::Code code_of(Loss loss) {
  switch (loss) {
    case Loss::dropped_oldest:
      return bus::Code::dropped_oldest;
    case Loss::slow_consumer:
      return bus::Code::slow_consumer;
    case Loss::session_ended:
      break;
  }
  return bus::Code::session_ended;
}

void Row::absorb(const Row& other) {
  published += other.published;
  routed += other.routed;
  delivered += other.delivered;
  queued += other.queued;
  in_flight += other.in_flight;
  for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] += other.dropped[i];
}

Row* ClientTraffic::find_row(std::string_view topic) {
  const auto found = rows_.find(topic);
  return found == rows_.end() ? nullptr : &found->second;
}

Row& ClientTraffic::rest() {
  Row& row = rows_.try_emplace(std::string(rest_topic), *totals_).first->second;
  row.stands_for_rest = true;
  return row;
}

Row& ClientTraffic::row(std::string_view topic) {
  if (Row* found = find_row(topic)) return *found;
  if (rows_.size() >= rows_max_) fold();
  // Every row is busy: bounded by what may be queued, so this lasts only as long as that does.
  if (rows_.size() >= rows_max_) return rest();
  return rows_.try_emplace(std::string(topic), *totals_).first->second;
}

template <class Condition>
void ClientTraffic::fold_where(const Condition& condition) {
  Row folded(*totals_);
  for (auto row = rows_.begin(); row != rows_.end();) {
    if (row->second.stands_for_rest || row->second.busy() || !condition(row->second)) {
      ++row;
      continue;
    }
    folded.absorb(row->second);
    row = rows_.erase(row);
  }
  rest().absorb(folded);
}

void ClientTraffic::fold() {
  ++*generation_;
  fold_where([](const Row& row) { return row.activity() == row.seen_activity_; });
  // Folding a few each time would make every new topic pay for a walk over all of them.
  if (rows_.size() > rows_max_ / 4 * 3) fold_where([](const Row&) { return true; });
  for (auto& [topic, row] : rows_) row.seen_activity_ = row.activity();
}

void ClientTraffic::absorb(const ClientTraffic& other) {
  for (const auto& [topic, row] : other.rows_)
    (row.stands_for_rest ? rest() : this->row(topic)).absorb(row);
}

ClientTraffic& Traffic::find_or_make(std::string_view name) {
  auto found = clients_.find(name);
  if (found == clients_.end())
    found = clients_
                .emplace(std::string(name),
                         std::make_unique<ClientTraffic>(rows_max_, *generation_, totals_))
                .first;
  return *found->second;
}

ClientTraffic& Traffic::client(std::string_view name) {
  if (clients_.size() >= clients_max_ && !clients_.contains(name)) fold();
  return find_or_make(name);
}

void Traffic::fold() {
  ++*generation_;
  ClientTraffic& rest = find_or_make(rest_client);
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (client->second.get() == &rest || client->second->sessions != 0) {
      ++client;
      continue;
    }
    rest.absorb(*client->second);
    client = clients_.erase(client);
  }
}

}  // namespace guild::broker
