-- The book. docs/ledger.md says what is in the columns, and what is hashed of it.

CREATE TABLE accounts (
  number INTEGER PRIMARY KEY,  -- from 1, without gaps, in order of opening
  name TEXT NOT NULL UNIQUE
) STRICT;

-- Rows in the order of seq and no other index: a second one costs five times the speed.
CREATE TABLE postings (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL CHECK (length(id) = 16),
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  legs BLOB NOT NULL,          -- packed
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Where an account's postings are, up to the mark 'history'; the rest is found from the postings.
CREATE TABLE account_postings (
  account INTEGER NOT NULL,
  first INTEGER NOT NULL,      -- the account's own sequence of the first of them
  seqs BLOB NOT NULL,          -- packed
  PRIMARY KEY (account, first)
) STRICT, WITHOUT ROWID;

-- 'history': account_postings reach up to this seq. 'outbox': events are published up to it.
CREATE TABLE marks (
  name TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The economic constants in force, from a time on; the first row was written with the genesis.
CREATE TABLE economy (
  number INTEGER PRIMARY KEY,
  since INTEGER NOT NULL,      -- ns since 1970 UTC
  genesis_grant INTEGER NOT NULL,
  treasury_grant INTEGER NOT NULL
) STRICT;

CREATE TABLE bots (
  handle TEXT PRIMARY KEY,
  account INTEGER NOT NULL UNIQUE REFERENCES accounts (number),
  status TEXT NOT NULL CHECK (status IN ('ALIVE', 'DEAD')),
  created_at INTEGER NOT NULL, -- ns since 1970 UTC
  grant_seq INTEGER NOT NULL   -- the posting of its GRANT
) STRICT, WITHOUT ROWID;

-- What is kept of an API key and its secret: keyed BLAKE2b hashes, found by the key's public prefix.
CREATE TABLE bot_credentials (
  key_id TEXT PRIMARY KEY,
  handle TEXT NOT NULL REFERENCES bots (handle),
  key_hash BLOB NOT NULL CHECK (length(key_hash) = 32),
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  number INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  sender TEXT NOT NULL,        -- the client, as the broker stamped it
  principal TEXT NOT NULL,     -- for whom: 'operator', 'bot/…', 'ledgerd'
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL         -- JSON
) STRICT;
