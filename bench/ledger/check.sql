-- What is wrong with the book after a measurement, one line each; silence when it adds up. For psql, which
-- is told the number of `accounts`, what each one opened with, `opening`, and how many `transfers` were
-- answered.

SELECT format('%s transfers are booked, %s were answered', count(*), :transfers)
  FROM book.transfers HAVING count(*) <> :transfers;

SELECT format('all balances sum to %s, they opened with %s', sum(balance), :accounts * :opening::numeric)
  FROM book.accounts HAVING sum(balance) <> :accounts * :opening::numeric OR count(*) <> :accounts;

SELECT format('account %s has %s, its transfers make it %s', id, balance, :opening + coalesce(moved, 0))
  FROM book.accounts
  LEFT JOIN (
    SELECT account, sum(amount) AS moved FROM (
      SELECT debit AS account, -amount AS amount FROM book.transfers
      UNION ALL SELECT credit, amount FROM book.transfers) AS legs
    GROUP BY account) AS entries ON account = id
  WHERE balance <> :opening + coalesce(moved, 0) OR balance < floor
  LIMIT 3;

-- A transfer that is sent again is answered as booked before. What it changes in spite of that shows in the
-- sums, which are therefore asked for once more.
SELECT format('a transfer that was sent again was booked twice: %s', id)
  FROM (SELECT * FROM book.transfers LIMIT 1) AS earlier
  WHERE book.transfer(id, debit, credit, amount) <> 1;

SELECT format('%s transfers are booked after one was sent again, %s were answered', count(*), :transfers)
  FROM book.transfers HAVING count(*) <> :transfers;

SELECT format('%s is %s, which is not durable', name, setting)
  FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting <> 'on';
