// Core: SUBSCRIBE, SERVE, WATCH and their opposites. Each is checked for form, permission and
// number, in that order, and answered DONE or DENIED.
#include <fmt/format.h>

#include "broker/core.hpp"
#include "common/bus/topic.hpp"

namespace guild::broker {

Core::Handled Core::on_subscribe(Session& session, const bus::Record& record, const Moment& now) {
  if (const auto valid = bus::check_pattern(record.topic); !valid)
    deny(session, record.number, record.topic, bus::Code::topic_invalid, 0, valid.error().message,
         "subscribe", now);
  else if (!permissions_.may_subscribe(session.name(), record.topic))
    deny(session, record.number, record.topic, bus::Code::no_permission, 0,
         "the list does not let you subscribe to this", "subscribe", now);
  else if (session.subscriptions.size() >= options_.limits.subscriptions_max)
    deny(session, record.number, record.topic, bus::Code::too_many, 0,
         fmt::format("{} subscriptions are held", session.subscriptions.size()), "subscribe", now);
  else {
    routes_.subscribe(session, record.topic);
    session.outlet.control().plain(bus::Kind::done, record.number, record.topic);
  }
  return {};
}

Core::Handled Core::on_unsubscribe(Session& session, const bus::Record& record, const Moment&) {
  routes_.unsubscribe(session, record.topic);
  session.outlet.control().plain(bus::Kind::done, record.number, record.topic);
  return {};
}

Core::Handled Core::on_serve(Session& session, const bus::Record& record, const Moment& now) {
  if (const auto valid = bus::check_pattern(record.topic); !valid)
    deny(session, record.number, record.topic, bus::Code::topic_invalid, 0, valid.error().message,
         "serve", now);
  else if (!permissions_.may_serve(session.name(), record.topic))
    deny(session, record.number, record.topic, bus::Code::no_permission, 0,
         "the list does not let you serve this", "serve", now);
  else if (session.served.size() >= options_.limits.served_max)
    deny(session, record.number, record.topic, bus::Code::too_many, 0,
         fmt::format("{} names are served", session.served.size()), "serve", now);
  else {
    calls_.serve(session, record.topic);
    session.outlet.control().plain(bus::Kind::done, record.number, record.topic);
  }
  return {};
}

Core::Handled Core::on_unserve(Session& session, const bus::Record& record, const Moment&) {
  calls_.unserve(session, record.topic);
  session.outlet.control().plain(bus::Kind::done, record.number, record.topic);
  return {};
}

Core::Handled Core::on_watch(Session& session, const bus::Record& record, const Moment& now) {
  if (const auto valid = bus::check_topic(record.topic); !valid)
    deny(session, record.number, record.topic, bus::Code::topic_invalid, 0, valid.error().message,
         "watch", now);
  else if (!permissions_.may_watch(session.name(), record.topic))
    deny(session, record.number, record.topic, bus::Code::no_permission, 0,
         "the list lets you neither publish nor subscribe to this", "watch", now);
  else if (session.watched.size() >= options_.limits.watches_max)
    deny(session, record.number, record.topic, bus::Code::too_many, 0,
         fmt::format("{} topics are watched", session.watched.size()), "watch", now);
  else {
    session.outlet.control().plain(bus::Kind::done, record.number, record.topic);
    routes_.watch(session, record.topic, record.number);
  }
  return {};
}

}  // namespace guild::broker
