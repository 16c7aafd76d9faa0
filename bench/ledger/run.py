#!/usr/bin/env python3
"""The ledger beside PostgreSQL, in one run, interleaved. Started by scripts/bench, which builds what it
needs; README.md beside this folder says what is measured and why the comparison is fair."""

import contextlib
import dataclasses
import os
import shutil
import sys
import tempfile

import rounds
from disk import kind_of_disk, sync_us
from sides import Guild, Postgres
from table import Target, over

SIDES = {"guildhall": Guild, "postgres": Postgres}
TITLES = {"guildhall": "guildhall", "postgres": "PostgreSQL"}
FIGURES = {"transfers/s": "transfers_per_s", "p50 us": "p50_us", "p99 us": "p99_us"}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One measurement; each of its figures is a row of the table."""

    name: str
    accounts: int
    ours: list  # Words for `guild ledger bench`.
    peer_clients: int
    peer_transfers: int  # What takes it some seconds.
    rows: dict  # Unit to targets.


SCENARIOS = [
    Scenario("spread", 1_000, ["--transfers", "1000000", "--batch", "8000"], 32, 60_000,
             {"transfers/s": [over("postgres", 15.0)]}),
    Scenario("hot pair", 2, ["--transfers", "1000000", "--batch", "8000"], 32, 10_000,
             {"transfers/s": [over("postgres", 100.0), Target(0.95, scenario="spread")]}),
    Scenario("one client", 1_000, ["--transfers", "4000", "--batch", "1", "--clients", "1"],
             1, 4_000,
             {"transfers/s": [over("postgres", 0.9)],
              "p50 us": [], "p99 us": [Target(1_000, at_most=True)]}),
    Scenario("64 clients", 1_000, ["--transfers", "100000", "--batch", "1", "--clients", "64"],
             64, 60_000,
             {"transfers/s": [over("postgres", 3.0)], "p50 us": [], "p99 us": []}),
]


def bench(asked):
    titles = {key: title for key, title in TITLES.items() if asked.side in ("", key)}
    folder = tempfile.mkdtemp(prefix="ledger-", dir=asked.folder)
    try:
        os.chmod(folder, 0o711)  # PostgreSQL may run as another user.
        about = {**rounds.machine(), "disk": kind_of_disk(folder), "sync_us_before": sync_us(folder)}
        with contextlib.ExitStack() as owned:
            sides = {key: owned.enter_context(SIDES[key](asked.programs, folder))
                     for key in titles}
            about |= {key: side.about for key, side in sides.items() if hasattr(side, "about")}
            measured = [(scenario, measure(scenario, sides, titles, asked.rounds))
                        for scenario in asked.scenarios]
        about["sync_us_after"] = sync_us(folder)
        about["disk"] = (f"{about['disk']}, a fdatasync {about['sync_us_before']:,} us before, "
                          f"{about['sync_us_after']:,} us after")
        rounds.report(asked, about, measured, titles, ["disk", "postgres"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(scenario, sides, titles, number_of_rounds):
    def figures(key):
        seen = sides[key].measure(scenario)
        return [seen[FIGURES[unit]] for unit in scenario.rows]

    return rounds.take_turns(scenario, titles, number_of_rounds, figures)


def arguments():
    made = rounds.parser("ledger", __doc__.split("\n", maxsplit=1)[0])
    made.add_argument("--side", default="", choices=SIDES, help="only this one, without ratios")
    made.add_argument("--folder", help="where both write (default: where the build is); not in memory")
    asked = rounds.parse(made, SCENARIOS)
    asked.folder = os.path.abspath(asked.folder or os.path.dirname(asked.programs))
    if not os.path.isdir(asked.folder):
        made.error(f"--folder {asked.folder} is not a folder")
    return asked


def main():
    asked = arguments()
    return rounds.guarded(lambda: bench(asked))


if __name__ == "__main__":
    sys.exit(main())
