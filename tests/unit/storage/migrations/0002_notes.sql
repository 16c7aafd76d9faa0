ALTER TABLE accounts ADD COLUMN note TEXT;
CREATE INDEX accounts_by_note ON accounts (note);