#!/usr/bin/env python3
"""The bus beside its peers, in one run, interleaved. Started by scripts/bench, which builds what it
needs; README.md beside this folder says what is measured and why the comparison is fair."""

import contextlib
import dataclasses
import functools
import os
import resource
import shutil
import sys
import tempfile

import rounds
from sides import Curve, Guild, Nats
from table import Target, over, under

SIDES = {"guildhall": Guild, "nats": Nats, "curve": Curve}
TITLES = {"guildhall": "guildhall", "nats": "NATS+TLS", "curve": "bare CURVE"}


@dataclasses.dataclass(frozen=True)
class Load:
    size: int
    messages: int
    subscribers: int = 1
    topics: int = 1


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One measurement; each of its figures is a row of the table."""

    name: str
    kind: str  # Names a measure_… below.
    size: int
    messages: dict  # Of each side: what takes it one to two seconds.
    rows: dict  # Unit to targets.
    subscribers: int = 1
    topics: int = 1

    def load(self, side):
        return Load(self.size, self.messages[side], self.subscribers, self.topics)


SCENARIOS = [
    Scenario("100 B 1->1", "throughput", 100,
             {"guildhall": 2_000_000, "nats": 1_000_000, "curve": 250_000},
             {"messages/s": [over("nats", 2.0), over("curve", 6.0)]}),
    Scenario("100 B 1->4", "throughput", 100,
             {"guildhall": 800_000, "nats": 400_000, "curve": 100_000},
             {"deliveries/s": [over("nats", 2.0)]}, subscribers=4),
    Scenario("1 KiB 1->1", "throughput", 1024,
             {"guildhall": 500_000, "nats": 500_000, "curve": 200_000},
             {"messages/s": [over("nats", 1.0)]}),
    Scenario("100 topics 100 B 1->1", "throughput", 100,
             {"guildhall": 1_000_000, "nats": 1_000_000, "curve": 250_000},
             {"messages/s": [over("nats", 1.3)]}, topics=100),
    Scenario("echo at idle 100 B", "echo", 100,
             {"guildhall": 10_000, "nats": 10_000, "curve": 10_000},
             {"p50 us": [under("nats", 0.7)], "p99 us": [under("nats", 0.8)]}),
    Scenario("1000 idle clients", "idle", 0,
             {"guildhall": 1_000, "nats": 1_000, "curve": 1_000},
             {"KiB/client": [Target(64.0, at_most=True)]}),
]


class Bench:
    """Runs scenarios on the three sides, turn and turn about."""

    def __init__(self, programs, folder, number_of_rounds):
        self.programs = programs
        self.folder = folder
        self.rounds = number_of_rounds
        self.sides = {}
        self._made = 0

    def __enter__(self):
        with contextlib.ExitStack() as owned:
            for key, side in SIDES.items():
                self.sides[key] = owned.enter_context(self._new(side))
            self._owned = owned.pop_all()
        return self

    def __exit__(self, *_):
        self._owned.close()

    def measure(self, scenario):
        """Of each row the figures of each side, one a round."""
        measure = functools.partial(getattr(self, "measure_" + scenario.kind), scenario)
        return rounds.take_turns(scenario, TITLES, self.rounds, measure)

    def measure_throughput(self, scenario, key):
        return [self.sides[key].throughput(scenario.load(key)) * scenario.subscribers]

    def measure_echo(self, scenario, key):
        return self.sides[key].echo(scenario.load(key))

    def measure_idle(self, scenario, key):
        # In a server of its own: one that has worked before has memory to spare.
        with self._new(SIDES[key]) as fresh:
            return [fresh.idle_growth_kib(scenario.messages[key])]

    def _new(self, side):
        self._made += 1
        return side(self.programs, os.path.join(self.folder, str(self._made)))


def bench(asked):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A short path: a socket's may have 107 bytes.
    folder = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
    try:
        with Bench(asked.programs, folder, asked.rounds) as runner:
            about = {**rounds.machine(), "nats": runner.sides["nats"].about}
            measured = [(scenario, runner.measure(scenario)) for scenario in asked.scenarios]
        rounds.report(asked, about, measured, TITLES, ["nats"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    asked = rounds.parse(rounds.parser("bus", __doc__.split("\n", maxsplit=1)[0]), SCENARIOS)
    return rounds.guarded(lambda: bench(asked))


if __name__ == "__main__":
    sys.exit(main())
