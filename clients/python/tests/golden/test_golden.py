"""Every frame of tests/golden/frames is read and written to the byte, and every bad one refused."""
import json
import unittest
from pathlib import Path
from typing import Any

from guildhall import errors, frames

GOLDEN = Path(__file__).parents[4] / "tests" / "golden" / "frames"
BOTH = {**frames.FROM_CLIENT, **frames.FROM_BROKER}
KINDS = {"client": frames.FROM_CLIENT, "broker": frames.FROM_BROKER}


def described(record: dict[str, Any]) -> frames.Record:
    """The record that a description speaks of."""
    kind = getattr(frames, "".join(word.capitalize() for word in record["kind"].split("_")))
    fields: dict[str, Any] = {"number": int(record["number"])}
    fields |= {
        part: record[part] for part in ("topic", "name", "reason", "names") if part in record
    }
    for field, value in record.get("fields", {}).items():
        fields[field] = bytes.fromhex(value) if field == "instance" else int(value)
    if "items_hex" in record:
        fields["items"] = [bytes.fromhex(item) for item in record["items_hex"]]
    if "payload_hex" in record:
        fields["payload"] = bytes.fromhex(record["payload_hex"])
    made = kind(**fields)
    assert isinstance(made, frames.Record)
    return made


class Golden(unittest.TestCase):
    def descriptions(self) -> list[Path]:
        found = sorted(path for path in GOLDEN.glob("*.json") if path.name != "malformed.json")
        binaries = sorted(path.stem for path in GOLDEN.glob("*.bin"))
        self.assertEqual([path.stem for path in found], binaries)
        return found

    def test_every_frame_is_read_and_written_to_the_byte(self) -> None:
        for path in self.descriptions():
            with self.subTest(path.stem):
                description = json.loads(path.read_text())
                wanted = [described(record) for record in description["records"]]
                binary = path.with_suffix(".bin").read_bytes()
                found = frames.decode(binary, KINDS[description["from"]])
                self.assertEqual([sized.record for sized in found], wanted)
                self.assertEqual(sum(sized.size for sized in found), len(binary))
                self.assertEqual(frames.encode_frame(wanted), binary)

    def test_the_files_show_every_kind(self) -> None:
        shown = set()
        for path in self.descriptions():
            description = json.loads(path.read_text())
            kinds = KINDS[description["from"]]
            binary = path.with_suffix(".bin").read_bytes()
            shown |= {sized.record.KIND for sized in frames.decode(binary, kinds)}
        self.assertEqual(shown, set(BOTH))

    def test_every_malformed_frame_is_refused(self) -> None:
        entries = json.loads((GOLDEN / "malformed.json").read_text())
        self.assertGreater(len(entries), 0)
        for entry in entries:
            for kinds in (frames.FROM_CLIENT, frames.FROM_BROKER, BOTH):
                with self.subTest(entry["about"]), self.assertRaises(errors.MalformedFrame):
                    frames.decode(bytes.fromhex(entry["frame_hex"]), kinds)

    def test_a_frame_cut_anywhere_between_records_is_refused(self) -> None:
        binary = (GOLDEN / "mixed.bin").read_bytes()
        ends = {0}
        for sized in frames.decode(binary):
            ends.add(max(ends) + sized.size)
        for cut in range(len(binary)):
            with self.subTest(cut=cut):
                if cut in ends:
                    frames.decode(binary[:cut])
                else:
                    self.assertRaises(errors.MalformedFrame, frames.decode, binary[:cut])

    def test_a_direction_refuses_the_other_ones_kinds(self) -> None:
        self.assertFalse(set(frames.FROM_CLIENT) & set(frames.FROM_BROKER))
        for path in self.descriptions():
            description = json.loads(path.read_text())
            other = "broker" if description["from"] == "client" else "client"
            with self.subTest(path.stem), self.assertRaises(errors.MalformedFrame):
                frames.decode(path.with_suffix(".bin").read_bytes(), KINDS[other])
