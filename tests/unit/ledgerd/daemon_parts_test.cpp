// What the daemon is made of besides the book: the loop thread's view, the reader's thread, bots.
#include <latch>
#include <thread>

#include "ledgerd/bots.hpp"
#include "ledgerd/reader.hpp"
#include "ledgerd/view.hpp"
#include "tests/unit/ledgerd/ledger_file.hpp"

using namespace guild;
using namespace guild::ledgerd;

namespace {

BotCreation creation_of(std::string_view handle) {
  const Credentials credentials(Secret32::random(), {});
  return {.handle = std::string(handle),
          .grant = money("1000.00"),
          .credential = credentials.make(handle, Instant{1}),
          .sender = "gateway",
          .principal = "operator"};
}

Result<BotRecord> create(RunningJournal& it, const BotCreation& creation) {
  BotRecord bot;
  const auto outcome = it.journal().run([&](Transaction& transaction) -> Result<void> {
    GUILD_TRY(bot, create_bot(transaction, creation));
    return {};
  });
  if (!outcome) return fail(outcome.error());
  return bot;
}

std::int64_t count(const LedgerFile& file, std::string_view sql) {
  return must(file.connect(storage::Mode::read_only)->query_integer(sql)).value();
}

}  // namespace

TEST_CASE("a bot is made whole: account, GRANT, hashes, audit") {
  LedgerFile file;
  RunningJournal it(file);
  const BotRecord bot = must(create(it, creation_of("alice")));
  CHECK(bot.grant_seq == 2);
  CHECK(it.balances().at("bot/alice") == money("1000"));
  CHECK(count(file, "SELECT count(*) FROM bots WHERE handle = 'alice' AND status = 'ALIVE'") == 1);
  CHECK(count(file, "SELECT count(*) FROM bot_credentials WHERE handle = 'alice'") == 1);
  CHECK(count(file,
              "SELECT count(*) FROM audit WHERE action = 'bot-create' AND subject = "
              "'bot/alice' AND sender = 'gateway' AND principal = 'operator'") == 1);
}

TEST_CASE("no key and no secret is in the file") {
  LedgerFile file;
  const BotCreation creation = creation_of("alice");
  {
    RunningJournal it(file);
    must(create(it, creation));
  }
  for (const char* sql :
       {"SELECT count(*) FROM audit WHERE instr(detail, ?) > 0",
        "SELECT count(*) FROM bot_credentials WHERE instr(key_id || handle || hex(key_hash) || "
        "hex(secret_hash), ?) > 0"}) {
    const auto connection = file.connect(storage::Mode::read_only);
    CHECK(must(connection->query_integer(sql, std::string_view(creation.credential.api_key))) == 0);
    CHECK(must(connection->query_integer(sql, std::string_view(creation.credential.api_secret))) ==
          0);
  }
}

TEST_CASE("a handle that is taken is refused, and nothing of the second bot stays") {
  LedgerFile file;
  RunningJournal it(file);
  must(create(it, creation_of("alice")));
  const auto again = create(it, creation_of("alice"));
  CHECK(again.error().code == "handle_taken");
  CHECK(again.error().kind == ErrorKind::conflict);
  CHECK(count(file, "SELECT count(*) FROM bots") == 1);
  CHECK(count(file, "SELECT count(*) FROM bot_credentials") == 1);
  CHECK(count(file, "SELECT count(*) FROM audit WHERE action = 'bot-create'") == 1);
  CHECK(count(file, "SELECT count(*) FROM postings") == 2);
}

TEST_CASE("handles are names") {
  CHECK(check_handle("alice-2_b"));
  for (const char* handle : {"", "Alice", "2alice", "a b", "a/b", "../a"})
    CHECK(check_handle(handle).error().code == "handle_format");
}

TEST_CASE("the view shows what was committed, accounts before their bots") {
  LedgerFile file;
  RunningJournal it(file);
  const BotRecord bot = must(create(it, creation_of("alice")));
  const Recovered recovered = must(recover(*file.connect(storage::Mode::read_only)));
  View view(recovered.book);
  CHECK(view.find("bot/alice")->balance == money("1000"));
  CHECK(view.find("bot/alice")->number == bot.account);
  CHECK_FALSE(view.find("user/eve"));
  CHECK(view.accounts() == 3);
  CHECK(view.find_bot("alice") == nullptr);

  view.add_bot(bot);
  CHECK(view.describe(*view.find_bot("alice")).balance == money("1000"));
  view.apply({.head = {.size = 9, .root = {}},
              .balances = {{4, "user/eve", money("5"), {}, {}, false},
                           {3, "bot/alice", money("995"), money("5"), {}, false}},
              .ids = 9,
              .open_holds = 1,
              .next_expiry = {}});
  CHECK(view.find("user/eve")->balance == money("5"));
  CHECK(view.describe(*view.find_bot("alice")).available == money("990"));
  CHECK(view.head().size == 9);
}

TEST_CASE("a reader reads in order and refuses past its bound") {
  LedgerFile file;
  write_small_book(file);
  std::vector<std::int64_t> seen;
  std::latch entered(1), open(1), last(1);
  Reader reader(file.connect(storage::Mode::read_only), 2);
  must(reader.submit([&](storage::Connection& at, const std::stop_token&) {
    entered.count_down();
    open.wait();
    seen.push_back(must(at.query_integer("SELECT count(*) FROM postings")).value());
  }));
  entered.wait();
  must(reader.submit([&](storage::Connection&, const std::stop_token&) { seen.push_back(-1); }));
  must(reader.submit([&](storage::Connection&, const std::stop_token&) { last.count_down(); }));
  CHECK(reader.waiting() == 2);
  CHECK(reader.submit([](storage::Connection&, const std::stop_token&) {}).error().code ==
        "reads_full");
  open.count_down();
  last.wait();
  CHECK(seen == std::vector<std::int64_t>{6, -1});
}

TEST_CASE("a reader that ends asks what runs to stop, and waits for it") {
  LedgerFile file;
  bool is_finished = false;
  std::latch entered(1);
  {
    Reader reader(file.connect(), 10);
    must(reader.submit([&](storage::Connection&, const std::stop_token& stop) {
      entered.count_down();
      std::latch asked(1);
      const std::stop_callback on_stop(stop, [&] { asked.count_down(); });
      asked.wait();
      is_finished = true;
    }));
    entered.wait();
  }
  CHECK(is_finished);
}
