-- The economy: what was decided in ticks, markets and what is staked in them, prices, the feed.

-- All constants in force from then on, as JSON; '{}' before they were recorded whole.
ALTER TABLE economy ADD COLUMN constants TEXT NOT NULL DEFAULT '{}';

-- One row per tick, in both modes: what it was decided to be, and the answer it gets for ever.
CREATE TABLE tick_metrics (
  number INTEGER PRIMARY KEY,
  bot TEXT NOT NULL REFERENCES bots (handle),
  tick_id TEXT NOT NULL,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  enforced INTEGER NOT NULL CHECK (enforced IN (0, 1)),
  fee INTEGER NOT NULL,        -- charged when enforced, else what it would have been
  streak INTEGER NOT NULL,     -- idle ticks just before it
  idle INTEGER NOT NULL CHECK (idle IN (0, 1)),
  would_liquidate INTEGER NOT NULL CHECK (would_liquidate IN (0, 1)),
  error TEXT,
  answer TEXT NOT NULL,        -- JSON
  UNIQUE (bot, tick_id)
) STRICT;
CREATE INDEX tick_metrics_of_bot ON tick_metrics (bot, number);

-- What a bot's rows above come to, and what it won.
CREATE TABLE tick_totals (
  bot TEXT PRIMARY KEY REFERENCES bots (handle),
  ticks INTEGER NOT NULL,
  idle INTEGER NOT NULL,
  streak INTEGER NOT NULL,     -- of idle ticks, the last one included
  observed INTEGER NOT NULL,   -- ticks in observe mode…
  phantom_fees INTEGER NOT NULL,  -- …and the fees they would have cost
  would_liquidate INTEGER NOT NULL,
  wins INTEGER NOT NULL,
  tools INTEGER NOT NULL       -- lookups that succeeded
) STRICT, WITHOUT ROWID;

CREATE TABLE markets (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  content BLOB NOT NULL CHECK (length(content) = 32),  -- SHA-256 of what was asked for
  kind TEXT NOT NULL CHECK (kind IN ('research', 'judged', 'price')),
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'RESOLVED', 'REFUNDED')),
  question TEXT NOT NULL,
  answer_hash BLOB CHECK (length(answer_hash) = 32),
  bounty INTEGER NOT NULL,
  outcomes TEXT NOT NULL,      -- JSON
  symbol TEXT,
  open_price INTEGER,
  close_price INTEGER,
  stakes INTEGER NOT NULL,     -- how many were placed
  staked INTEGER NOT NULL,
  opened_at INTEGER NOT NULL,  -- ns since 1970 UTC
  deadline INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  winner TEXT
) STRICT;
CREATE INDEX markets_open ON markets (deadline) WHERE status = 'OPEN';

CREATE TABLE market_stakes (
  market INTEGER NOT NULL REFERENCES markets (number),
  bot TEXT NOT NULL REFERENCES bots (handle),
  outcome TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (market, bot, outcome)
) STRICT, WITHOUT ROWID;

-- Price wagers. What is at stake, and as much from the treasury, is on escrow/wagers.
CREATE TABLE wagers (
  number INTEGER PRIMARY KEY,
  bot TEXT NOT NULL REFERENCES bots (handle),
  tick_id TEXT NOT NULL,
  symbol TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('UP', 'DOWN')),
  stake INTEGER NOT NULL,
  open_price INTEGER NOT NULL,
  close_price INTEGER,
  due_at INTEGER NOT NULL,     -- ns since 1970 UTC; the first price from then on settles it…
  refund_at INTEGER NOT NULL,  -- …up to here
  look_at INTEGER NOT NULL,    -- when it is looked at next
  status TEXT NOT NULL CHECK (status IN ('OPEN', 'WON', 'LOST', 'REFUNDED'))
) STRICT;
CREATE INDEX wagers_open ON wagers (look_at) WHERE status = 'OPEN';

CREATE TABLE prices (
  symbol TEXT NOT NULL,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  price INTEGER NOT NULL,
  PRIMARY KEY (symbol, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
  number INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  kind TEXT NOT NULL CHECK (kind IN ('WAGER', 'RESULT', 'DEATH', 'REVIVAL', 'ERROR')),
  bot TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

-- What the model calls of a tick came to.
CREATE TABLE meter (
  bot TEXT NOT NULL REFERENCES bots (handle),
  tick_id TEXT NOT NULL,
  calls INTEGER NOT NULL,
  tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  PRIMARY KEY (bot, tick_id)
) STRICT, WITHOUT ROWID;
