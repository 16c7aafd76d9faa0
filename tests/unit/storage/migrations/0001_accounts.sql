-- Marks that end a raw string too early: )sql" )sql1" and \n, ??/, and letters: ü 金.
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
