#include "broker/overflow.hpp"

#include "common/bus/topic.hpp"

namespace guild::broker {

std::vector<OverflowRule> default_overflow_rules() {
  return {
      {.topics = "logs/**", .subscriber = "logconsumer", .overflow = Overflow::block},
      {.topics = "bench/**", .subscriber = "", .overflow = Overflow::block},
  };
}

Overflow overflow_for(const std::vector<OverflowRule>& rules, std::string_view topic,
                      std::string_view subscriber) {
  for (const OverflowRule& rule : rules) {
    if (!rule.subscriber.empty() && rule.subscriber != subscriber) continue;
    if (bus::matches(rule.topics, topic)) return rule.overflow;
  }
  return Overflow::drop_oldest;
}

}  // namespace guild::broker
