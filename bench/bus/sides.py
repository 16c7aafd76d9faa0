"""The three that are measured: each starts its server in a folder of its own and runs a measurement
between client processes. All answer in the same units; all fail on a message that is lost, comes
twice or out of order."""

import contextlib
import http.client
import itertools
import json
import os
import secrets
import shutil

from processes import START_LIMIT_S, BenchError, Process, run

# As `guild bus bench` does it: in a long run the clock would be part of what is measured.
TIMED_WHOLE_MAX = 100_000
STAMP_EVERY = 64
# Idle sessions are held by several processes: each session costs its client a dozen descriptors.
IDLE_PROCESSES = 4


def rate(sent, received):
    """Messages a second, from the first that is sent to the last that any subscriber has."""
    end = max(report["last_ns"] for report in received)
    return sent["messages"] / ((end - sent["first_ns"]) / 1e9)


class Side:
    """One of the three. Between `with` and its end its server runs."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.server = None
        self._owned = contextlib.ExitStack()
        self._logs = itertools.count()
        os.mkdir(folder, 0o700)

    def __enter__(self):
        try:
            self.server = self.start()
        except BaseException:
            self._owned.close()
            raise
        return self

    def __exit__(self, *_):
        self._owned.close()

    def program(self, name):
        return os.path.join(self.programs, name)

    def spawn(self, argv, **how):
        """A server, ended when this side is."""
        return self._owned.enter_context(self.process(argv, **how))

    def process(self, argv, **how):
        log = os.path.join(self.folder, f"{next(self._logs)}.log")
        return Process(argv, log, **how)

    def idle_growth_kib(self, sessions):
        """What each of so many idle sessions adds to the server's memory."""
        before = self.server.resident_kib()
        each = sessions // IDLE_PROCESSES
        with contextlib.ExitStack() as workers:
            held = [workers.enter_context(self.idle(index, each))
                    for index in range(IDLE_PROCESSES)]
            for worker in held:
                worker.hear_until("ready")
            grown = self.server.resident_kib() - before
        return grown / (each * IDLE_PROCESSES)


class Guild(Side):
    """Ours: a home with keys, the broker, and `guild bus bench` as a user would run it."""

    def start(self):
        self._home = os.path.join(self.folder, "h")
        self._guild = [self.program("bin/guild"), "--home", self._home]
        run([*self._guild, "keys", "init"])
        broker = self.spawn([self.program("bin/guild-broker"), "--home", self._home],
                            speaks_on=None)
        run([*self._guild, "status", "--daemon", "broker", "--wait", "15s"])
        return broker

    def throughput(self, load):
        seen = self._bench("--size", load.size, "--messages", load.messages,
                           "--subscribers", load.subscribers, "--topics", load.topics)
        wanted = load.messages * load.subscribers
        if seen["delivered"] != wanted or seen["dropped"] or seen["out_of_order"]:
            raise BenchError(f"guild bus bench: {seen['delivered']} of {wanted} were delivered, "
                             f"{seen['out_of_order']} out of order")
        return seen["messages_per_s"]

    def echo(self, load):
        seen = self._bench("--echo", "--size", load.size, "--messages", load.messages)
        return seen["p50_us"], seen["p99_us"]

    def idle(self, index, sessions):
        endpoint = "ipc://" + os.path.join(self._home, "run", "bus.sock")
        return self.process([self.program("bench/bus/bench-bus-guild"), "idle", "--home",
                             self._home, "--endpoint", endpoint, "--index", str(index),
                             "--sessions", str(sessions)])

    def _bench(self, *words):
        return json.loads(run([*self._guild, "bus", "bench", "--json", *map(str, words)]))


class Peer(Side):
    """A side whose clients are our programs under bench/bus."""

    _runs = itertools.count(1)

    def throughput(self, load):
        options = {"run": next(self._runs), "size": load.size, "messages": load.messages,
                   "topics": load.topics, "subscribers": load.subscribers,
                   "stamp-every": STAMP_EVERY if load.messages > TIMED_WHOLE_MAX else 1}
        with contextlib.ExitStack() as workers:
            subscribers = [workers.enter_context(self.worker("subscriber", index=i, **options))
                           for i in range(load.subscribers)]
            for each in subscribers:
                each.hear_until("ready")
            publisher = workers.enter_context(self.worker("publisher", **options))
            publisher.hear_until("ready")
            publisher.tell("go")
            sent = publisher.hear_json()
            for each in subscribers:
                each.tell("all published")
            received = [each.hear_json() for each in subscribers]
        for report in received:
            if report["messages"] != load.messages:
                raise BenchError(f"{self.name}: {report['messages']} of {load.messages} came")
        return rate(sent, received)

    def echo(self, load):
        options = {"run": next(self._runs), "size": load.size, "messages": load.messages}
        with self.worker("echo", **options) as echo, self.worker("asker", **options) as asker:
            for each in (echo, asker):
                each.hear_until("ready")
            asker.tell("go")
            seen = asker.hear_json()
        if seen["messages"] != load.messages:
            raise BenchError(f"{self.name}: {seen['messages']} of {load.messages} answers came")
        return seen["p50_us"], seen["p99_us"]

    def idle(self, index, sessions):
        return self.worker("idle", run="idle", index=index, sessions=sessions)

    def worker(self, role, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return self.process([*self.client(role), *words])


class Nats(Peer):
    """nats-server with TLS, users and permissions; clients on libnats."""

    name = "NATS"

    def start(self):
        self._make_certificates()
        with open(self._path("password"), "x", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
        with open(self._path("nats.conf"), "x", encoding="ascii") as file:
            file.write(self._config())
        server = self.spawn([nats_server(), "-c", self._path("nats.conf")], speaks_on="stderr")
        # In this order; both are free ports of the kernel's choice.
        self._monitoring = port_in(server.hear_until("Starting http monitor on"))
        self._url = f"nats://127.0.0.1:{port_in(server.hear_until('Listening for client'))}"
        self.about = self._negotiated()
        return server

    def client(self, role):
        return [self.program("bench/bus/bench-bus-nats"), role, "--url", self._url,
                "--ca", self._path("ca.pem"), "--password", self._path("password")]

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _make_certificates(self):
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run(["openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=bench CA",
             "-keyout", self._path("ca.key"), "-out", self._path("ca.pem")])
        run(["openssl", "req", "-x509", *key, "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE",
             "-CA", self._path("ca.pem"), "-CAkey", self._path("ca.key"),
             "-keyout", self._path("server.key"), "-out", self._path("server.pem")])

    def _config(self):
        # A subscriber may lag by a whole run; with the default of 64 MiB the server would cut it off.
        with open(self._path("password"), encoding="ascii") as file:
            password = file.read()
        return f"""
listen: "127.0.0.1:-1"
http: "127.0.0.1:-1"
max_pending: 2GB
write_deadline: "60s"
tls {{ cert_file: "{self._path('server.pem')}", key_file: "{self._path('server.key')}" }}
authorization {{
  users: [ {{ user: "bench", password: "{password}", permissions: {{
    publish: ["bench.>", "_INBOX.>"], subscribe: ["bench.>", "_INBOX.>"] }} }} ]
}}
"""

    def _negotiated(self):
        """What a client of ours and the server agreed on; it must be TLS 1.3."""
        with self.worker("echo") as client:
            client.hear_until("ready")
            connections = self._ask("/connz?auth=1")["connections"]
        version = self._ask("/varz")["version"]
        tls = {(each.get("tls_version"), each.get("tls_cipher_suite")) for each in connections}
        if len(tls) != 1 or next(iter(tls))[0] != "1.3":
            raise BenchError(f"NATS clients are not on TLS 1.3: {tls}")
        return f"nats-server {version}, TLS 1.3, {next(iter(tls))[1]}"

    def _ask(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self._monitoring, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())


class Curve(Peer):
    """libzmq's own proxy between CURVE sockets: what the transport allows."""

    name = "bare CURVE"

    def start(self):
        proxy = self.spawn([*self._program(), "proxy", "--folder", self.folder])
        self._server_key = proxy.hear_json(START_LIMIT_S)["public_key"]
        return proxy

    def client(self, role):
        return [*self._program(), role, "--folder", self.folder,
                f"--server-key={self._server_key}"]

    def _program(self):
        return [self.program("bench/bus/bench-bus-curve")]


def port_in(line):
    return int(line.rsplit(":", 1)[1])


def nats_server():
    found = shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise BenchError("nats-server is not installed; next: apt-get install nats-server")
    return found
