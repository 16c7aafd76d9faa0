"""Laws of the table: what counts as met, and by how much a target is missed."""

import dataclasses
import unittest

from table import Target, cell, judged, over, shown, under, verdict

TITLES = {"guildhall": "guildhall", "nats": "NATS+TLS", "curve": "bare CURVE"}


def figures(guildhall, nats=1.0, curve=1.0):
    return {"guildhall": guildhall, "nats": nats, "curve": curve}


def judge(target, medians):
    return target.judge({("here", "unit"): medians}, "unit", "here")


@dataclasses.dataclass
class Scenario:
    name: str
    rows: dict


class Targets(unittest.TestCase):
    def test_a_ratio_at_its_limit_is_met(self):
        self.assertEqual(judge(over("nats", 2.0), figures(200, nats=100)), (2.0, 0.0))

    def test_a_ratio_below_its_limit_is_missed_by_the_part_that_is_lacking(self):
        ratio, missed = judge(over("nats", 2.0), figures(150, nats=100))
        self.assertEqual(ratio, 1.5)
        self.assertAlmostEqual(missed, 0.25)

    def test_each_target_is_over_its_own_peer(self):
        self.assertEqual(judge(over("curve", 6.0), figures(600, nats=1000, curve=100))[1], 0.0)

    def test_where_less_is_better_more_is_missed(self):
        self.assertEqual(judge(under("nats", 0.7), figures(60, nats=100))[1], 0.0)
        self.assertAlmostEqual(judge(under("nats", 0.8), figures(100, nats=100))[1], 0.25)

    def test_a_target_without_a_peer_is_our_figure_alone(self):
        alone = Target(64.0, at_most=True)
        self.assertEqual(judge(alone, figures(43.5, nats=1)), (43.5, 0.0))
        self.assertAlmostEqual(judge(alone, figures(80))[1], 0.25)

    def test_a_target_may_be_over_our_own_figure_of_another_scenario(self):
        medians = {("here", "unit"): figures(90, nats=1), ("there", "unit"): figures(100, nats=7)}
        ratio, missed = Target(0.95, scenario="there").judge(medians, "unit", "here")
        self.assertEqual(ratio, 0.9)
        self.assertAlmostEqual(missed, 1 - 0.9 / 0.95)

    def test_what_was_not_measured_is_not_judged(self):
        self.assertIsNone(judge(over("nats", 2.0), {"guildhall": 1.0}))
        self.assertIsNone(judge(over("nats", 2.0), {"nats": 1.0}))
        self.assertIsNone(judge(Target(1.0, scenario="there"), figures(1)))


class Rows(unittest.TestCase):
    def test_the_median_of_the_rounds_is_judged(self):
        scenario = Scenario("idle", {"KiB": [Target(64.0, at_most=True)]})
        (row,) = judged([(scenario, {"KiB": {key: [900.0, 50.0, 60.0] for key in TITLES}})])
        self.assertEqual(row["median"]["guildhall"], 60.0)
        self.assertTrue(row["targets"][0]["met"])

    def test_a_missed_target_says_by_how_much(self):
        scenario = Scenario("rate", {"messages/s": [over("nats", 1.0)]})
        seen = {"messages/s": {"guildhall": [90], "nats": [100], "curve": [10]}}
        (row,) = judged([(scenario, seen)])
        self.assertEqual(verdict(row["targets"][0], TITLES),
                         ["0.90x of NATS+TLS", ">= 1x", "MISSED by 10%"])

    def test_a_target_over_another_scenario_names_it(self):
        near = Scenario("near", {"messages/s": [Target(0.95, scenario="far")]})
        far = Scenario("far", {"messages/s": []})
        rows = judged([(near, {"messages/s": {"guildhall": [98]}}),
                       (far, {"messages/s": {"guildhall": [100]}})])
        self.assertEqual(verdict(rows[0]["targets"][0], TITLES),
                         ["0.98x of our far", ">= 0.95x", "met"])
        self.assertEqual(rows[1]["targets"], [])


class Cells(unittest.TestCase):
    def test_several_rounds_show_their_spread_and_one_does_not(self):
        self.assertEqual(cell([3_000, 1_000, 2_000]), "2,000 (1,000..3,000)")
        self.assertEqual(cell([1_000]), "1,000")

    def test_small_figures_keep_a_decimal_unless_they_are_whole(self):
        self.assertEqual(shown(43.46), "43.5")
        self.assertEqual(shown(98), "98")


if __name__ == "__main__":
    unittest.main()
