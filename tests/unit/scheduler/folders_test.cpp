#include "scheduler/folders.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/unit/base/scratch_folder.hpp"

using guild::Uuid;
using guild::scheduler::Folders;
namespace fs = std::filesystem;

namespace {

struct Place {
  Place() {
    for (const char* folder : {"work/inside", "home/keys/deep", "project/src", "project-other"})
      fs::create_directories(root() / folder);
    fs::create_directory_symlink(root() / "project-other", root() / "project/way-out");
    fs::create_directory_symlink(root() / "project/src", root() / "work/way-in");
    std::ofstream(root() / "project/file") << "no folder";
  }
  fs::path root() const { return fs::canonical(scratch.path()); }
  std::string at(const char* name) const { return (root() / name).string(); }
  Folders folders(std::vector<std::string> roots) const {
    return {root() / "work", std::move(roots), {at("home/keys")}};
  }
  ScratchFolder scratch;
};

}  // namespace

TEST_CASE("a task works inside an allowed root, by its real path") {
  const Place place;
  const Folders folders = place.folders({place.at("project"), place.at("home"), "/no/such/root"});
  const auto code = [&](const std::string& directory) {
    const auto checked = folders.check(directory);
    return checked ? "" : checked.error().code;
  };
  CHECK(code("") == "");
  CHECK(code(place.at("project")) == "");
  CHECK(code(place.at("project/src")) == "");
  CHECK(code(place.at("project/src/../src")) == "");
  CHECK(code(place.at("work/way-in")) == "");
  for (const char* outside : {"project-other", "project/way-out", "project/..", "work/inside",
                              "project/no-such", "project/file", "home/keys", "home/keys/deep"}) {
    INFO(outside);
    CHECK(code(place.at(outside)) == "directory_invalid");
  }
  CHECK(code("project/src") == "directory_invalid");
  CHECK(code("/") == "directory_invalid");
}

TEST_CASE("without roots only the work folder is allowed") {
  const Place place;
  const Folders folders = place.folders({});
  CHECK(folders.check(place.at("work/inside")));
  CHECK_FALSE(folders.check(place.at("project")));
}

TEST_CASE("what was allowed and is swapped for a way out is refused when it is opened") {
  const Place place;
  const Folders folders = place.folders({place.at("project")});
  REQUIRE(folders.check(place.at("project/src")));
  fs::remove(place.root() / "project/src");
  fs::create_directory_symlink(place.root() / "project-other", place.root() / "project/src");
  const auto opened = folders.open(Uuid::make(), place.at("project/src"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == "directory_invalid");
}
