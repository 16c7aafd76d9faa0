"""The disk under the folder in which both sides write."""

import os
import statistics
import time

from processes import BenchError, run

IN_MEMORY = {"tmpfs", "ramfs"}
SYNCS = 200
BLOCK = b"\0" * 8192


def kind_of_disk(folder):
    """Refuses a folder in memory, where durable means nothing."""
    kind = run(["findmnt", "-n", "-o", "FSTYPE", "--target", folder]).strip()
    if kind in IN_MEMORY:
        raise BenchError(f"{folder} is in memory ({kind}); next: --folder with one on a disk")
    return kind


def sync_us(folder):
    """How long it takes to make a block durable: no durable transfer of one client can be faster."""
    return round(statistics.median(sync_times(folder)) * 1e6)


def sync_times(folder):
    path = os.path.join(folder, "sync")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # Over the same block, so that it is the data alone that is made durable.
        os.pwrite(descriptor, BLOCK, 0)
        os.fsync(descriptor)
        for _ in range(SYNCS):
            os.pwrite(descriptor, BLOCK, 0)
            start = time.monotonic()
            os.fdatasync(descriptor)
            yield time.monotonic() - start
    finally:
        os.close(descriptor)
        os.unlink(path)
