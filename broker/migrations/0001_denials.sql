-- Refusals, as told on bus/denied: the last of them, bounded by the broker.
CREATE TABLE denials (
  id        INTEGER PRIMARY KEY,
  time      INTEGER NOT NULL,  -- ns since 1970 UTC
  reason    TEXT    NOT NULL,
  client    TEXT    NOT NULL,
  key       TEXT    NOT NULL,  -- public key, hex; empty when none was offered
  operation TEXT    NOT NULL,
  topic     TEXT    NOT NULL,
  count     INTEGER NOT NULL CHECK (count > 0)
) STRICT;
