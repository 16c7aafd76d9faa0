// make_export COUNT FOLDER [SEED [BOTS]]: a synthetic export of COUNT postings, for measuring. Its
// leaves are written as they are made; their hashes are kept, 32 bytes each.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/support/book_writer.hpp"

namespace {

using namespace guild::test;

struct Wanted {
  std::int64_t postings;
  std::filesystem::path folder;
  std::uint64_t seed;
  std::size_t bots;
};

void make(const Wanted& wanted) {
  RandomBook random(wanted.seed, wanted.bots);
  std::ofstream leaves(wanted.folder / "leaves", std::ios::binary);
  const auto write = [&](const Bytes& leaf) {
    const Bytes bytes = framed(leaf);
    leaves.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
  };
  for (const Bytes& leaf : random.book.leaves()) write(leaf);
  random.book.sink = write;
  while (random.book.size() < wanted.postings) random.step();
  std::vector<std::int64_t> sizes;
  for (std::int64_t size = 65'536; size < random.book.size(); size *= 2) sizes.push_back(size);
  std::ofstream(wanted.folder / "checkpoints") << random.book.checkpoints(sizes);
  std::ofstream(wanted.folder / "key") << random.book.key() << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const auto number = [&](int place, std::uint64_t usual) {
    return argc > place ? std::strtoull(argv[place], nullptr, 10) : usual;
  };
  const Wanted wanted{.postings = static_cast<std::int64_t>(number(1, 0)),
                      .folder = argv[2],
                      .seed = number(3, 1),
                      .bots = number(4, 1000)};
  std::filesystem::create_directories(wanted.folder);
  make(wanted);
  std::printf("%lld postings\n", static_cast<long long>(wanted.postings));
}
