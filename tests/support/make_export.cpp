// make_export COUNT FOLDER [SEED [BOTS]]: a synthetic export of COUNT postings, for measuring.
// All of it is kept in memory: about 2 KB a posting.
#include <cstdio>
#include <cstdlib>

#include "tests/support/book_writer.hpp"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const long long count = std::atoll(argv[1]);
  guild::test::RandomBook random(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1,
                                 argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1000);
  while (random.book.size() < count) random.step();
  std::vector<std::int64_t> sizes;
  for (std::int64_t size = 65'536; size < random.book.size(); size += 65'536) sizes.push_back(size);
  random.book.written(sizes).write(argv[2]);
  std::printf("%lld postings\n", static_cast<long long>(random.book.size()));
}
