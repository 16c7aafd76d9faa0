-- Tasks in order of submission. Times are UTC nanoseconds since 1970, money 10^-8 units, states as in
-- messages::TaskState (0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled).
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
  command BLOB NOT NULL,               -- argv, each ended by NUL
  bot TEXT NOT NULL,                   -- empty: nobody
  cost INTEGER NOT NULL CHECK (cost >= 0),
  directory TEXT NOT NULL,             -- as it was asked for; empty: the task's own folder
  timeout INTEGER NOT NULL,
  output_bytes_max INTEGER NOT NULL,
  orphan INTEGER NOT NULL CHECK (orphan IN (0, 1)),  -- 0 fail, 1 requeue
  trace TEXT NOT NULL,
  submitted_by TEXT NOT NULL,
  submitted_at INTEGER NOT NULL,
  -- The last attempt.
  started_at INTEGER,
  ended_at INTEGER,
  pid INTEGER,                         -- with the next two: one process for ever
  pid_start INTEGER,
  boot_id TEXT,
  exit_code INTEGER,
  signal TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  cancel_reason TEXT,                  -- asked to stop by a person; outlives a crash
  output_bytes INTEGER NOT NULL DEFAULT 0,
  output_dropped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tasks_by_state ON tasks (state, seq);
CREATE INDEX tasks_by_bot ON tasks (bot, seq) WHERE bot <> '';

-- What the last attempt wrote, as it came. `start` numbers its bytes from 0.
CREATE TABLE output (
  task INTEGER NOT NULL REFERENCES tasks (seq),
  start INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (task, start)
) STRICT;

-- One row for each attempt that is to be paid for; 0 pending, 1 booked, 2 refused.
CREATE TABLE charges (
  task INTEGER NOT NULL REFERENCES tasks (seq),
  attempt INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  problem TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (task, attempt)
) STRICT;
CREATE INDEX charges_pending ON charges (state, task) WHERE state = 0;
