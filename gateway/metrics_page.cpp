#include "gateway/metrics_page.hpp"

#include <map>

namespace guild::gateway {

namespace {

struct Family {
  std::string help, type, samples;
};

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

// "name" of "# HELP name text" and "# TYPE name counter".
std::string_view commented_name(std::string_view line) {
  constexpr std::size_t prefix = std::string_view("# HELP ").size();
  return line.substr(prefix, line.find(' ', prefix) - prefix);
}

// A sample line with the label put first; empty when the line is no sample.
std::string labelled(std::string_view line, std::string_view daemon) {
  const std::size_t end_of_name = line.find_first_of("{ ");
  if (end_of_name == 0 || end_of_name == std::string_view::npos) return {};
  std::string result(line.substr(0, end_of_name));
  result.append("{daemon=\"").append(daemon).append("\"");
  if (line[end_of_name] == ' ') return result.append("}").append(line.substr(end_of_name));
  const std::string_view labels = line.substr(end_of_name + 1);
  return result.append(labels.starts_with('}') ? "" : ",").append(labels);
}

}  // namespace

std::string merge_metrics(const std::vector<std::pair<std::string, std::string>>& pages) {
  std::map<std::string, Family, std::less<>> families;
  for (const auto& [daemon, page] : pages) {
    std::string_view rest = page;
    Family* family = nullptr;
    while (!rest.empty()) {
      const std::string_view line = take_line(rest);
      const bool is_help = line.starts_with("# HELP ");
      if (is_help || line.starts_with("# TYPE ")) {
        family = &families[std::string(commented_name(line))];
        (is_help ? family->help : family->type) = line;
      } else if (!line.empty() && !line.starts_with('#') && family != nullptr) {
        if (const std::string sample = labelled(line, daemon); !sample.empty())
          family->samples.append(sample).append("\n");
      }
    }
  }
  std::string page;
  for (const auto& [name, family] : families) {
    if (!family.help.empty()) page.append(family.help).append("\n");
    if (!family.type.empty()) page.append(family.type).append("\n");
    page.append(family.samples);
  }
  return page;
}

}  // namespace guild::gateway
