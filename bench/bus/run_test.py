"""Laws of the table: what counts as met, and by how much a target is missed."""

import unittest

from run import SCENARIOS, Target, cell, judged, over, shown, under, verdict


def figures(guildhall, nats=1.0, curve=1.0):
    return {"guildhall": guildhall, "nats": nats, "curve": curve}


class Targets(unittest.TestCase):
    def test_a_ratio_at_its_limit_is_met(self):
        self.assertEqual(over("nats", 2.0).judge(figures(200, nats=100)), (2.0, 0.0))

    def test_a_ratio_below_its_limit_is_missed_by_the_part_that_is_lacking(self):
        ratio, missed = over("nats", 2.0).judge(figures(150, nats=100))
        self.assertEqual(ratio, 1.5)
        self.assertAlmostEqual(missed, 0.25)

    def test_each_target_is_over_its_own_peer(self):
        self.assertEqual(over("curve", 6.0).judge(figures(600, nats=1000, curve=100))[1], 0.0)

    def test_where_less_is_better_more_is_missed(self):
        self.assertEqual(under("nats", 0.7).judge(figures(60, nats=100))[1], 0.0)
        self.assertAlmostEqual(under("nats", 0.8).judge(figures(100, nats=100))[1], 0.25)

    def test_a_target_without_a_peer_is_our_figure_alone(self):
        self.assertEqual(Target(64.0, at_most=True).judge(figures(43.5, nats=1)), (43.5, 0.0))
        self.assertAlmostEqual(Target(64.0, at_most=True).judge(figures(80))[1], 0.25)


class Rows(unittest.TestCase):
    def test_the_median_of_the_rounds_is_judged(self):
        scenario = next(each for each in SCENARIOS if each.kind == "idle")
        seen = {"KiB/client": {key: [900.0, 50.0, 60.0] for key in figures(0)}}
        (row,) = judged(scenario, seen)
        self.assertEqual(row["median"]["guildhall"], 60.0)
        self.assertTrue(row["targets"][0]["met"])

    def test_a_missed_target_says_by_how_much(self):
        scenario = next(each for each in SCENARIOS if each.name == "1 KiB 1->1")
        seen = {"messages/s": {"guildhall": [90], "nats": [100], "curve": [10]}}
        (row,) = judged(scenario, seen)
        self.assertEqual(verdict(row["targets"][0]),
                         ["0.90x of NATS+TLS", ">= 1x", "MISSED by 10%"])

    def test_every_side_has_a_count_in_every_scenario(self):
        for scenario in SCENARIOS:
            self.assertEqual(set(scenario.messages), set(figures(0)), scenario.name)


class Cells(unittest.TestCase):
    def test_several_rounds_show_their_spread_and_one_does_not(self):
        self.assertEqual(cell([3_000, 1_000, 2_000]), "2,000 (1,000..3,000)")
        self.assertEqual(cell([1_000]), "1,000")

    def test_small_figures_keep_a_decimal_unless_they_are_whole(self):
        self.assertEqual(shown(43.46), "43.5")
        self.assertEqual(shown(98), "98")


if __name__ == "__main__":
    unittest.main()
