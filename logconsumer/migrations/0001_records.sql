-- One life of one producer: its stamped name and its boot id.
CREATE TABLE streams (
  id       INTEGER PRIMARY KEY,
  producer TEXT NOT NULL,
  boot     BLOB NOT NULL CHECK (length(boot) = 16),
  first_id INTEGER NOT NULL,            -- of its first record
  last_id  INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,            -- the high-water mark: nothing up to it is taken again
  records  INTEGER NOT NULL,
  lost     INTEGER NOT NULL,
  ended    INTEGER NOT NULL,            -- 1: its last record was its last word
  UNIQUE (producer, boot)
) STRICT;

-- In order of birth within each producer, since an index ends with the row's id.
CREATE INDEX streams_by_producer ON streams (producer);

CREATE TABLE records (
  id          INTEGER PRIMARY KEY,      -- order of commit, never used twice
  stream      INTEGER NOT NULL REFERENCES streams (id),
  seq         INTEGER NOT NULL,
  time        INTEGER NOT NULL,         -- UTC nanoseconds since 1970
  level       INTEGER NOT NULL,         -- 0 debug to 4 critical
  daemon      TEXT,                     -- NULL: as the producer is called
  module      TEXT NOT NULL,
  function    TEXT NOT NULL,
  file        TEXT NOT NULL,
  line        INTEGER NOT NULL,
  message     TEXT NOT NULL,
  trace       TEXT NOT NULL,
  extra       TEXT,                     -- NULL: {}
  lost_before INTEGER NOT NULL          -- records of the stream just before it that never came
) STRICT;

-- Most records have no trace id, and cost nothing here.
CREATE INDEX records_by_trace ON records (trace) WHERE trace <> '';
