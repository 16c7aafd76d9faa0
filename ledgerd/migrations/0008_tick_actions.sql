-- What a bot did in its ticks: it is shown with what it did in the arena. What tick_metrics keeps
-- of a tick has neither outcome nor symbol, and most ticks are idle. Ticks before this are not in it.
CREATE TABLE tick_actions (
  number INTEGER PRIMARY KEY,
  bot TEXT NOT NULL REFERENCES bots (handle),
  tick_id TEXT NOT NULL,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  action TEXT NOT NULL CHECK (action IN ('ANSWER', 'BET', 'PREDICT')),
  market BLOB CHECK (length(market) = 16),  -- this and the outcome: of an ANSWER (WIN, MISS), a BET
  outcome TEXT,
  symbol TEXT,                 -- this and the direction: of a PREDICT
  direction TEXT CHECK (direction IN ('UP', 'DOWN')),
  stake INTEGER NOT NULL       -- in 10^-8 units
) STRICT;
CREATE INDEX tick_actions_of ON tick_actions (bot, number);
