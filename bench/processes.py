"""The processes of a benchmark: started with us, spoken to by lines, ended with us."""

import json
import queue
import signal
import subprocess
import threading

START_LIMIT_S = 120  # A thousand encrypted handshakes take their time.
RUN_LIMIT_S = 300
END_LIMIT_S = 10


class BenchError(Exception):
    """What went wrong, in a line a person can act on."""


class Process:
    """A child whose lines are read from stdout, or from stderr where it speaks there.

    The rest of what it says is kept in `log`. It dies with us (setpriv), and leaving the `with`
    block ends it: by closing its stdin, which is what our workers wait for, or by `end_signal`.
    As root we can start it as another `user`.
    """

    def __init__(self, argv, log, speaks_on="stdout", environment=None, user=None,
                 end_signal=signal.SIGTERM):
        self.name = " ".join(argv[:2])
        self._log_path = log
        self._ends_by_stdin = speaks_on == "stdout"
        self._end_signal = end_signal
        with open(log, "ab") as rest:
            streams = {"stdout": rest, "stderr": rest}
            if speaks_on:
                streams[speaks_on] = subprocess.PIPE
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *as_user(user), "--", *argv],
                stdin=subprocess.PIPE, env=environment, **streams)
        self.pid = self._child.pid  # setpriv becomes the program.
        self._lines = queue.Queue()
        if speaks_on:
            stream = getattr(self._child, speaks_on)
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._child.poll() is None:
            self._child.stdin.close()
            if not self._ends_by_stdin:
                self._child.send_signal(self._end_signal)
        try:
            self._child.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def tell(self, line):
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise self._gone() from None

    def hear(self, limit=RUN_LIMIT_S):
        """Its next line."""
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            raise BenchError(f"{self.name}: nothing was said for {limit} s") from None
        if line is None:
            raise self._gone()
        return line

    def hear_json(self, limit=RUN_LIMIT_S):
        return json.loads(self.hear(limit))

    def hear_until(self, word, limit=START_LIMIT_S):
        """Its next line that has `word`; what comes before is passed over."""
        seen = []
        while not seen or word not in seen[-1]:
            try:
                seen.append(self.hear(limit))
            except BenchError as problem:
                raise BenchError("; ".join([str(problem), *seen[-3:]])) from None
        return seen[-1]

    def resident_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise BenchError(f"{self.name} (pid {self.pid}) has no memory to look at")

    def _read(self, stream):
        for line in stream:
            self._lines.put(line.decode(errors="replace").rstrip("\n"))
        self._lines.put(None)

    def _gone(self):
        status = self._child.wait()
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            words = [line.strip() for line in log.readlines()[-3:]]
        return BenchError(f"{self.name} ended with status {status}: {'; '.join(words) or 'silent'}")


def as_user(user):
    """What makes setpriv run a program as another user; nothing without one."""
    return [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []


def run(argv, limit=RUN_LIMIT_S, environment=None):
    """Runs a program to its end; its stdout. BenchError with what it said when it fails."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit, check=False, env=environment)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{' '.join(argv)}: no end after {limit} s") from None
    if done.returncode != 0:
        raise BenchError(f"{' '.join(argv)} ended with status {done.returncode}: "
                         f"{done.stderr.strip() or done.stdout.strip() or 'silent'}")
    return done.stdout
