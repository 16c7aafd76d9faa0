-- What bots may do. A grant says it, a permit is one use of it. Names and limits are as in
-- common/messages/authority.hpp; amounts are in 10^-8 units, times in ns since 1970 UTC, days
-- counted from 1970-01-01 in the bot's time zone.

CREATE INDEX bot_credentials_of ON bot_credentials (handle);

CREATE TABLE bot_settings (
  handle TEXT PRIMARY KEY REFERENCES bots (handle),
  time_zone TEXT NOT NULL DEFAULT 'UTC'
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
  handle TEXT NOT NULL REFERENCES bots (handle),
  pattern TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('allow', 'ask', 'deny')),
  daily_limit INTEGER,
  spending_limit INTEGER,
  expires_at INTEGER,
  enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  errors INTEGER NOT NULL,     -- in a row
  PRIMARY KEY (handle, pattern)
) STRICT, WITHOUT ROWID;

-- What was used of a pattern on a day; it stays when the grant is revoked, so that granting again
-- gives no second allowance.
CREATE TABLE grant_days (
  handle TEXT NOT NULL REFERENCES bots (handle),
  pattern TEXT NOT NULL,
  day INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  settled INTEGER NOT NULL,    -- what those that were settled have cost
  PRIMARY KEY (handle, pattern, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE permits (
  number INTEGER PRIMARY KEY,  -- in the order in which they were asked for
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  handle TEXT NOT NULL REFERENCES bots (handle),
  action TEXT NOT NULL,
  max_cost INTEGER NOT NULL,
  lifetime INTEGER NOT NULL,   -- ns
  asked_at INTEGER NOT NULL,
  -- waiting for a person; refused by one; allowed; settled; expired unsettled; ended by the bot's end
  state TEXT NOT NULL
    CHECK (state IN ('waiting', 'refused', 'allowed', 'settled', 'expired', 'ended')),
  pattern TEXT,                -- of the grant that carried it, once it was allowed
  day INTEGER,                 -- on which it counts
  expires_at INTEGER,
  cost INTEGER,                -- once it is settled
  outcome TEXT CHECK (outcome IN ('ok', 'error'))
) STRICT;
-- Few are open at a time; what is over is in none of these.
CREATE INDEX permits_open ON permits (handle, pattern, day) WHERE state = 'allowed';
CREATE INDEX permits_expiring ON permits (expires_at) WHERE state = 'allowed';
CREATE INDEX permits_waiting ON permits (number) WHERE state = 'waiting';
CREATE INDEX permits_waiting_of ON permits (handle) WHERE state = 'waiting';
