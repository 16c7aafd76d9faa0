-- Where the book stood after the posting `seq`, so that a start reads only the postings after it; and
-- what proofs are made from. All of it follows from the postings: `verify` holds it against them.

CREATE TABLE standing (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),  -- of the posting seq
  peaks BLOB NOT NULL,         -- roots of the tree's full subtrees, the largest first, 32 bytes each
  id_key BLOB NOT NULL CHECK (length(id_key) = 16)
) STRICT;

-- Of every account that has an entry up to the standing.
CREATE TABLE account_states (
  number INTEGER PRIMARY KEY REFERENCES accounts (number),
  balance INTEGER NOT NULL,
  held INTEGER NOT NULL,
  floor INTEGER NOT NULL,
  entries INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
  open_holds INTEGER NOT NULL,
  is_closed INTEGER NOT NULL CHECK (is_closed IN (0, 1))
) STRICT;

CREATE TABLE open_holds (
  seq INTEGER PRIMARY KEY,     -- of the HOLD
  debit INTEGER NOT NULL REFERENCES accounts (number),
  credit INTEGER NOT NULL REFERENCES accounts (number),
  amount INTEGER NOT NULL,
  expires_at INTEGER NOT NULL  -- ns since 1970 UTC
) STRICT;

-- SipHash-2-4 of each posting's id under id_key, 8 bytes each, of the postings from `first` on.
CREATE TABLE id_hashes (
  first INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL
) STRICT;

-- The root of each 256 postings, 32 bytes each, from the block `first` (from 0) on.
CREATE TABLE tree_blocks (
  first INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL
) STRICT;

-- Signed tree heads (docs/ledger.md).
CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,       -- ns since 1970 UTC
  note TEXT NOT NULL
) STRICT;
