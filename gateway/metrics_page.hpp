// Several processes' Prometheus pages as one. Each sample gets a label `daemon="<name>"`, and
// samples of one family stand together under one HELP and TYPE, as the text format demands. Source:
// prometheus.io/docs/instrumenting/exposition_formats (version 0.0.4).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guild::gateway {

/// `pages`: daemon name and its page. A line that is neither a comment nor a sample is left out.
std::string merge_metrics(const std::vector<std::pair<std::string, std::string>>& pages);

}  // namespace guild::gateway
