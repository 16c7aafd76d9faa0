#include "ledgerd/export.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "ledgerd/chain.hpp"
#include "ledgerd/checkpoint.hpp"
#include "ledgerd/store.hpp"

namespace guild::ledgerd {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t written_at_once = 1 << 20;
constexpr std::int64_t progress_every = 65'536;

std::unexpected<Error> system_error(const fs::path& path, int problem) {
  return fail(ErrorKind::failed, problem == ENOSPC ? "disk_full" : "system_error",
              fmt::format("{}: {}", path.string(), std::generic_category().message(problem)),
              "make room, or give another folder");
}

Result<void> make_empty_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) return system_error(folder, problem.value());
  const bool is_empty = fs::is_empty(folder, problem);
  if (problem) return system_error(folder, problem.value());
  if (is_empty) return {};
  return fail(ErrorKind::conflict, "folder_not_empty",
              fmt::format("{} is not empty", folder.string()), "give a new folder");
}

/// A new file, written in large pieces and synced at its end.
class NewFile {
 public:
  static Result<NewFile> create(const fs::path& path) {
    NewFile file;
    file.path_ = path;
    file.fd_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.fd_) return system_error(path, errno);
    return file;
  }
  Result<void> write(std::string_view text) {
    waiting_.append(text);
    return waiting_.size() < written_at_once ? Result<void>() : flush();
  }
  Result<void> finish() {
    GUILD_CHECK(flush());
    if (::fsync(fd_.get()) != 0) return system_error(path_, errno);
    return {};
  }

 private:
  Result<void> flush() {
    GUILD_CHECK(write_all(fd_.get(), waiting_));
    waiting_.clear();
    return {};
  }

  fs::path path_;
  Fd fd_;
  std::string waiting_;
};

/// One snapshot, written out.
class Exporting {
 public:
  Exporting(storage::Connection& file, const ExportOrder& order, TreeHead until,
            const std::function<void(std::int64_t, std::int64_t)>& progress)
      : file_(file), order_(order), until_(until), progress_(progress) {}

  Result<TreeHead> run() {
    GUILD_CHECK(store::each_account(
        file_, [this](std::int64_t, std::string_view name) { standing_.accounts.open(name); }));
    GUILD_CHECK(write_leaves());
    if (tree_.head() != until_)
      return damaged(tree_.size() + 1, "the book is not the one of the checkpoint");
    GUILD_CHECK(write_checkpoints());
    GUILD_TRY(NewFile key, NewFile::create(order_.folder / "key"));
    GUILD_CHECK(key.write(order_.key + "\n"));
    GUILD_CHECK(key.finish());
    return tree_.head();
  }

 private:
  static std::unexpected<Error> damaged(std::int64_t seq, std::string_view problem) {
    return fail(ErrorKind::failed, "book_damaged", fmt::format("posting {}: {}", seq, problem),
                "run `guild ledger verify` for the whole finding");
  }

  Result<void> write_leaves() {
    GUILD_TRY(NewFile leaves, NewFile::create(order_.folder / "leaves"));
    Result<void> written;
    GUILD_CHECK(store::each_posting_after(file_, 0, [&](const Posting& posting) {
      written = write_leaf(leaves, posting);
      return written.has_value() && tree_.size() < until_.size;
    }));
    GUILD_CHECK(written);
    return leaves.finish();
  }

  Result<void> write_leaf(NewFile& leaves, const Posting& posting) {
    if (const auto fault = find_fault(posting, standing_))
      return damaged(fault->seq, fault->problem);
    const Bytes leaf = leaf_of(posting, standing_);
    std::array<std::uint8_t, 4> size{};
    store_le(size.data(), static_cast<std::uint32_t>(leaf.size()));
    GUILD_CHECK(leaves.write(as_text(size)));
    GUILD_CHECK(leaves.write(as_text(leaf)));
    link(posting, standing_);
    tree_.append(posting.hash);
    if (progress_ && posting.seq % progress_every == 0) progress_(posting.seq, until_.size);
    return {};
  }

  Result<void> write_checkpoints() {
    GUILD_TRY(NewFile checkpoints, NewFile::create(order_.folder / "checkpoints"));
    Result<void> written;
    GUILD_CHECK(store::each_checkpoint(file_, [&](const store::SavedCheckpoint& checkpoint) {
      if (written && checkpoint.size < until_.size)
        written = checkpoints.write(checkpoint.note + "\n");
    }));
    GUILD_CHECK(written);
    GUILD_CHECK(checkpoints.write(order_.note + "\n"));
    return checkpoints.finish();
  }

  storage::Connection& file_;
  const ExportOrder& order_;
  const TreeHead until_;
  const std::function<void(std::int64_t, std::int64_t)>& progress_;
  Standing standing_;
  Tree tree_;
};

}  // namespace

Result<TreeHead> export_book(storage::Connection& file, const ExportOrder& order,
                             const std::function<void(std::int64_t, std::int64_t)>& progress) {
  GUILD_TRY(const CheckpointText until, parse_checkpoint(order.note));
  GUILD_CHECK(make_empty_folder(order.folder));
  TreeHead head;
  GUILD_CHECK(file.snapshot([&](storage::Connection& snapshot) -> Result<void> {
    GUILD_TRY(head, Exporting(snapshot, order, until.head, progress).run());
    return {};
  }));
  return head;
}

}  // namespace guild::ledgerd
