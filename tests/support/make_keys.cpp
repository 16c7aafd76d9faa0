// make_keys HOME init | add NAME --role ROLE | revoke NAME
// The keys of a test's home, for tests that are built without the guild command.
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include "keys/keyring.hpp"

namespace {

int report(const guild::Result<void>& result) {
  if (result) return 0;
  std::fprintf(stderr, "%s\n", result.error().text().c_str());
  return 1;
}

template <class T>
guild::Result<void> without_value(const guild::Result<T>& result) {
  if (!result) return guild::fail(result.error());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[1] == "init") {
    std::filesystem::create_directories(words[0]);
    return report(without_value(guild::keys::init(std::filesystem::path(words[0]) / "keys")));
  }
  if (words.size() == 5 && words[1] == "add" && words[3] == "--role")
    return report(without_value(
        guild::keys::add(std::filesystem::path(words[0]) / "keys", words[2], words[4])));
  if (words.size() == 3 && words[1] == "revoke")
    return report(guild::keys::revoke(std::filesystem::path(words[0]) / "keys", words[2]));
  std::fprintf(stderr, "usage: make_keys HOME init | add NAME --role ROLE | revoke NAME\n");
  return 2;
}
