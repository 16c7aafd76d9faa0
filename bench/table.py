"""What is made of the rounds of a part: medians, targets, and one table. Pure, but for the printing.

A part's scenarios have a `name` and `rows`: unit to targets. Its sides have a key and a title."""

import dataclasses
import statistics

OURS = "guildhall"


@dataclasses.dataclass(frozen=True)
class Target:
    """Our figure over a peer's, or over our own of another scenario, or, without either, alone."""

    limit: float
    at_most: bool = False
    against: str | None = None
    scenario: str | None = None

    def judge(self, medians, unit, scenario):
        """The ratio (or the figure), and by what part it misses the target; 0 when it is met. None
        when not all of it was measured. `medians` is by scenario, unit and side."""
        figures = [medians.get((scenario, unit), {}).get(OURS)]
        if self.against or self.scenario:
            over_it = medians.get((self.scenario or scenario, unit), {})
            figures.append(over_it.get(self.against or OURS))
        if None in figures:
            return None
        reached = figures[0] / figures[1] if len(figures) == 2 else figures[0]
        missed = reached / self.limit - 1 if self.at_most else 1 - reached / self.limit
        return reached, max(missed, 0.0)


def over(peer, limit):
    return Target(limit, against=peer)


def under(peer, limit):
    return Target(limit, at_most=True, against=peer)


def judged(measured):
    """The rows of the report, of pairs: a scenario, and of each of its rows the figures of each side,
    one a round."""
    medians = {(scenario.name, unit): {key: statistics.median(figures)
                                       for key, figures in sides.items()}
               for scenario, seen in measured for unit, sides in seen.items()}
    rows = []
    for scenario, seen in measured:
        for unit, targets in scenario.rows.items():
            row = {"scenario": scenario.name, "unit": unit, "median": medians[scenario.name, unit],
                   "rounds": seen[unit], "targets": []}
            for target in targets:
                if outcome := target.judge(medians, unit, scenario.name):
                    row["targets"].append(told(target, *outcome))
            rows.append(row)
    return rows


def told(target, reached, missed):
    return {"against": target.against, "scenario": target.scenario, "reached": round(reached, 3),
            "limit": target.limit, "at_most": target.at_most, "met": missed == 0,
            "missed_by": round(missed, 3)}


def shown(figure):
    return f"{figure:,.0f}" if figure >= 100 or isinstance(figure, int) else f"{figure:.1f}"


def cell(figures):
    """Median of the rounds, in brackets the smallest and the largest."""
    if len(figures) == 1:
        return shown(figures[0])
    return f"{shown(statistics.median(figures))} ({shown(min(figures))}..{shown(max(figures))})"


def verdict(target, titles):
    sign = "<=" if target["at_most"] else ">="
    over_what = (f"our {target['scenario']}" if target["scenario"] else
                 titles[target["against"]] if target["against"] else "")
    times, of = ("x", f" of {over_what}") if over_what else ("", "")
    outcome = "met" if target["met"] else f"MISSED by {target['missed_by']:.0%}"
    return [f"{target['reached']:.2f}{times}{of}", f"{sign} {target['limit']:g}{times}", outcome]


def print_table(rows, titles):
    """`titles` are those of the sides that were measured, by key."""
    lines = [["scenario", "unit", *titles.values(), "ratio", "target", "verdict"]]
    for row in rows:
        first = [row["scenario"], row["unit"], *(cell(row["rounds"][key]) for key in titles)]
        verdicts = [verdict(target, titles) for target in row["targets"]] or [[""] * 3]
        for words in verdicts:
            lines.append([*first, *words])
            first = [""] * len(first)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
