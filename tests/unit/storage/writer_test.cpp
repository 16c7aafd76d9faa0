// The writer: what is acknowledged is on disk, a bad job harms only itself, a bad disk harms only
// its group.
#include "common/storage/writer.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <latch>
#include <thread>

#include "tests/unit/storage/faulty_disk.hpp"
#include "tests/unit/storage/scratch.hpp"

namespace guild::storage::test {
namespace {

Writer::Work insert(std::int64_t id) {
  return [id](Connection& at) {
    return at.execute("INSERT INTO t (id, body) VALUES (?1, ?2)", id, "a body");
  };
}

Writer::Work refuse() {
  return [](Connection&) -> Result<void> {
    return fail(ErrorKind::invalid, "refused", "not this one");
  };
}

/// The codes that were answered, in order; written by the writer's thread, read after drain.
struct Answers {
  std::vector<std::string> codes;

  Writer::Done next() {
    return [this](const Result<void>& outcome) {
      codes.push_back(outcome ? "ok" : outcome.error().code);
    };
  }
};

/// Holds the writer's thread in a job of its own, so that what is submitted meanwhile is one group.
class Gate {
 public:
  explicit Gate(Writer& writer) {
    must(writer.submit(
        [this](Connection&) -> Result<void> {
          entered_.set_value();
          opened_.get_future().wait();
          return {};
        },
        {}));
    entered_.get_future().wait();
  }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> entered_, opened_;
};

struct File {
  File() {
    must(opened(path)->execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT) STRICT"));
  }
  ~File() { disk.heal(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  Writer writer(WriterOptions limits = {}, Writer::Hooks hooks = {}) {
    OpenOptions options = options_for(path);
    options.retry = time.retry();
    return Writer(opened(options), limits, std::move(hooks));
  }
  std::int64_t rows() const { return count_rows(*opened(path, Mode::read_only)); }

  FaultyDisk& disk = FaultyDisk::install();
  Folder folder;
  std::filesystem::path path = folder.path("a.db");
  FakeTime time;
};

/// Hooks that write down their names.
struct Story {
  std::vector<std::string> told;

  Writer::Hooks hooks() {
    return {.begin = note("begin"),
            .commit = note("commit"),
            .rollback = note("rollback"),
            .undo = note("undo"),
            .lost = [this](const Error& error) { told.push_back("lost: " + error.code); }};
  }
  std::function<void()> note(const char* name) {
    return [this, name] { told.emplace_back(name); };
  }
  Writer::Done answer(const char* name) {
    return [this, name](const Result<void>&) { told.emplace_back(name); };
  }
  Writer::Work job(const char* name, Writer::Work work) {
    return [this, name, work = std::move(work)](Connection& at) {
      told.emplace_back(name);
      return work(at);
    };
  }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("what waits together is committed together, in order") {
  File file;
  Answers answers;
  Writer writer = file.writer();
  Gate gate(writer);
  for (int id = 1; id <= 500; ++id) must(writer.submit(insert(id), answers.next()));
  gate.open();
  writer.drain();
  CHECK(answers.codes == std::vector<std::string>(500, "ok"));
  CHECK(file.rows() == 500);
  const Writer::Counters counters = writer.counters();
  CHECK(counters.groups == 2);
  CHECK(counters.jobs == 501);
  CHECK(counters.connection.transactions == 2);
}

TEST_CASE("a group is no larger than its limit") {
  File file;
  Writer writer = file.writer({.group_max = 100});
  Gate gate(writer);
  for (int id = 1; id <= 250; ++id) must(writer.submit(insert(id), {}));
  gate.open();
  writer.drain();
  CHECK(writer.counters().groups == 4);
  CHECK(file.rows() == 250);
}

TEST_CASE("an answer comes after the commit: another connection sees the row") {
  File file;
  Writer writer = file.writer();
  std::int64_t seen = -1;
  must(writer.submit(insert(1), [&](const Result<void>&) { seen = file.rows(); }));
  writer.drain();
  CHECK(seen == 1);
}

TEST_CASE("run answers the outcome of its own job") {
  File file;
  Writer writer = file.writer();
  CHECK(writer.run(insert(1)));
  const Result<void> again = writer.run(insert(1));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == "constraint");
  const Result<void> refused = writer.run(refuse());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "refused");
}

TEST_CASE("a job that fails is undone alone, after it had already written") {
  File file;
  Answers answers;
  Writer writer = file.writer();
  Gate gate(writer);
  must(writer.submit(insert(1), answers.next()));
  must(writer.submit(
      [](Connection& at) -> Result<void> {
        GUILD_CHECK(insert(2)(at));
        return refuse()(at);
      },
      answers.next()));
  must(writer.submit(insert(1), answers.next()));  // Taken.
  must(writer.submit(insert(3), answers.next()));
  gate.open();
  writer.drain();
  CHECK(answers.codes == Told{"ok", "refused", "constraint", "ok"});
  CHECK(file.rows() == 2);
  CHECK(writer.counters().failed_jobs == 2);
  CHECK(writer.counters().failed_groups == 0);
}

TEST_CASE("hooks come in the order of what happens") {
  File file;
  Story story;
  Writer writer = file.writer({}, story.hooks());
  Gate gate(writer);
  must(writer.submit(story.job("a", insert(1)), story.answer("a answered")));
  must(writer.submit(story.job("b", refuse()), story.answer("b answered")));
  must(writer.submit(story.job("c", insert(2)), {}));
  gate.open();
  writer.drain();
  CHECK(story.told == Told{"begin", "commit", "begin", "a", "b", "undo", "c", "commit",
                           "a answered", "b answered"});
}

TEST_CASE("a retried group tells its owner that the first try is gone") {
  // SQLite undoes a transaction itself when a write meets the error, and keeps it when a read does.
  for (const std::string_view sql :
       {"UPDATE t SET body = 'changed'", "SELECT sum(length(body)) FROM t"}) {
    CAPTURE(std::string(sql));
    File file;
    Story story;
    must(file.writer().run([](Connection& at) -> Result<void> {
      for (int id = 100; id < 500; ++id) GUILD_CHECK(insert(id)(at));
      return {};
    }));
    Writer writer = file.writer({}, story.hooks());
    bool is_first = true;
    const Result<void> done = writer.run(story.job("job", [&](Connection& at) -> Result<void> {
      if (std::exchange(is_first, false)) file.disk.main_reads = 1;
      GUILD_CHECK(insert(1)(at));
      return at.execute(sql);
    }));
    CHECK(done);
    CHECK(story.told == Told{"begin", "job", "rollback", "begin", "job", "commit"});
    CHECK(writer.counters().connection.reconnects == 1);
    CHECK(file.rows() == 401);
  }
}

TEST_CASE("a group waits for a lock that another connection holds") {
  File file;
  Story story;
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  file.time.on_pause = [&](std::size_t pause) {
    if (pause == 2) must(other->execute_script("COMMIT"));
  };
  {
    Writer writer = file.writer({}, story.hooks());
    CHECK(writer.run(insert(1)));
  }
  CHECK(file.time.pauses.size() == 2);
  CHECK(story.told == Told{"begin", "commit"});  // No try began without the lock.
}

TEST_CASE("a lock that outlasts the budget fails its group, and the next one is written") {
  File file;
  const auto other = opened(file.path);
  must(other->execute_script("BEGIN IMMEDIATE"));
  Writer writer = file.writer();
  const Result<void> done = writer.run(insert(1));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == "busy");
  must(other->execute_script("COMMIT"));
  CHECK(writer.run(insert(2)));
  CHECK(writer.counters().failed_groups == 1);
}

TEST_CASE("a full disk at COMMIT fails the whole group, and the writer goes on") {
  File file;
  Answers answers;
  Story story;
  Writer writer = file.writer({}, story.hooks());
  Gate gate(writer);
  for (int id = 1; id <= 3; ++id) must(writer.submit(insert(id), answers.next()));
  must(writer.submit(
      [&](Connection&) -> Result<void> {
        file.disk.wal_writes_full = 1;
        return {};
      },
      answers.next()));
  gate.open();
  writer.drain();
  CHECK(answers.codes == Told(4, "disk_full"));
  CHECK(file.rows() == 0);
  CHECK(writer.run(insert(5)));
  CHECK(file.rows() == 1);
  CHECK(writer.counters().failed_groups == 1);
  CHECK(writer.counters().failed_jobs == 4);
  CHECK(story.told == Told{"begin", "commit", "begin", "rollback", "begin", "commit"});
}

TEST_CASE("a COMMIT whose outcome is unknown is told once, and ends the writing") {
  File file;
  Answers answers;
  Story story;
  Writer writer = file.writer({}, story.hooks());
  file.disk.wal_syncs = 1;
  must(writer.submit(insert(1), answers.next()));
  writer.drain();
  must(writer.submit(insert(2), answers.next()));
  writer.drain();
  CHECK(answers.codes == Told{"outcome_unknown", "outcome_unknown"});
  CHECK(story.told == Told{"begin", "rollback", "lost: outcome_unknown"});
}

TEST_CASE("past waiting_max jobs are refused, and taken again once there is room") {
  File file;
  Writer writer = file.writer({.waiting_max = 3});
  Gate gate(writer);
  for (int id = 1; id <= 3; ++id) CHECK(writer.submit(insert(id), {}));
  const Result<void> fourth = writer.submit(
      insert(4), [](const Result<void>&) { FAIL("a job that was refused must not be answered"); });
  REQUIRE_FALSE(fourth);
  CHECK(fourth.error().code == "writer_full");
  CHECK(fourth.error().kind == ErrorKind::exhausted);
  gate.open();
  writer.drain();
  CHECK(writer.submit(insert(5), {}));
  writer.drain();
  CHECK(file.rows() == 4);
}

TEST_CASE("the end of a writer finishes what was submitted, and takes no more") {
  File file;
  Answers answers;
  std::string late;
  {
    std::promise<void> all_submitted;
    Writer writer = file.writer({.waiting_max = 100});
    must(writer.submit(
        [&](Connection&) -> Result<void> {
          all_submitted.get_future().wait();
          // Until the destructor has begun.
          while (late != "writer_stopping") {
            const Result<void> taken =
                writer.submit([](Connection&) { return Result<void>{}; }, {});
            if (!taken) late = taken.error().code;
            std::this_thread::yield();
          }
          return {};
        },
        answers.next()));
    for (int id = 1; id <= 50; ++id) must(writer.submit(insert(id), answers.next()));
    all_submitted.set_value();
  }
  CHECK(late == "writer_stopping");
  CHECK(answers.codes == Told(51, "ok"));
  CHECK(file.rows() == 50);
}

TEST_CASE("many threads submit, and every job is answered once") {
  File file;
  constexpr int thread_count = 4;
  constexpr int each = 500;
  std::atomic<int> answered = 0;
  {
    Writer writer = file.writer({.group_max = 64});
    std::latch start(thread_count);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < thread_count; ++thread)
      threads.emplace_back([&, thread] {
        start.arrive_and_wait();
        for (int i = 0; i < each; ++i) {
          const std::int64_t id = thread * each + i;
          if (!writer.submit(insert(id),
                             [&](const Result<void>& done) { answered += done ? 1 : 0; }))
            return;
          if (i % 100 == 0) (void)writer.counters();
          if (i % 250 == 0) writer.drain();
        }
      });
    threads.clear();
    writer.drain();
    CHECK(answered == thread_count * each);
    CHECK(writer.counters().jobs == thread_count * each);
  }
  CHECK(file.rows() == thread_count * each);
}

TEST_CASE("many threads run and wait") {
  File file;
  {
    Writer writer = file.writer();
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&writer, thread] {
        for (int i = 0; i < 50; ++i) (void)writer.run(insert(thread * 50 + i));
      });
  }
  CHECK(file.rows() == 200);
}

TEST_CASE("SIGKILL loses no row that was acknowledged") {
  for (const std::size_t kill_after : {1UZ, 37UZ, 400UZ}) {
    CAPTURE(kill_after);
    File file;
    int acknowledged[2];
    REQUIRE(pipe(acknowledged) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // Never ends by itself: the parent kills it in the middle of its work.
      Writer writer = file.writer({.waiting_max = 64});
      for (std::int64_t id = 1;;) {
        const Result<void> taken = writer.submit(insert(id), [id, fd = acknowledged[1]](auto done) {
          if (!done || write(fd, &id, sizeof id) != sizeof id) _exit(1);
        });
        if (taken) ++id;
      }
    }
    close(acknowledged[1]);
    std::vector<std::int64_t> ids(kill_after);
    for (std::int64_t& id : ids) REQUIRE(read(acknowledged[0], &id, sizeof id) == sizeof id);
    REQUIRE(kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    // What was in the pipe at the end was acknowledged too.
    for (std::int64_t id = 0; read(acknowledged[0], &id, sizeof id) == sizeof id;)
      ids.push_back(id);
    close(acknowledged[0]);

    const auto connection = opened(file.path);
    for (const std::int64_t id : ids) {
      const auto found = must(connection->query_integer("SELECT id FROM t WHERE id = ?1", id));
      REQUIRE(found == id);
    }
    CHECK(must(check_integrity(*connection)).empty());
  }
}

}  // namespace guild::storage::test
