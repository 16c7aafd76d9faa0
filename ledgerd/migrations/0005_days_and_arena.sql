-- A bot's days when its time zone is changed, and what bots do in the arena. Amounts are in 10^-8
-- units, times in ns since 1970 UTC.

-- The day that outlasts the last change of zone (days.hpp): its number, its end in the zone that it
-- began in, and when the next one begins.
ALTER TABLE bot_settings ADD COLUMN held_day INTEGER;
ALTER TABLE bot_settings ADD COLUMN held_over_at INTEGER;
ALTER TABLE bot_settings ADD COLUMN held_until INTEGER;

-- What was done on an observation, which is once.
CREATE TABLE arena_actions (
  number INTEGER PRIMARY KEY,
  observation BLOB NOT NULL UNIQUE CHECK (length(observation) = 16),
  bot TEXT NOT NULL REFERENCES bots (handle),
  time INTEGER NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('PREDICT', 'WAIT')),
  symbol TEXT,                 -- this and what follows: of a PREDICT
  direction TEXT CHECK (direction IN ('UP', 'DOWN')),
  wager INTEGER,
  reasoning TEXT NOT NULL
) STRICT;
CREATE INDEX arena_actions_of ON arena_actions (bot, number);

-- What a bot lost last, and by what.
CREATE TABLE last_losses (
  bot TEXT PRIMARY KEY REFERENCES bots (handle),
  time INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A bot's own open wagers.
CREATE INDEX wagers_open_of ON wagers (bot, number) WHERE status = 'OPEN';
