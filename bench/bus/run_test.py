"""Laws of the scenarios; those of the table are in table_test.py."""

import unittest

from run import SCENARIOS, SIDES, TITLES


class Scenarios(unittest.TestCase):
    def test_every_side_has_a_title_and_a_count_in_every_scenario(self):
        self.assertEqual(set(TITLES), set(SIDES))
        for scenario in SCENARIOS:
            self.assertEqual(set(scenario.messages), set(SIDES), scenario.name)


if __name__ == "__main__":
    unittest.main()
