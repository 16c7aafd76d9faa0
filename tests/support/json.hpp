// What a test reads from `--json` output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace guild::test {

using Json = nlohmann::json;

/// One document a line; fails the test on what is none.
inline std::vector<Json> json_lines(std::string_view text) {
  std::vector<Json> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty()) lines.push_back(Json::parse(line));
  }
  return lines;
}

}  // namespace guild::test
