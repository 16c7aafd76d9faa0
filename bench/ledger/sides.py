"""The two that are measured. Each answers a scenario with what one run of it gave: `transfers_per_s`,
`p50_us`, `p99_us`. A run whose transfers are not durable, were refused or do not add up is an error."""

import contextlib
import json
import os
import shutil
import signal
import tempfile

from processes import BenchError, Process, as_user, run

POSTGRES_BIN = "/usr/lib/postgresql/15/bin"
# Of each account, at first: more than all transfers of a run together could take from it.
OPENING = 10**12
# Of each client, before the clock starts: plans are made, pages are in memory.
WARM_UP = 200


class Guild:
    """Ours: `guild ledger bench` as a user runs it; it starts a suite of its own in $TMPDIR."""

    def __init__(self, programs, folder):
        self._program = os.path.join(programs, "bin", "guild")
        self._environment = {**os.environ, "TMPDIR": folder}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def measure(self, scenario):
        words = ["ledger", "bench", *scenario.ours, "--accounts", str(scenario.accounts), "--json"]
        return checked(run([self._program, *words], environment=self._environment))


def checked(said):
    """What `guild ledger bench` saw, if it may be compared."""
    try:
        seen = json.loads(said)
        durable, refused = seen["durable"], seen["refused"]
    except (ValueError, KeyError):
        raise BenchError(f"guild ledger bench: this answer is not known: {said[:200]!r}") from None
    if durable is not True:
        raise BenchError("guild ledger bench: its transfers are not durable")
    if refused != 0:
        raise BenchError(f"guild ledger bench: {refused} transfers were refused")
    return seen


class Postgres:
    """A cluster of its own on the disk that ours writes to; clients by bench-ledger-postgres."""

    def __init__(self, programs, folder):
        self._client = os.path.join(programs, "bench", "ledger", "bench-ledger-postgres")
        self._folder = folder
        # The server refuses to run as root; Debian's package has made a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._owned = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as owned:
            self._start(owned)
            self._owned = owned.pop_all()
        return self

    def __exit__(self, *_):
        self._owned.close()

    def measure(self, scenario):
        told = {"accounts": scenario.accounts, "opening": OPENING}
        self._psql("schema.sql", told)
        seen = json.loads(run([
            self._client, "--connect", f"host={self._sockets} user=bench dbname=postgres",
            "--clients", str(scenario.peer_clients), "--accounts", str(scenario.accounts),
            "--transfers", str(scenario.peer_transfers), "--warm-up", str(WARM_UP)]))
        if wrong := self._psql("check.sql", {**told, "transfers": seen["transfers"]}).strip():
            raise BenchError(f"PostgreSQL: {'; '.join(wrong.splitlines())}")
        # So that it has nothing left to write or to vacuum while ours is measured.
        self._psql("drop.sql", {})
        return seen

    def _start(self, owned):
        if not os.access(os.path.join(POSTGRES_BIN, "postgres"), os.X_OK):
            raise BenchError("PostgreSQL 15 is not installed; next: apt-get install postgresql-15")
        self._check_reachable()
        # A short path: a socket's may have 107 bytes. Nobody else can go in, so it asks for no password.
        self._sockets = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
        owned.callback(shutil.rmtree, self._sockets, ignore_errors=True)
        data = os.path.join(self._folder, "postgres")
        os.mkdir(data, 0o700)
        if self._user:
            for each in (self._sockets, data):
                shutil.chown(each, self._user, self._user)
        self._run_as_server("initdb", "--pgdata", data, "--username=bench", "--auth=trust",
                            "--locale=C", "--encoding=UTF8")
        with open(os.path.join(data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(configuration(self._sockets, memory_mib()))
        server = owned.enter_context(Process(
            [os.path.join(POSTGRES_BIN, "postgres"), "-D", data],
            os.path.join(self._folder, "postgres.log"), speaks_on="stderr", user=self._user,
            # At once, and without writing what is thrown away.
            end_signal=signal.SIGQUIT))
        server.hear_until("ready to accept connections")
        self.about = "PostgreSQL " + run([os.path.join(POSTGRES_BIN, "postgres"), "--version"]).split()[2]

    def _check_reachable(self):
        try:
            self._run_as("test", "-x", self._folder)
        except BenchError:
            raise BenchError(f"user {self._user} cannot go into {self._folder}; next: --folder with "
                             "one that this user can reach") from None

    def _run_as_server(self, program, *words):
        return self._run_as(os.path.join(POSTGRES_BIN, program), *words)

    def _run_as(self, *argv):
        return run(["setpriv", *as_user(self._user), "--", *argv])

    def _psql(self, script, told):
        """Runs a script that stands beside this file; what it answers, a row a line."""
        words = [word for name, value in told.items() for word in ("-v", f"{name}={value}")]
        return run([os.path.join(POSTGRES_BIN, "psql"), "-qXAt", "-v", "ON_ERROR_STOP=1", *words,
                    "-h", self._sockets, "-U", "bench", "-d", "postgres",
                    "-f", os.path.join(os.path.dirname(os.path.abspath(__file__)), script)])


def configuration(sockets, memory):
    """That of a machine on which nothing else runs; README.md says why each. `memory` in MiB."""
    return f"""
listen_addresses = ''
unix_socket_directories = '{sockets}'
max_connections = 100
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = {memory // 4}MB
wal_buffers = 64MB
wal_level = minimal
max_wal_senders = 0
min_wal_size = 2GB
max_wal_size = 16GB
checkpoint_timeout = 1h
jit = off
"""


def memory_mib():
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
