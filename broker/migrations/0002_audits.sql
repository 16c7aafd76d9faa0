-- Who looked at others' traffic, as told on bus/audit: the last of it, bounded by the broker.
CREATE TABLE audits (
  id      INTEGER PRIMARY KEY,
  time    INTEGER NOT NULL,  -- ns since 1970 UTC
  client  TEXT    NOT NULL,
  action  TEXT    NOT NULL CHECK (action IN ('monitor_started', 'monitor_ended')),
  pattern TEXT    NOT NULL
) STRICT;
