-- Nothing stays of a measurement, on the disk or to be written.

SET client_min_messages = warning;
DROP SCHEMA book CASCADE;
CHECKPOINT;
