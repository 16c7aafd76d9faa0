// What happens to a message for a subscriber whose queue is full: by topic and subscriber, the
// first rule that matches. `block` holds back the publisher's credit, so only subscribers whose
// slowness may stop others get it: the log consumer, and the bench's own topics. A stopped viewer
// of `logs/**` loses lines, is told how many (GAP), and stops nobody.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guild::broker {

enum class Overflow { block, drop_oldest, disconnect };

struct OverflowRule {
  std::string topics;      ///< A pattern.
  std::string subscriber;  ///< A client's name, or empty for all.
  Overflow overflow = Overflow::drop_oldest;
};

/// The suite's own.
std::vector<OverflowRule> default_overflow_rules();

/// drop_oldest when no rule matches.
Overflow overflow_for(const std::vector<OverflowRule>& rules, std::string_view topic,
                      std::string_view subscriber);

}  // namespace guild::broker
