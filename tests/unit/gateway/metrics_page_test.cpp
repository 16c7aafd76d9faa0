#include "gateway/metrics_page.hpp"

#include <catch2/catch.hpp>

using guild::gateway::merge_metrics;

TEST_CASE("samples of one family stand together, labelled by daemon") {
  const std::string page = merge_metrics({
      {"broker", "# HELP up Whether.\n# TYPE up gauge\nup 1\n# TYPE b counter\nb{x=\"y\"} 2\n"},
      {"ledgerd", "# HELP up Whether.\n# TYPE up gauge\nup 0\n"},
  });
  CHECK(page ==
        "# TYPE b counter\nb{daemon=\"broker\",x=\"y\"} 2\n"
        "# HELP up Whether.\n# TYPE up gauge\nup{daemon=\"broker\"} 1\nup{daemon=\"ledgerd\"} 0\n");
}

TEST_CASE("empty labels, other comments and broken lines do not break the page") {
  const std::string page =
      merge_metrics({{"d", "stray 1\n# TYPE a gauge\na{} 1\n# a comment\nnonsense\n\n{x} 3\na 4"}});
  CHECK(page == "# TYPE a gauge\na{daemon=\"d\"} 1\na{daemon=\"d\"} 4\n");
}

TEST_CASE("no pages make an empty page") { CHECK(merge_metrics({}).empty()); }
