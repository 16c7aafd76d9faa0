// Export: the book as files for who has neither the database nor its key (docs/ledger.md, "The
// export"). It reads one snapshot, checks every posting on the way as verify does, and writes
// nothing but the files. Time: about 2 µs per posting; memory: that of the accounts.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "common/storage/connection.hpp"
#include "ledgerd/tree.hpp"

namespace guild::ledgerd {

struct ExportOrder {
  std::filesystem::path folder;  ///< Made; when it is there, it must be empty.
  std::string note;              ///< The checkpoint that the export ends with: how far it goes.
  std::string key;               ///< The public key's text.
};

/// Answers the head of what was written. `progress(done, all)` is called now and then.
/// Codes: folder_not_empty, book_damaged (the first bad posting is named), checkpoint_malformed,
/// system_error, disk_full, and the file's. After a failure the folder may hold a part.
Result<TreeHead> export_book(storage::Connection& file, const ExportOrder& order,
                             const std::function<void(std::int64_t, std::int64_t)>& progress);

}  // namespace guild::ledgerd
