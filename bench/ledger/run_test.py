"""Laws of the ledger's measurements, on a `guild` that answers what it is told to. Those of the table
are in ../table_test.py; the peer is a real PostgreSQL, and a run checks its books itself."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import disk
import run
from processes import BenchError
from sides import Guild, checked, configuration

GOOD = {"transfers_per_s": 1000, "p50_us": 100, "p99_us": 400, "durable": True, "refused": 0}
# It keeps what it was asked and answers the next of its lines.
FAKE = """#!/bin/sh
printf '%s\\n' "$TMPDIR $*" >>"$0.asked"
sed -n "$(wc -l <"$0.asked")p" "$0.answers"
"""


class WithFakeGuild(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.programs = os.path.join(self.folder, "programs")
        os.makedirs(os.path.join(self.programs, "bin"))
        self.guild = os.path.join(self.programs, "bin", "guild")
        with open(self.guild, "x", encoding="ascii") as file:
            file.write(FAKE)
        os.chmod(self.guild, 0o700)

    def answers(self, *each):
        with open(self.guild + ".answers", "w", encoding="ascii") as file:
            file.writelines(json.dumps(answer) + "\n" for answer in each)

    def asked(self):
        with open(self.guild + ".asked", encoding="ascii") as file:
            return file.read().splitlines()


class OurSide(WithFakeGuild):
    def test_each_scenario_asks_for_what_the_readme_says(self):
        self.answers(*[GOOD] * len(run.SCENARIOS))
        for scenario in run.SCENARIOS:
            Guild(self.programs, "/the/disk").measure(scenario)
        self.assertEqual(self.asked(), [
            "/the/disk ledger bench --transfers 1000000 --batch 8000 --accounts 1000 --json",
            "/the/disk ledger bench --transfers 1000000 --batch 8000 --accounts 2 --json",
            "/the/disk ledger bench --transfers 4000 --batch 1 --clients 1 --accounts 1000 --json",
            "/the/disk ledger bench --transfers 100000 --batch 1 --clients 64 --accounts 1000 --json"])

    def test_what_is_not_durable_is_not_compared(self):
        with self.assertRaisesRegex(BenchError, "not durable"):
            checked(json.dumps({**GOOD, "durable": False}))

    def test_refused_transfers_are_not_compared(self):
        with self.assertRaisesRegex(BenchError, "3 transfers were refused"):
            checked(json.dumps({**GOOD, "refused": 3}))

    def test_an_answer_of_another_form_is_told(self):
        for said in ("", "done\n", '{"transfers_per_s": 1}\n'):
            with self.assertRaisesRegex(BenchError, "not known"):
                checked(said)


class WholeRun(WithFakeGuild):
    def report(self, *words):
        argv = ["run.py", "--programs", self.programs, "--side", "guildhall", "--json",
                "--folder", self.folder, *words]
        stdout = io.StringIO()
        # Where tests run, temporary folders may be in memory, and nobody waits for the disk.
        with mock.patch.object(sys, "argv", argv), mock.patch.object(disk, "IN_MEMORY", set()), \
                mock.patch.object(run, "sync_us", return_value=100), \
                contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(io.StringIO()) as said:
            status = run.main()
        return (json.loads(stdout.getvalue()) if status == 0 else said.getvalue()), status

    def test_hot_pair_is_held_against_our_own_spread(self):
        rates = [1000, 1200, 1100, 900, 1020, 1200]  # Three rounds of each.
        self.answers(*({**GOOD, "transfers_per_s": rate} for rate in rates), *[GOOD] * 6)
        report, _ = self.report("--rounds", "3")
        spread, hot_pair = report["rows"][:2]
        self.assertEqual(spread["median"], {"guildhall": 1100})
        self.assertEqual(spread["targets"], [])  # Of PostgreSQL, which was not measured.
        self.assertEqual(hot_pair["rounds"], {"guildhall": [900, 1020, 1200]})
        (own,) = hot_pair["targets"]
        self.assertEqual((own["scenario"], own["reached"], own["met"]), ("spread", 0.927, False))

    def test_our_p99_has_a_target_of_its_own(self):
        self.answers({**GOOD, "p99_us": 1250})
        report, _ = self.report("--rounds", "1", "--only", "one client")
        self.assertEqual([row["unit"] for row in report["rows"]], list(run.FIGURES))
        (late,) = report["rows"][2]["targets"]
        self.assertEqual((late["reached"], late["missed_by"]), (1250, 0.25))
        self.assertEqual((report["targets"], report["met"]), (1, 0))

    def test_a_run_that_fails_says_why_and_leaves_nothing(self):
        self.answers({**GOOD, "durable": False})
        said, status = self.report("--rounds", "1", "--only", "spread")
        self.assertEqual(status, 1)
        self.assertIn("bench: guild ledger bench: its transfers are not durable", said)
        self.assertEqual(os.listdir(self.folder), ["programs"])

    def test_a_missing_program_is_told(self):
        os.unlink(self.guild)
        said, status = self.report("--rounds", "1", "--only", "spread")
        self.assertEqual(status, 1)
        self.assertIn("No such file", said)


class ThePeer(unittest.TestCase):
    def test_it_is_durable_as_it_is_started(self):
        lines = configuration("/sockets", 8192).splitlines()
        for needed in ("fsync = on", "synchronous_commit = on", "full_page_writes = on",
                       "shared_buffers = 2048MB", "listen_addresses = ''"):
            self.assertIn(needed, lines)

    def test_a_folder_in_memory_is_refused(self):
        with mock.patch.object(disk, "run", return_value="tmpfs\n"):
            with self.assertRaisesRegex(BenchError, "is in memory"):
                disk.kind_of_disk("/somewhere")


if __name__ == "__main__":
    unittest.main()
