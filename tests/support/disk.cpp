#include "tests/support/disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace guild::test {
namespace {

constexpr std::size_t shm_locks = SQLITE_SHM_NLOCK;

/// What a name stands for; two files may have had one name.
struct Inode {
  std::size_t number = 0;
  Bytes bytes;
  // Of all handles on it.
  int shared = 0;
  bool reserved = false, pending = false, exclusive = false;
  std::vector<std::unique_ptr<std::vector<std::byte>>> regions;
  std::array<int, shm_locks> shm_shared{};
  std::array<bool, shm_locks> shm_exclusive{};
  int shm_users = 0;
};

struct Operation {
  enum class Kind { write, truncate, sync, lie, create, remove };
  Kind kind{};
  std::size_t inode = 0;
  std::string name = {};
  std::size_t at = 0;  ///< Of a truncation: the size.
  Bytes bytes = {};
  bool settles_folder = false;
};

}  // namespace

struct Disk::State {
  std::mutex mutex;  // Guards all of it.
  Files first;       // What was on it at first, settled.
  std::map<std::string, std::shared_ptr<Inode>> names;
  std::size_t inodes = 0;
  std::vector<Operation> operations;
  bool lies = false;

  std::shared_ptr<Inode> add(const std::string& name) {
    auto inode = std::make_shared<Inode>();
    inode->number = inodes++;
    names[name] = inode;
    return inode;
  }
};

namespace {

using State = Disk::State;
using Kind = Operation::Kind;

// ---- The crash ---------------------------------------------------------------------------------

void put(Bytes& into, std::size_t at, BytesView bytes) {
  if (into.size() < at + bytes.size()) into.resize(at + bytes.size());
  std::ranges::copy(bytes, into.begin() + static_cast<std::ptrdiff_t>(at));
}

void carry_out(Bytes& into, const Operation& operation) {
  if (operation.kind == Kind::write) put(into, operation.at, operation.bytes);
  if (operation.kind == Kind::truncate) into.resize(operation.at);
}

/// A file as a crash finds it.
struct Settling {
  Bytes settled;
  std::vector<const Operation*> waiting;

  void sync() {
    for (const Operation* operation : waiting) carry_out(settled, *operation);
    waiting.clear();
  }

  Bytes torn(std::mt19937_64& random) const {
    constexpr std::size_t sector = Disk::sector_size;
    Bytes result = settled;
    std::map<std::size_t, std::vector<std::pair<std::size_t, BytesView>>> by_sector;
    const auto settle = [&] {
      for (const auto& [number, pieces] : by_sector) {
        // A sector is never older than what it was, and goes through its states in order.
        const std::size_t done = random() % (pieces.size() + 1);
        for (std::size_t i = 0; i < done; ++i) put(result, pieces[i].first, pieces[i].second);
      }
      by_sector.clear();
    };
    for (const Operation* operation : waiting) {
      if (operation->kind == Kind::truncate) {
        settle();
        if (random() % 2 == 0) carry_out(result, *operation);
        continue;
      }
      BytesView rest(operation->bytes);
      for (std::size_t at = operation->at; !rest.empty();) {
        const std::size_t size = std::min(rest.size(), sector - at % sector);
        by_sector[at / sector].emplace_back(at, rest.first(size));
        rest = rest.subspan(size);
        at += size;
      }
    }
    settle();
    return result;
  }

  Bytes after(Disk::Fate fate, std::mt19937_64& random) const {
    if (fate == Disk::Fate::torn) return torn(random);
    Settling copy = *this;
    if (fate == Disk::Fate::kept) copy.sync();
    return copy.settled;
  }
};

/// Replays what was done up to the crash.
class Crash {
 public:
  explicit Crash(const Disk::Files& first) {
    for (const auto& [name, bytes] : first) {
      names_.emplace(name, files_.size());
      files_.push_back({.settled = bytes, .waiting = {}});
    }
    settled_names_ = names_;
  }

  void take(const Operation& operation, bool is_done) {
    files_.resize(std::max(files_.size(), operation.inode + 1));
    switch (operation.kind) {
      case Kind::create:
        names_[operation.name] = operation.inode;
        return;
      case Kind::remove:
        names_.erase(operation.name);
        break;
      case Kind::write:
      case Kind::truncate:
        files_.at(operation.inode).waiting.push_back(&operation);
        return;
      case Kind::sync:
        if (is_done) files_.at(operation.inode).sync();
        break;
      case Kind::lie:
        return;
    }
    if (is_done && operation.settles_folder) settled_names_ = names_;
  }

  Disk::Files result(Disk::Fate fate, std::mt19937_64& random) const {
    Disk::Files files;
    auto all = names_;
    all.insert(settled_names_.begin(), settled_names_.end());
    for (const auto& [name, ignored] : all) {
      const auto inode = survivor(name, fate, random);
      if (inode) files.emplace(name, files_.at(*inode).after(fate, random));
    }
    return files;
  }

 private:
  std::optional<std::size_t> survivor(const std::string& name, Disk::Fate fate,
                                      std::mt19937_64& random) const {
    const auto in = [&](const auto& names) -> std::optional<std::size_t> {
      const auto found = names.find(name);
      if (found == names.end()) return {};
      return found->second;
    };
    const auto before = in(settled_names_), now = in(names_);
    if (before == now || fate == Disk::Fate::kept) return now;
    if (fate == Disk::Fate::lost) return before;
    return random() % 2 == 0 ? before : now;
  }

  std::vector<Settling> files_;
  std::map<std::string, std::size_t> names_, settled_names_;
};

// ---- The VFS -----------------------------------------------------------------------------------

struct Plug {
  std::mutex mutex;
  std::shared_ptr<State> state;
};
Plug& plug() {
  static Plug the_one;
  return the_one;
}
std::shared_ptr<State> plugged_in() {
  const std::lock_guard lock(plug().mutex);
  return plug().state;
}

sqlite3_vfs* real_vfs = nullptr;

/// One open of a file.
struct Handle {
  std::shared_ptr<State> disk;
  std::shared_ptr<Inode> inode;
  std::string name;
  bool removes_at_close = false;
  bool settles_folder = false;  ///< At its first sync: it made the file.
  int level = SQLITE_LOCK_NONE;
  bool has_shm = false;
  std::array<bool, shm_locks> shared{}, exclusive{};
};

/// SQLite allocates szOsFile bytes for it.
struct File {
  sqlite3_file base;
  Handle* handle;
};

Handle& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->handle; }

void drop_lock(Handle& handle, int level) {
  Inode& inode = *handle.inode;
  if (handle.level >= SQLITE_LOCK_EXCLUSIVE) inode.exclusive = false;
  if (handle.level >= SQLITE_LOCK_PENDING) inode.pending = false;
  if (handle.level >= SQLITE_LOCK_RESERVED) inode.reserved = false;
  if (handle.level >= SQLITE_LOCK_SHARED && level < SQLITE_LOCK_SHARED) --inode.shared;
  handle.level = level;
}

void drop_shm(Handle& handle) {
  if (!std::exchange(handle.has_shm, false)) return;
  Inode& inode = *handle.inode;
  for (std::size_t i = 0; i < shm_locks; ++i) {
    if (std::exchange(handle.shared[i], false)) --inode.shm_shared[i];
    if (std::exchange(handle.exclusive[i], false)) inode.shm_exclusive[i] = false;
  }
  if (--inode.shm_users == 0) inode.regions.clear();
}

int close_file(sqlite3_file* file) {
  Handle* handle = std::exchange(reinterpret_cast<File*>(file)->handle, nullptr);
  {
    const std::lock_guard lock(handle->disk->mutex);
    drop_shm(*handle);
    drop_lock(*handle, SQLITE_LOCK_NONE);
    if (handle->removes_at_close) handle->disk->names.erase(handle->name);
  }
  delete handle;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  const Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  const Bytes& bytes = handle.inode->bytes;
  const auto begin = std::min(bytes.size(), static_cast<std::size_t>(at));
  const auto count = std::min(bytes.size() - begin, static_cast<std::size_t>(size));
  auto* const out = static_cast<std::uint8_t*>(into);
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin), count, out);
  std::fill(out + count, out + size, std::uint8_t{0});
  return std::cmp_equal(count, size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int do_it(Handle& handle, Operation operation) {
  const std::lock_guard lock(handle.disk->mutex);
  operation.inode = handle.inode->number;
  carry_out(handle.inode->bytes, operation);
  handle.disk->operations.push_back(std::move(operation));
  return SQLITE_OK;
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  const auto* const bytes = static_cast<const std::uint8_t*>(from);
  return do_it(of(file), {.kind = Kind::write,
                          .at = static_cast<std::size_t>(at),
                          .bytes = Bytes(bytes, bytes + size)});
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return do_it(of(file), {.kind = Kind::truncate, .at = static_cast<std::size_t>(size)});
}

int sync_file(sqlite3_file* file, int) {
  Handle& handle = of(file);
  const bool lies = [&] {
    const std::lock_guard lock(handle.disk->mutex);
    return handle.disk->lies;
  }();
  return do_it(handle, {.kind = lies ? Kind::lie : Kind::sync,
                        .settles_folder = std::exchange(handle.settles_folder, false)});
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  const Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  *size = static_cast<sqlite3_int64>(handle.inode->bytes.size());
  return SQLITE_OK;
}

/// As sqlite.org/lockingv3.html has it.
int lock_file(sqlite3_file* file, int level) {
  Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  Inode& inode = *handle.inode;
  if (level <= handle.level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (inode.pending || inode.exclusive) return SQLITE_BUSY;
    ++inode.shared;
  } else if (level == SQLITE_LOCK_RESERVED) {
    if (inode.reserved) return SQLITE_BUSY;
    inode.reserved = true;
  } else {
    if (inode.reserved && handle.level < SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    inode.reserved = inode.pending = true;
    if (inode.shared > 1) {
      handle.level = SQLITE_LOCK_PENDING;
      return SQLITE_BUSY;
    }
    inode.exclusive = true;
  }
  handle.level = level;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  if (level < handle.level) drop_lock(handle, level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* out) {
  const Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  *out = handle.inode->reserved ? 1 : 0;
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  Inode& inode = *handle.inode;
  if (!std::exchange(handle.has_shm, true)) ++inode.shm_users;
  const auto wanted = static_cast<std::size_t>(region) + 1;
  while (inode.regions.size() < wanted && extend != 0)
    inode.regions.push_back(
        std::make_unique<std::vector<std::byte>>(static_cast<std::size_t>(size)));
  *out = inode.regions.size() < wanted ? nullptr : inode.regions[wanted - 1]->data();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  Inode& inode = *handle.inode;
  const auto begin = static_cast<std::size_t>(offset);
  const auto end = begin + static_cast<std::size_t>(count);
  const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  auto& mine = is_exclusive ? handle.exclusive : handle.shared;
  const auto set = [&](std::size_t i, bool held) {
    if (mine[i] == held) return;
    mine[i] = held;
    if (is_exclusive) inode.shm_exclusive[i] = held;
    if (!is_exclusive) inode.shm_shared[i] += held ? 1 : -1;
  };
  if ((flags & SQLITE_SHM_LOCK) != 0) {
    for (std::size_t i = begin; i < end; ++i)
      if (!mine[i] && (inode.shm_exclusive[i] || (is_exclusive && inode.shm_shared[i] > 0)))
        return SQLITE_BUSY;
  }
  for (std::size_t i = begin; i < end; ++i) set(i, (flags & SQLITE_SHM_LOCK) != 0);
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file* file) { const std::lock_guard lock(of(file).disk->mutex); }

int shm_unmap(sqlite3_file* file, int) {
  Handle& handle = of(file);
  const std::lock_guard lock(handle.disk->mutex);
  drop_shm(handle);
  return SQLITE_OK;
}

constexpr sqlite3_io_methods methods{
    2,         close_file,  read_file,      write_file, truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_reserved, control,    sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,      nullptr,    nullptr};

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  file->pMethods = nullptr;
  auto disk = plugged_in();
  const std::lock_guard lock(disk->mutex);
  const bool is_temporary = name == nullptr;
  const std::string known = is_temporary ? "temporary-" + std::to_string(disk->inodes) : name;
  const auto found = disk->names.find(known);
  std::shared_ptr<Inode> inode = found == disk->names.end() ? nullptr : found->second;
  const bool is_new = inode == nullptr;
  if (is_new) {
    // The storage library makes the database file itself before it opens it.
    const bool may_make = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE)) != 0;
    if (!may_make) return SQLITE_CANTOPEN;
    inode = disk->add(known);
    if (!is_temporary)
      disk->operations.push_back({.kind = Kind::create, .inode = inode->number, .name = known});
  }
  constexpr int settling = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
  auto* const handle = new Handle{.disk = disk, .inode = inode, .name = known};
  handle->removes_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  handle->settles_folder = is_new && (flags & settling) != 0;
  new (file) File{{&methods}, handle};
  if (out != nullptr) *out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int settles_folder) {
  const auto disk = plugged_in();
  const std::lock_guard lock(disk->mutex);
  const auto found = disk->names.find(name);
  if (found == disk->names.end()) return SQLITE_IOERR_DELETE_NOENT;
  disk->operations.push_back({.kind = Kind::remove,
                              .inode = found->second->number,
                              .name = name,
                              .settles_folder = settles_folder != 0});
  disk->names.erase(found);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs*, const char* name, int, int* out) {
  const auto disk = plugged_in();
  const std::lock_guard lock(disk->mutex);
  const auto found = disk->names.find(name);
  // As on a real disk: an empty journal is none.
  *out = found != disk->names.end() && !found->second->bytes.empty() ? 1 : 0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs*, int, char*) { return ENOENT; }

sqlite3_vfs vfs;

}  // namespace

Disk::Disk(Files files) : state_(std::make_shared<State>()) {
  for (const auto& [name, bytes] : files) state_->add(name)->bytes = bytes;
  state_->first = std::move(files);
}

Disk::~Disk() = default;

void Disk::plug_in() const {
  if (real_vfs == nullptr) {
    real_vfs = sqlite3_vfs_find(nullptr);
    vfs = *real_vfs;
    vfs.zName = "disk";
    vfs.szOsFile = sizeof(File);
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = access_file;
    vfs.xGetLastError = last_error;
    sqlite3_vfs_register(&vfs, 1);
  }
  const std::lock_guard lock(plug().mutex);
  plug().state = state_;
}

std::size_t Disk::operations() const {
  const std::lock_guard lock(state_->mutex);
  return state_->operations.size();
}

Disk::Files Disk::files() const {
  const std::lock_guard lock(state_->mutex);
  Files files;
  for (const auto& [name, inode] : state_->names) files.emplace(name, inode->bytes);
  return files;
}

Disk::Files Disk::after_crash(std::size_t at, Fate fate, std::mt19937_64& random) const {
  const std::lock_guard lock(state_->mutex);
  const auto& operations = state_->operations;
  Crash crash(state_->first);
  for (std::size_t i = 0; i < operations.size() && i <= at; ++i) crash.take(operations[i], i < at);
  return crash.result(fate, random);
}

void Disk::lie() const {
  const std::lock_guard lock(state_->mutex);
  state_->lies = true;
}

}  // namespace guild::test
