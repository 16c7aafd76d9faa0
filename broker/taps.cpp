#include "broker/taps.hpp"

#include <algorithm>
#include <utility>

#include "common/bus/topic.hpp"

namespace guild::broker {
namespace {

constexpr std::string_view own_topics = "bus/traffic/";

bool follows(const Passing& passing, const messages::BusHeader& header) {
  return header.operation == passing.operation && header.topic == passing.topic &&
         header.sender == passing.sender &&
         static_cast<std::uint64_t>(header.sequence + header.count) == passing.sequence;
}

}  // namespace

std::optional<std::int64_t> Taps::add(std::string_view pattern) {
  if (taps_.size() >= taps_max) return {};
  messages::BusTraffic nothing_yet;
  nothing_yet.monitor = ++last_;
  taps_.push_back({std::string(pattern), std::move(nothing_yet)});
  return last_;
}

void Taps::remove(std::int64_t tap) {
  std::erase_if(taps_, [tap](const Tap& held) { return held.seen.monitor == tap; });
}

Taps::Mask Taps::looking_at(std::string_view topic) const {
  if (topic.starts_with(own_topics)) return 0;
  Mask mask = 0;
  for (std::size_t i = 0; i < taps_.size(); ++i)
    if (bus::matches(taps_[i].pattern, topic)) mask |= Mask{1} << i;
  return mask;
}

void Taps::note(Mask taps, const Passing& passing, const Moment& now) {
  for (std::size_t i = 0; i < taps_.size(); ++i)
    if ((taps >> i & 1U) != 0) add_to(taps_[i].seen, passing, now);
  if (!due_) due_ = now.steady + tell_every;
}

void Taps::add_to(messages::BusTraffic& seen, const Passing& passing, const Moment& now) {
  const auto bytes = static_cast<std::int64_t>(passing.bytes);
  if (!seen.headers.empty() && follows(passing, seen.headers.back())) {
    seen.headers.back().count += passing.count;
    seen.headers.back().bytes += bytes;
  } else if (seen.headers.size() < headers_max) {
    seen.headers.push_back({.operation = passing.operation,
                            .topic = std::string(passing.topic),
                            .sender = std::string(passing.sender),
                            .sequence = static_cast<std::int64_t>(passing.sequence),
                            .count = passing.count,
                            .bytes = bytes,
                            .time = now.wall});
  } else {
    seen.omitted_messages += passing.count;
    seen.omitted_bytes += bytes;
  }
}

void Taps::tell(const Moment& now,
                const std::function<void(const messages::BusTraffic&)>& tell_one) {
  if (!due_ || *due_ > now.steady) return;
  due_.reset();
  for (Tap& tap : taps_) {
    messages::BusTraffic empty;
    empty.monitor = tap.seen.monitor;
    const messages::BusTraffic seen = std::exchange(tap.seen, std::move(empty));
    if (!seen.headers.empty()) tell_one(seen);
  }
}

}  // namespace guild::broker
