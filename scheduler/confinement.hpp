// Landlock: a process gives up, for itself and all its descendants, the right to reach some
// folders. What a rule does not allow is denied, so everything is allowed but the hidden folders
// and the folders that lead to them: what lies directly in one of those (new entries beside the
// home, a listing of
// "/") is out of reach too, and so are the disks in /dev. From ABI 6 on the process also can signal
// nobody outside. No allocation, no exceptions: guild-worker uses this between fork and exec.
// Source: https://docs.kernel.org/userspace-api/landlock.html
#pragma once

#include <span>

namespace guild::scheduler {

/// The kernel's Landlock ABI, from 1; 0 when it has none or it is switched off.
int landlock_abi();

/// Confines this thread for ever. `hidden` are absolute paths without links; one that does not
/// exist is passed over. Needs no_new_privs. Answers 0 or an errno, and then nothing may be run.
int hide(std::span<char* const> hidden);

}  // namespace guild::scheduler
