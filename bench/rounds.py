"""How a part is measured: turn and turn about, from the command line to the report. The measuring
itself is the part's, in its run.py."""

import argparse
import json
import os
import platform
import signal
import sys

from processes import BenchError
from table import judged, print_table, shown


def take_turns(scenario, titles, rounds, measure):
    """Of each row of the scenario the figures of each side, one a round. `measure` answers them for a
    side's key, in the order of the rows. The order of the sides is that of `titles`."""
    seen = {unit: {key: [] for key in titles} for unit in scenario.rows}
    for number in range(1, rounds + 1):
        for key, title in titles.items():
            figures = measure(key)
            for unit, figure in zip(scenario.rows, figures, strict=True):
                seen[unit][key].append(figure)
            said = ", ".join(f"{shown(figure)} {unit}"
                             for unit, figure in zip(scenario.rows, figures, strict=True))
            say(f"{scenario.name}: round {number} of {rounds}: {title}: {said}")
    return seen


def parser(part, what):
    """The options that all parts have. `what` is the first line of the help."""
    made = argparse.ArgumentParser(prog=f"scripts/bench {part}", description=what)
    made.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    made.add_argument("--rounds", type=int, default=5, metavar="N", help="of each measurement (5)")
    made.add_argument("--only", default="", metavar="WORD",
                      help="only the scenarios whose name has WORD")
    made.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    return made


def parse(made, scenarios):
    asked = made.parse_args()
    if not 1 <= asked.rounds <= 100:
        made.error("--rounds is 1 to 100")
    asked.scenarios = [each for each in scenarios if asked.only in each.name]
    if not asked.scenarios:
        names = "; ".join(each.name for each in scenarios)
        made.error(f"no scenario has '{asked.only}' in its name; there are: {names}")
    return asked


def machine():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(),
            "kernel": platform.release(), "load_before": round(os.getloadavg()[0], 2)}


def report(asked, about, measured, titles, notes):
    """Prints the table, or JSON. `about` is what is told of the machine and the peers, `notes` names
    what of it stands below the table as well."""
    about["load_after"] = round(os.getloadavg()[0], 2)
    rows = judged(measured)
    targets = [target for row in rows for target in row["targets"]]
    met = sum(target["met"] for target in targets)
    if asked.json:
        print(json.dumps({"machine": about, "rounds": asked.rounds, "rows": rows,
                          "targets": len(targets), "met": met}))
        return
    print_table(rows, titles)
    said = "; ".join(about[note] for note in notes if note in about)
    print(f"\n{met} of {len(targets)} targets met. Median of {asked.rounds} rounds (smallest..largest); "
          f"{about['cpus']} x {about['cpu']}; load {about['load_before']} before, "
          f"{about['load_after']} after; {said}")


def say(line):
    print(line, file=sys.stderr, flush=True)


def guarded(bench):
    """Main's exit code. What was started is ended, whatever ends us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        bench()
    except (BenchError, OSError) as problem:
        say(f"bench: {problem}")
        return 1
    except KeyboardInterrupt:
        say("bench: interrupted")
        return 130
    return 0
