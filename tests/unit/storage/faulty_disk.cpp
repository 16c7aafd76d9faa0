#include "tests/unit/storage/faulty_disk.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <new>

namespace guild::storage::test {
namespace {

FaultyDisk disk;
sqlite3_vfs* real_vfs = nullptr;

/// SQLite allocates szOsFile bytes: this, then the real file.
struct File {
  sqlite3_file base;
  bool is_main;
  bool is_wal;
};

File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + sizeof(File));
}

/// Takes one from an armed count.
bool strikes(std::atomic<int>& count) {
  int left = count;
  while (left > 0)
    if (count.compare_exchange_weak(left, left - 1)) return true;
  return false;
}

int close_file(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  if (of(file)->is_main && strikes(disk.main_reads)) return SQLITE_IOERR_READ;
  return real(file)->pMethods->xRead(real(file), into, size, at);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (of(file)->is_wal && strikes(disk.wal_writes_full)) return SQLITE_FULL;
  if (of(file)->is_main && strikes(disk.main_writes_full)) return SQLITE_FULL;
  return real(file)->pMethods->xWrite(real(file), from, size, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int flags) {
  if (of(file)->is_wal && strikes(disk.wal_syncs)) return SQLITE_IOERR_FSYNC;
  return real(file)->pMethods->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_reserved(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return real(file)->pMethods->xFileControl(real(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), region, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}
int fetch(sqlite3_file* file, sqlite3_int64 at, int size, void** out) {
  return real(file)->pMethods->xFetch(real(file), at, size, out);
}
int unfetch(sqlite3_file* file, sqlite3_int64 at, void* page) {
  return real(file)->pMethods->xUnfetch(real(file), at, page);
}

constexpr sqlite3_io_methods methods{
    3,        close_file,  read_file,      write_file, truncate_file, sync_file,       file_size,
    lock,     unlock,      check_reserved, control,    sector_size,   characteristics, shm_map,
    shm_lock, shm_barrier, shm_unmap,      fetch,      unfetch};

int open_file(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
  new (file) File{{nullptr}, (flags & SQLITE_OPEN_MAIN_DB) != 0, (flags & SQLITE_OPEN_WAL) != 0};
  const int code = real_vfs->xOpen(real_vfs, name, real(file), flags, out);
  if (code == SQLITE_OK) file->pMethods = &methods;
  return code;
}

sqlite3_vfs shim;

}  // namespace

FaultyDisk& FaultyDisk::install() {
  if (real_vfs == nullptr) {
    real_vfs = sqlite3_vfs_find(nullptr);
    shim = *real_vfs;
    shim.zName = "faulty";
    shim.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
    shim.xOpen = open_file;
    sqlite3_vfs_register(&shim, 1);
  }
  disk.heal();
  return disk;
}

void FaultyDisk::heal() {
  main_reads = 0;
  main_writes_full = 0;
  wal_writes_full = 0;
  wal_syncs = 0;
}

}  // namespace guild::storage::test
