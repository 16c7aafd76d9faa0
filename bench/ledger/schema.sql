-- A fresh book: accounts that can pay for all that is asked of them, and no transfer yet. For psql,
-- which is told the number of `accounts` and what each one opens with, `opening`.
-- Each measurement has one of its own, thrown away after it, so that none pays for another.

CREATE SCHEMA book;

-- Pages that are nearly empty: an update finds room for the new version of a row on the same page and
-- touches no index (HOT), and clients do not meet on a page because their accounts are neighbours.
CREATE TABLE book.accounts (
  id integer PRIMARY KEY,
  balance bigint NOT NULL,
  floor bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);

-- No foreign keys: that both accounts exist shows when they are updated, at no cost of its own.
CREATE TABLE book.transfers (
  id uuid PRIMARY KEY,
  debit integer NOT NULL,
  credit integer NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (debit <> credit)
);

-- Moves money once. The answer is 0 when it was moved now, 1 when the same transfer was booked before;
-- anything else is an error, and nothing is changed.
-- An UPDATE takes the lock of its row and looks at the row as it is once it has the lock, so the floor is
-- checked under the lock. The account with the smaller number comes first: no two transfers can wait for
-- each other. The row of the transfer is written before either lock is held.
CREATE FUNCTION book.transfer(of_id uuid, of_debit integer, of_credit integer, of_amount bigint)
RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO book.transfers (id, debit, credit, amount)
    VALUES (of_id, of_debit, of_credit, of_amount) ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN
    PERFORM FROM book.transfers
      WHERE id = of_id AND debit = of_debit AND credit = of_credit AND amount = of_amount;
    IF FOUND THEN RETURN 1; END IF;
    RAISE EXCEPTION 'id_reused: % was booked with other content', of_id;
  END IF;

  IF of_debit > of_credit THEN
    UPDATE book.accounts SET balance = balance + of_amount WHERE id = of_credit;
    IF NOT FOUND THEN RAISE EXCEPTION 'account_unknown: %', of_credit; END IF;
  END IF;
  UPDATE book.accounts SET balance = balance - of_amount
    WHERE id = of_debit AND balance - of_amount >= floor;
  IF NOT FOUND THEN RAISE EXCEPTION 'funds_short: % cannot pay %', of_debit, of_amount; END IF;
  IF of_debit < of_credit THEN
    UPDATE book.accounts SET balance = balance + of_amount WHERE id = of_credit;
    IF NOT FOUND THEN RAISE EXCEPTION 'account_unknown: %', of_credit; END IF;
  END IF;
  RETURN 0;
END $$;

INSERT INTO book.accounts (id, balance)
  SELECT number, :opening FROM generate_series(1, :accounts) AS number;

VACUUM ANALYZE book.accounts;
CHECKPOINT;
