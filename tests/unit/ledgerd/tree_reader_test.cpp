// Nodes of the tree from a file: saved blocks, unsaved ones, single postings; and the export.
#include "ledgerd/tree_reader.hpp"

#include <fstream>
#include <sstream>

#include "ledgerd/checkpoint.hpp"
#include "ledgerd/export.hpp"
#include "ledgerd/verify.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

/// 1,402 postings; blocks saved up to 500 or 1,000 of them.
std::vector<Digest> write_book(const LedgerFile& file) {
  {
    RunningJournal it(file, money("1000000.00"), 500);
    it.add_bot("a");
    must(it.journal().run([](Transaction& transaction) -> Result<void> {
      for (int i = 0; i < 600; ++i)
        GUILD_CHECK(transaction.book(*draft_transfer(id_of("x" + std::to_string(i)), "treasury",
                                                     "bot/a", money("0.01"), "")));
      return {};
    }));
    it.journal().drain();
    must(it.journal().run([](Transaction& transaction) -> Result<void> {
      for (int i = 0; i < 800; ++i)
        GUILD_CHECK(transaction.book(*draft_transfer(id_of("y" + std::to_string(i)), "bot/a",
                                                     "user/eve", money("0.001"), "why")));
      return {};
    }));
  }
  std::vector<Digest> hashes;
  must(store::each_posting_after(*file.connect(storage::Mode::read_only), 0,
                                 [&](const Posting& posting) {
                                   hashes.push_back(posting.hash);
                                   return true;
                                 }));
  return hashes;
}

TreeHead head_of(std::span<const Digest> hashes) {
  Tree tree;
  for (const Digest& hash : hashes) tree.append(hash);
  return tree.head();
}

std::string text_in(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the root of any beginning is found from saved blocks and postings") {
  LedgerFile file;
  const auto hashes = write_book(file);
  REQUIRE(hashes.size() == 1'402);
  const auto reader = file.connect(storage::Mode::read_only);
  for (const std::int64_t size : {1, 2, 255, 256, 257, 512, 600, 1'023, 1'024, 1'300, 1'402}) {
    INFO(size);
    TreeReader tree(*reader, 1'402);
    CHECK(must(root_of(size, tree.source())) ==
          head_of(std::span(hashes).first(static_cast<std::size_t>(size))).root);
  }
}

TEST_CASE("a posting or a block that is gone fails the proof") {
  LedgerFile file;
  write_book(file);
  const char* const sql = GENERATE("DELETE FROM postings WHERE seq = 1400",
                                   "UPDATE tree_blocks SET first = first + 1 WHERE first = 0");
  file.tamper(sql);
  const auto reader = file.connect(storage::Mode::read_only);
  TreeReader tree(*reader, 1'402);
  CHECK(root_of(1'402, tree.source()).error().code == "book_damaged");
}

TEST_CASE("an export holds every leaf up to its checkpoint, and ends with it") {
  LedgerFile file;
  const auto hashes = write_book(file);
  const ScratchFolder folder;
  const CheckpointSigner signer(origin_of(hashes.front()), Secret32::random());
  const TreeHead head = head_of(std::span(hashes).first(1'000));
  const auto reader = file.connect(storage::Mode::read_only);
  std::int64_t told = 0;
  CHECK(must(export_book(
            *reader,
            {.folder = folder / "export", .note = signer.sign(head), .key = signer.public_key()},
            [&](std::int64_t done, std::int64_t) { told = done; })) == head);
  CHECK(told == 0);  // Too few to be told of.
  CHECK(text_in(folder / "export" / "checkpoints") == signer.sign(head) + "\n");
  CHECK(text_in(folder / "export" / "key") == signer.public_key() + "\n");
  const std::string leaves = text_in(folder / "export" / "leaves");
  std::size_t count = 0;
  for (std::size_t at = 0; at < leaves.size(); ++count) {
    const auto size = load_le<std::uint32_t>(leaves.data() + at);
    Bytes prefixed = {0x00};
    const auto leaf = as_bytes(leaves).subspan(at + 4, size);
    prefixed.insert(prefixed.end(), leaf.begin(), leaf.end());
    REQUIRE(sha256(prefixed) == hashes.at(count));
    at += 4 + size;
  }
  CHECK(count == 1'000);
}

TEST_CASE("an export is refused into a folder that is not empty, and of a book that is not sound") {
  LedgerFile file;
  const auto hashes = write_book(file);
  const ScratchFolder folder;
  const CheckpointSigner signer(origin_of(hashes.front()), Secret32::random());
  const auto export_to = [&](const char* name, const TreeHead& head) {
    return export_book(
        *file.connect(storage::Mode::read_only),
        {.folder = folder / name, .note = signer.sign(head), .key = signer.public_key()}, {});
  };
  must(export_to("first", head_of(hashes)));
  CHECK(export_to("first", head_of(hashes)).error().code == "folder_not_empty");
  CHECK(export_to("other", {.size = 9, .root = {}}).error().code == "book_damaged");
  file.tamper("UPDATE postings SET time = time + 1 WHERE seq = 700");
  const auto refused = export_to("damaged", head_of(hashes));
  CHECK(refused.error().code == "book_damaged");
  CHECK(refused.error().message.starts_with("posting 700: "));
}
