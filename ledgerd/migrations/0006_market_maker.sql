-- What the market maker asked: by this a question is known again, whatever was killed when.
CREATE TABLE maker_questions (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),  -- SHA-256 of the question
  market BLOB NOT NULL REFERENCES markets (id),         -- the last one that asks it
  times INTEGER NOT NULL                                -- how many did
) STRICT, WITHOUT ROWID;
