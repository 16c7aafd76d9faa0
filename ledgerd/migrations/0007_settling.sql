-- A market or wager whose settling is refused is put off alone, so that it does not hold up others.
ALTER TABLE markets ADD COLUMN look_at INTEGER;  -- when its end is tried again; NULL: at its deadline
ALTER TABLE markets ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;  -- of its settling
ALTER TABLE wagers ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;
DROP INDEX markets_open;
CREATE INDEX markets_open ON markets (coalesce(look_at, deadline)) WHERE status = 'OPEN';
