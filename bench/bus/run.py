#!/usr/bin/env python3
"""The bus beside its peers, in one run, interleaved. Started by scripts/bench, which builds what it
needs; README.md beside this folder says what is measured and why the comparison is fair."""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import resource
import shutil
import signal
import statistics
import sys
import tempfile

from processes import BenchError
from sides import Curve, Guild, Nats

SIDES = {"guildhall": Guild, "nats": Nats, "curve": Curve}
TITLES = {"guildhall": "guildhall", "nats": "NATS+TLS", "curve": "bare CURVE"}


@dataclasses.dataclass(frozen=True)
class Target:
    """Our figure over a peer's, or, without a peer, our figure alone."""

    limit: float
    at_most: bool = False
    against: str | None = None

    def judge(self, medians):
        """The ratio (or the figure), and by what part it misses the target; 0 when it is met."""
        reached = medians["guildhall"]
        if self.against:
            reached /= medians[self.against]
        missed = reached / self.limit - 1 if self.at_most else 1 - reached / self.limit
        return reached, max(missed, 0.0)


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


def over(peer, limit):
    return Target(limit, against=peer)


def under(peer, limit):
    return Target(limit, at_most=True, against=peer)


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

    def __init__(self, programs, folder, rounds):
        self.programs = programs
        self.folder = folder
        self.rounds = rounds
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
        seen = {unit: {key: [] for key in SIDES} for unit in scenario.rows}
        for number in range(1, self.rounds + 1):
            for key in SIDES:
                figures = getattr(self, "measure_" + scenario.kind)(key, scenario)
                for unit, figure in zip(scenario.rows, figures, strict=True):
                    seen[unit][key].append(figure)
                said = ", ".join(f"{shown(figure)} {unit}"
                                 for unit, figure in zip(scenario.rows, figures, strict=True))
                say(f"{scenario.name}: round {number} of {self.rounds}: {TITLES[key]}: {said}")
        return seen

    def measure_throughput(self, key, scenario):
        return [self.sides[key].throughput(scenario.load(key)) * scenario.subscribers]

    def measure_echo(self, key, scenario):
        return self.sides[key].echo(scenario.load(key))

    def measure_idle(self, key, scenario):
        # In a server of its own: one that has worked before has memory to spare.
        with self._new(SIDES[key]) as fresh:
            return [fresh.idle_growth_kib(scenario.messages[key])]

    def _new(self, side):
        self._made += 1
        return side(self.programs, os.path.join(self.folder, str(self._made)))


def judged(scenario, seen):
    """The rows of a scenario as the report has them."""
    for unit, targets in scenario.rows.items():
        medians = {key: statistics.median(figures) for key, figures in seen[unit].items()}
        row = {"scenario": scenario.name, "unit": unit, "median": medians,
               "rounds": seen[unit], "targets": []}
        for target in targets:
            reached, missed = target.judge(medians)
            row["targets"].append({"against": target.against, "reached": round(reached, 3),
                                   "limit": target.limit, "at_most": target.at_most,
                                   "met": missed == 0, "missed_by": round(missed, 3)})
        yield row


def shown(figure):
    return f"{figure:,.0f}" if figure >= 100 or isinstance(figure, int) else f"{figure:.1f}"


def cell(figures):
    if len(figures) == 1:
        return shown(figures[0])
    return f"{shown(statistics.median(figures))} ({shown(min(figures))}..{shown(max(figures))})"


def verdict(target):
    sign = "<=" if target["at_most"] else ">="
    times = "x" if target["against"] else ""
    of = f" of {TITLES[target['against']]}" if target["against"] else ""
    outcome = "met" if target["met"] else f"MISSED by {target['missed_by']:.0%}"
    return [f"{target['reached']:.2f}{times}{of}", f"{sign} {target['limit']:g}{times}", outcome]


def print_table(rows):
    """Median of the rounds, in brackets the smallest and the largest."""
    lines = [["scenario", "unit", *TITLES.values(), "ratio", "target", "verdict"]]
    for row in rows:
        first = [row["scenario"], row["unit"], *(cell(row["rounds"][key]) for key in SIDES)]
        for target in row["targets"]:
            lines.append([*first, *verdict(target)])
            first = [""] * len(first)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def machine(nats_about):
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(),
            "kernel": platform.release(), "load_before": round(os.getloadavg()[0], 2),
            "nats": nats_about}


def say(line):
    print(line, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench bus", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each measurement (5)")
    parser.add_argument("--only", default="", metavar="WORD",
                        help="only the scenarios whose name has WORD")
    parser.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not 1 <= asked.rounds <= 100:
        parser.error("--rounds is 1 to 100")
    asked.scenarios = [each for each in SCENARIOS if asked.only in each.name]
    if not asked.scenarios:
        names = "; ".join(each.name for each in SCENARIOS)
        parser.error(f"no scenario has '{asked.only}' in its name; there are: {names}")
    return asked


def bench(asked, folder):
    rows = []
    with Bench(asked.programs, folder, asked.rounds) as runner:
        report = machine(runner.sides["nats"].about)
        for scenario in asked.scenarios:
            rows.extend(judged(scenario, runner.measure(scenario)))
    report["load_after"] = round(os.getloadavg()[0], 2)
    targets = [target for row in rows for target in row["targets"]]
    met = sum(target["met"] for target in targets)
    if asked.json:
        print(json.dumps({"machine": report, "rounds": asked.rounds, "rows": rows,
                          "targets": len(targets), "met": met}))
        return
    print_table(rows)
    print(f"\n{met} of {len(targets)} targets met. Median of {asked.rounds} rounds (smallest..largest); "
          f"{report['cpus']} x {report['cpu']}; load {report['load_before']} before, "
          f"{report['load_after']} after; {report['nats']}")


def main():
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that what was started is ended.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A short path: a socket's may have 107 bytes.
    folder = tempfile.mkdtemp(prefix="bench-", dir="/tmp")
    try:
        bench(asked, folder)
    except BenchError as problem:
        say(f"bench: {problem}")
        return 1
    except KeyboardInterrupt:
        say("bench: interrupted")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
