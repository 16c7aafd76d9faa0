"""A home of a test's own with a real broker: made by `guild keys init`, gone when the test is.

Programs come from the environment, set by meson: GUILD_BIN_BROKER, GUILD_BIN_GUILD. Source:
tests/support/home.hpp, which does the same for the C++ tests.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from guildhall import Client

READY_S = 20.0
PROJECT = Path(__file__).parents[2]


def scaled(usual: int, full: int) -> int:
    """The count for a usual run, and for `scripts/test --full`."""
    return full if os.environ.get("GUILDTEST_FULL") else usual


def until(condition: Callable[[], bool], what: str, limit: float = READY_S) -> None:
    """Looks until it holds; fails past the limit."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.005)


class Home:
    def __init__(self, **environment: str) -> None:
        # Not TMPDIR: it may be long, and a socket's path has 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="guild-test-", dir="/tmp"))
        # Nothing of ours: the programs refuse a GUILD_ variable that is no setting.
        self._environment = {
            "PATH": os.environ["PATH"],
            "GUILD_HOME": str(self.root),
            **environment,
        }
        self._broker: subprocess.Popen[bytes] | None = None
        try:
            self.guild("keys", "init")
        except BaseException:
            self.close()
            raise

    def list_client(self, name: str, public: bytes) -> None:
        """Onto the list by hand; the broker takes it up within a second."""
        listed = self.root / "keys" / "authorized_clients.toml"
        changed = listed.with_suffix(".new")
        changed.write_text(
            f'{listed.read_text()}\n[[client]]\nname = "{name}"\nrole = "client"\n'
            f'public_key = "{public.hex()}"\npublish = ["apps/**"]\n'
            'subscribe = ["apps/**"]\nrequest = []\nserve = []\n'
        )
        changed.chmod(0o600)
        changed.rename(listed)

    def guild(self, *arguments: str) -> str:
        done = subprocess.run([os.environ["GUILD_BIN_GUILD"], *arguments], env=self._environment,
                              capture_output=True, text=True, timeout=30)  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(f"guild {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def add_client(self, name: str) -> None:
        self.guild("keys", "add", name, "--role", "client")

    def start_broker(self) -> None:
        run = self.root / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        ready = run / "broker.ready"
        # A killed broker leaves its file behind; only a newer one counts.
        before = _written_at(ready)
        with open(self.root / "broker.err", "ab") as errors:
            self._broker = subprocess.Popen([os.environ["GUILD_BIN_BROKER"]], cwd=self.root,
                                            env=self._environment, stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors)  # fmt: skip
        until(lambda: _written_at(ready) > before or self._broker_ended(), "the broker is ready")
        if self._broker_ended():
            raise AssertionError((self.root / "broker.err").read_text())

    def pause_broker(self) -> None:
        assert self._broker
        self._broker.send_signal(signal.SIGSTOP)

    def kill_broker(self) -> None:
        assert self._broker
        self._broker.kill()
        self._broker.wait()

    def client(self, name: str, **options: object) -> Client:
        return Client(self.root, name, **options)  # type: ignore[arg-type]

    def start_python(self, script: Path, *arguments: str) -> "subprocess.Popen[bytes]":
        environment = {**self._environment, "PYTHONPATH": str(PROJECT),
                       "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        return subprocess.Popen(["/usr/bin/python3", str(script), *arguments], env=environment,
                                stdin=subprocess.DEVNULL)  # fmt: skip

    def close(self) -> None:
        if self._broker and not self._broker_ended():
            self.kill_broker()
        if not os.environ.get("GUILD_TEST_KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)

    def _broker_ended(self) -> bool:
        return self._broker is not None and self._broker.poll() is not None


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
